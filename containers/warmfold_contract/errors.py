"""A user's mistake, told apart from our own fault all the way to the job's failure reason."""

from pathlib import Path

# FailureReason and ExitMessage keep this much (SageMaker API, DescribeTrainingJob and
# DescribeProcessingJob).
FAILURE_LIMIT = 1024


class UserError(Exception):
    """Something that the user can put right: data, configuration or project code.

    The message names the place, the fault and the remedy. Of data it names only file, row,
    column and kind, never a value.
    """


def write_failure(path: Path, reason: str) -> None:
    """Write the failure (or exit message) file; an earlier reason is kept, as the first cause.

    The text is cut to ``FAILURE_LIMIT`` bytes of valid UTF-8: SageMaker fails a processing job
    whose message is not UTF-8 with an error of its own.
    """
    if path.is_file() and path.stat().st_size:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    text = reason.encode("utf-8", "replace")[:FAILURE_LIMIT].decode("utf-8", "ignore")
    path.write_text(text, encoding="utf-8")
