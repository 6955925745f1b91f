"""The finished trials of a search, kept where SageMaker copies checkpoints from and back to.

One JSON line says which search it is, and one more each trial that has ended. The file is
replaced whole after every trial, so that a copy is never half a line; what a restart loses are
the trials that were running.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from warmfold_contract.errors import UserError
from warmfold_contract.trials import CHECKPOINT_FILE, CHECKPOINT_FORMAT, TrialRow
from warmfold_trainer.search.ended import EndedTrial


@dataclass
class Checkpoint:
    """``identity`` says by which data and settings a search's trials can be told from others'."""

    folder: Path
    identity: Mapping[str, str]
    _lines: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self._lines = [json.dumps({"format": CHECKPOINT_FORMAT, "search": dict(self.identity)})]

    def read(self) -> list[EndedTrial]:
        """The trials that ended before a restart, in the order they ended; none at first.

        Raises ``UserError`` if the file belongs to another search, or is damaged: trials of
        other data must not be mixed in, and nothing is overwritten.
        """
        path = self.folder / CHECKPOINT_FILE
        if not path.is_file():
            return []
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
            self._check(json.loads(lines[0]))
            ended = [_ended(json.loads(line)) for line in lines[1:]]
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise UserError(
                f"checkpoint {CHECKPOINT_FILE} is damaged ({type(error).__name__}): empty the "
                "CheckpointConfig's S3 prefix to search from the beginning"
            ) from error
        self._lines = lines
        return ended

    def add(self, trial: EndedTrial) -> None:
        """Write the file with one more trial."""
        self._lines.append(json.dumps(asdict(trial)))
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f"{CHECKPOINT_FILE}.part"
        with part.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write("".join(f"{line}\n" for line in self._lines))
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(self.folder / CHECKPOINT_FILE)

    def _check(self, header: dict[str, Any]) -> None:
        if header["format"] != CHECKPOINT_FORMAT:
            raise UserError(
                f"{CHECKPOINT_FILE} has format {header['format']!r}, not {CHECKPOINT_FORMAT}"
            )
        found = header["search"]
        differing = sorted(
            k for k in {*found, *self.identity} if found.get(k) != self.identity.get(k)
        )
        if differing:
            raise UserError(
                f"the checkpoint {CHECKPOINT_FILE} is of another search (different: "
                f"{', '.join(differing)}): give each search a CheckpointConfig S3 prefix of its "
                "own, or empty this one"
            )


def _ended(values: dict[str, Any]) -> EndedTrial:
    return EndedTrial(
        number=values["number"],
        row=TrialRow.from_dict(values["row"]),
        provisional_scores=tuple(values["provisional_scores"]),
        estimate=values["estimate"],
        expected_gain=values.get("expected_gain"),
    )
