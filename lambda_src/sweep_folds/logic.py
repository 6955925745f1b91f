"""Which fold jobs nobody waits for any more, as plain data in and out; nothing here calls AWS."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

# What the trainer gives every fold's job (its `fan_out` package): the trial that started it, the
# fold's number, and the name of the role that the folds of this model run as.
PARENT_TAG = "warmfold:parent"
FOLD_TAG = "warmfold:fold"
ROLE_TAG = "warmfold:fold-role"
_FOLD_NAME = re.compile(r"(.+)-fold-[0-9]{2}-[0-9]")

# DescribeTrainingJob and DescribeHyperParameterTuningJob (API reference): the statuses that a job
# does not leave again, or only by being deleted. A job that is Stopping is not one of them: a
# trial stops its folds itself in that time.
_ENDED = frozenset({"Completed", "Failed", "Stopped", "Deleting", "DeleteFailed"})
IN_PROGRESS = "InProgress"
POOL_AVAILABLE = "Available"


@dataclass(frozen=True, kw_only=True)
class Job:
    """A training job of a listing."""

    name: str
    arn: str


@dataclass(frozen=True, kw_only=True)
class Trial:
    """``status`` is ``None`` of a trial that is gone, ``tuning_job`` of one that no search made."""

    status: str | None
    tuning_job: str | None = None

    @property
    def ended(self) -> bool:
        return has_ended(self.status)


def has_ended(status: str | None) -> bool:
    """Of a trial or a tuning job; ``None`` is the status of one that is gone."""
    return status is None or status in _ENDED


def stem(name: str) -> str | None:
    """What stands before ``-fold-…``; ``None`` if this is not what a fold's job is called.

    It is the trial's name, unless that was too long and had to be cut.
    """
    match = _FOLD_NAME.fullmatch(name)
    return None if match is None else match[1]


def parent(tags: Mapping[str, str], fold_role: str) -> str | None:
    """The trial that a job's tags name; ``None`` if it is no fold, or one of another model."""
    if FOLD_TAG not in tags or tags.get(ROLE_TAG) != fold_role:
        return None
    return tags.get(PARENT_TAG)
