"""Why a job failed, in SageMaker's own words: ``FailureReason`` and ``ExitMessage``."""

from pathlib import Path

# "FailureReason … up to 1024 characters", also of the failure and the message file.
LIMIT = 1024

INTERNAL = "InternalServerError: We encountered an internal error. Please try again."

# Failures of the service, by their first word.
SERVICE = {
    "InternalServerError": INTERNAL,
    "CapacityError": (
        "CapacityError: Unable to provision requested ML compute capacity. "
        "Please retry using a different ML instance type."
    ),
}


class JobFailed(Exception):
    """Ends a job as Failed; the text becomes its ``FailureReason``."""


class JobStopped(Exception):
    """Ends a job as Stopped: somebody asked for it, or the local cloud is shutting down."""


def clip(text: str) -> str:
    return text[:LIMIT]


def failure_text(path: Path) -> str:
    """The beginning of a failure file; empty if there is none, or it is no plain file."""
    return _head(path).decode("utf-8", "replace").strip()[:LIMIT]


def exit_message(path: Path) -> str:
    """The beginning of a processing job's message file; empty if there is none.

    Raises ``JobFailed`` if it is not UTF-8: SageMaker then fails the job with a ClientError.
    """
    head = _head(path)[:LIMIT]
    for cut in range(4):  # the limit may have cut a character of up to four bytes
        try:
            return head[: len(head) - cut].decode("utf-8").strip()
        except UnicodeDecodeError as error:
            if len(head) < LIMIT or error.end < len(head) - cut:
                break
    raise JobFailed("ClientError: The exit message in /opt/ml/output/message is not UTF-8")


def algorithm_error(text: str, code: int) -> str:
    """``AlgorithmError: {text}, exit code: {code}``; a long text is cut, the code never."""
    said = text or "the container left no message, see its log"
    head, tail = "AlgorithmError: ", f", exit code: {code}"
    return f"{head}{said[: LIMIT - len(head) - len(tail)]}{tail}"


def _head(path: Path) -> bytes:
    if path.is_symlink() or not path.is_file():
        return b""
    with path.open("rb") as stream:
        return stream.read(4 * LIMIT)
