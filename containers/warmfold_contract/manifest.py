"""``manifest.json``: what a model artifact holds, so that it can be refused before it is loaded.

The artifact is data, never code: a model as text plus this file. The server checks every
file's hash, and that it runs the same project wheel as the trainer did.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warmfold_contract.documents import json_object
from warmfold_contract.errors import UserError
from warmfold_contract.schema import Schema

FILE_NAME = "manifest.json"
FORMAT = 2


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """``task`` is the project's, ``fitted_as`` the one that the algorithm was given: a target of
    0 and 1 may be fitted as a number, and its scores are then kept within 0 to 1. ``calibration``
    is what makes probabilities of scores, ``None`` for a regression. ``files`` maps each file of
    the artifact (but this one) to its SHA-256.
    """

    algorithm: str
    task: str
    fitted_as: str
    schema: Schema
    hyperparameters: dict[str, str]
    rounds: int
    metric: str
    cross_validation: dict[str, Any]
    calibration: dict[str, Any] | None
    training_rows: int
    data_fingerprint: str
    fold_hash: str
    project: dict[str, str]
    files: dict[str, str]

    def to_json(self) -> str:
        values = {**self.__dict__, "schema": self.schema.to_dict(), "format": FORMAT}
        return json.dumps(values, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Raises ``UserError`` for text that is no such object, or has another format."""
        values = json_object(FILE_NAME, text)
        found = values.pop("format", None)
        if found != FORMAT:
            raise UserError(f"{FILE_NAME} has format {found!r}, this image reads {FORMAT}")
        try:
            return cls(**{**values, "schema": Schema.from_dict(values["schema"])})
        except (TypeError, KeyError) as error:
            raise UserError(f"{FILE_NAME} is incomplete: {error}") from error


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_artifact(folder: Path) -> Manifest:
    """The manifest of an unpacked artifact, after checking that every listed file is unchanged.

    Raises ``UserError`` if the manifest or a file is missing, or a hash differs.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise UserError(f"the model artifact has no {FILE_NAME}")
    manifest = Manifest.from_json(path.read_text(encoding="utf-8"))
    for name, expected in manifest.files.items():
        if Path(name).name != name:
            raise UserError(f"{FILE_NAME} names a file outside the artifact: {name!r}")
        file = folder / name
        if not file.is_file() or file.is_symlink():
            raise UserError(f"the model artifact lacks {name}, which {FILE_NAME} lists")
        if sha256_of(file) != expected:
            raise UserError(f"{name} in the model artifact is not the file that was trained")
    return manifest
