"""The errors that the command line prints plainly; anything else is our own fault."""


class WarmfoldError(Exception):
    """A mistake or a failed run that the user is told about in one clear message."""


class RunFailedError(WarmfoldError):
    """Something that was started did not end well; the command line exits 1 instead of 2.

    ``log`` is where more can be read: a path, or a log group on AWS; ``None`` if there is none.
    """

    def __init__(self, step: str, reason: str, log: object | None = None) -> None:
        super().__init__(
            f"{step} failed: {reason}" + ("" if log is None else f"\n  its log: {log}")
        )
        self.step = step
        self.reason = reason
        self.log = log
