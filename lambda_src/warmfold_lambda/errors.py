"""One base class for what a user or operator can put right, told apart from our own faults."""


class LambdaError(Exception):
    """The message names the place, the value and the remedy; it becomes a step's failure reason.

    It never holds a data value: it ends up in logs, failure reasons and events.
    """


class ConfigurationError(LambdaError):
    """Environment variables of the function that are missing or malformed, all at once."""


class InputError(LambdaError):
    """The event does not have the shape that the function reads, all faults at once."""
