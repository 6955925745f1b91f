"""No time limit for one generated example: it would measure what else this machine does."""

from hypothesis import settings

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
