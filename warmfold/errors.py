"""The errors that the command line prints plainly; anything else is our own fault."""


class WarmfoldError(Exception):
    """A mistake or a failed run that the user is told about in one clear message."""
