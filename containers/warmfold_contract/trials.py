"""``trials.json``: the trials of one search job, as rows like those of a tuning job.

A search job leaves the file in its ``model.tar.gz``; the best-job Lambda and the report read it.
"""

import gzip
import io
import json
import tarfile
import zlib
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

from warmfold_contract.documents import json_object
from warmfold_contract.errors import UserError

FILE_NAME = "trials.json"
FORMAT = 1

# The checkpoint of a search that runs: a line that says which search it is, then one each trial
# that has ended, in that order.
CHECKPOINT_FILE = "search.jsonl"
CHECKPOINT_FORMAT = 1

# The status of a tuning job's trials that ended so. A stopped one was raced out by better ones.
COMPLETED = "Completed"
STOPPED = "Stopped"
FAILED = "Failed"

# A thousand trials are about 1 MB of JSON; nothing else in the archive is big.
MAX_ARCHIVE_BYTES = 8 * 1024**2
MAX_UNPACKED_BYTES = 32 * 1024**2


@dataclass(frozen=True, kw_only=True)
class TrialRow:
    """One trial. ``fold_scores`` are those of the first ``folds_completed`` folds.

    A completed trial has all folds, final scores and ``rounds``. One that was stopped has the
    provisional scores of some folds and no ``score``. ``reason`` says why a trial was stopped or
    failed. ``started`` and ``ended`` are ISO 8601 in UTC.
    """

    name: str
    status: str
    hyperparameters: dict[str, str]
    fold_scores: tuple[float, ...] = ()
    score: float | None = None
    score_std: float | None = None
    training_score: float | None = None
    rounds: int | None = None
    folds_completed: int = 0
    reason: str = ""
    started: str
    ended: str

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrialRow":
        """Raises ``TypeError`` or ``KeyError`` for other members than a row has."""
        return cls(**{**values, "fold_scores": tuple(values["fold_scores"])})


@dataclass(frozen=True, kw_only=True)
class SearchedTrials:
    """The file: what was searched, on which folds, and every trial in the order it was begun.

    ``ended_early`` says why there are fewer trials than were asked for; empty if there are not.
    """

    candidate: str
    algorithm: str
    task: str
    feature_set: str
    metric: str
    folds: int
    fold_hash: str
    data_fingerprint: str
    trials: tuple[TrialRow, ...]
    ended_early: str = ""

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "SearchedTrials":
        """Raises ``UserError`` for no JSON object, another format or a missing member."""
        values = json_object(FILE_NAME, text)
        found = values.pop("format", None)
        if found != FORMAT:
            raise UserError(f"{FILE_NAME} has format {found!r}, this version reads {FORMAT}")
        try:
            rows = tuple(TrialRow.from_dict(row) for row in values["trials"])
            return cls(**{**values, "trials": rows})
        except (TypeError, KeyError) as error:
            raise UserError(f"{FILE_NAME} is incomplete: {error}") from error


def read_trials(archive: bytes) -> SearchedTrials:
    """The trials in a search job's ``model.tar.gz``; nothing of it is unpacked to disk.

    Raises ``UserError`` if it is too big, damaged, or holds no such file.
    """
    return SearchedTrials.from_json(_member(archive, FILE_NAME).decode("utf-8", "replace"))


def read_checkpoint(text: str) -> dict[int, TrialRow]:
    """The trials so far of a search that runs, by number.

    Raises ``UserError`` for another format, or a damaged file.
    """
    try:
        header, *ended = (json.loads(line) for line in text.splitlines())
        if header["format"] != CHECKPOINT_FORMAT:
            raise UserError(
                f"{CHECKPOINT_FILE} has format {header['format']!r}, "
                f"this version reads {CHECKPOINT_FORMAT}"
            )
        return {int(trial["number"]): TrialRow.from_dict(trial["row"]) for trial in ended}
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{CHECKPOINT_FILE} is damaged: {type(error).__name__}") from error


def _member(archive: bytes, name: str) -> bytes:
    if len(archive) > MAX_ARCHIVE_BYTES:
        raise UserError(f"the job's archive has {len(archive)} bytes: too big to hold {name}")
    try:
        with gzip.open(io.BytesIO(archive)) as stream:
            unpacked = stream.read(MAX_UNPACKED_BYTES + 1)
        if len(unpacked) > MAX_UNPACKED_BYTES:
            raise UserError(f"the job's archive is too big, unpacked, to hold {name}")
        with tarfile.open(fileobj=io.BytesIO(unpacked), mode="r:") as tar:
            for member in tar:
                source = tar.extractfile(member) if member.isreg() else None
                if source is not None and PurePosixPath(member.name) == PurePosixPath(name):
                    return source.read()
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise UserError(f"the job's archive is not a readable gzip tar: {error}") from error
    raise UserError(f"the job's archive holds no {name}")
