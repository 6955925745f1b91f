"""Names of fold jobs: made of the trial's alone, so that a restarted trial finds its folds."""

import hashlib
import re
from collections.abc import Iterable

# CreateTrainingJob: TrainingJobName has at most 63 characters.
_LIMIT = 63
_ENDING = re.compile(r"-fold-([0-9]{2})-([0-9])")
_LONGEST_ENDING = len("-fold-35-9")
_HASH = 8

# One digit of the name; the first attempt is 0.
MAX_ATTEMPTS = 10


def fold_job_name(trial: str, fold: int, attempt: int) -> str:
    """Of fold ``fold`` (from 1), ``attempt`` (from 0). The same name is never another job's, so
    creating it twice makes one job."""
    return f"{fold_prefix(trial)}{fold:02d}-{attempt}"


def fold_prefix(trial: str) -> str:
    """What the names of all folds of a trial contain, and of no other trial's."""
    return f"{_stem(trial)}-fold-"


def fold_and_attempt(trial: str, name: str) -> tuple[int, int] | None:
    """Which fold of ``trial`` a job is; ``None`` if it is none."""
    stem = _stem(trial)
    match = _ENDING.fullmatch(name.removeprefix(stem)) if name.startswith(stem) else None
    return None if match is None else (int(match[1]), int(match[2]))


def latest_attempts(trial: str, names: Iterable[str]) -> dict[int, int]:
    """By fold, the highest attempt among jobs of these names, in whatever order they are."""
    found = [parsed for name in names if (parsed := fold_and_attempt(trial, name)) is not None]
    return dict(sorted(found))


def _stem(trial: str) -> str:
    """The trial's name; of one that leaves no room, its beginning and a hash of all of it."""
    room = _LIMIT - _LONGEST_ENDING
    if len(trial) <= room:
        return trial
    digest = hashlib.sha256(trial.encode()).hexdigest()[:_HASH]
    return f"{trial[: room - _HASH - 1].rstrip('-')}-{digest}"
