"""``local logs -f``: print a log as it grows, until what writes it has ended."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from botocore.exceptions import BotoCoreError, ClientError

from warmfold.runs.aws import connect_local
from warmfold_local import launcher

_POLL_SECONDS = 0.5

# By the folder of the job's log: the words of its operation and members.
_KINDS = {"processing": "ProcessingJob", "training": "TrainingJob", "transform": "TransformJob"}
_RUNNING = ("InProgress", "Stopping", "Pending")


def follow(path: Path, ended: Callable[[], bool], out: TextIO) -> None:
    """Copy what is there, and what comes, until ``ended`` and all has been read.

    The file need not be there yet.
    """
    position = 0
    while True:
        over = ended()  # before the last look: what was written by then is read
        position += _copy(path, position, out)
        if over:
            return
        time.sleep(_POLL_SECONDS)


def ending(state_dir: Path, path: Path) -> Callable[[], bool]:
    """Says whether the job of a log has ended; nothing runs on once the local cloud has ended.

    An endpoint's log, and the server's, go on until then.
    """
    kind, name = _KINDS.get(path.parent.parent.name), path.parent.name
    first = launcher.running(state_dir)
    client = None if first is None else connect_local(first).client("sagemaker")

    def ended() -> bool:
        if client is None or launcher.running(state_dir) is None:
            return True
        return kind is not None and _has_ended(client, kind, name)

    return ended


def _has_ended(client: Any, kind: str, name: str) -> bool:
    """A deleted job has; what cannot be asked just now is asked again."""
    word = kind.removesuffix("Job").lower()
    describe = getattr(client, f"describe_{word}_job")
    try:
        return describe(**{f"{kind}Name": name})[f"{kind}Status"] not in _RUNNING
    except ClientError as error:
        return error.response["Error"]["Code"] == "ValidationException"
    except BotoCoreError:
        return False


def _copy(path: Path, position: int, out: TextIO) -> int:
    """Whole characters only: a split one is read again. How many bytes were copied."""
    try:
        with path.open("rb") as stream:
            stream.seek(position)
            data = stream.read()
    except FileNotFoundError:
        return 0
    whole = len(data) - _split(data)
    out.write(data[:whole].decode("utf-8", "replace"))
    out.flush()
    return whole


def _split(data: bytes) -> int:
    """How many bytes at the end begin a character that has not all arrived."""
    for length in range(1, min(3, len(data)) + 1):
        first = data[-length]
        if first >= 0xC0:  # the first byte of a character of 2 to 4 bytes
            needed = 2 if first < 0xE0 else 3 if first < 0xF0 else 4
            return length if length < needed else 0
        if first < 0x80:
            return 0
    return 0
