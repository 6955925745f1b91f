"""The files between Processing and the jobs that read its output: numpy arrays and a schema."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.errors import UserError
from warmfold_contract.schema import Schema

SCHEMA_FILE = "schema.json"


@dataclass(frozen=True, kw_only=True)
class FeatureSet:
    """Encoded rows: ``train`` (with ``fold``, 1 to ``folds``) or the hold-out (without).

    ``features`` is (rows, features) float32 with NaN, ``target`` 0 or 1, ``row_id`` the number of
    the raw data row from 1 over all files.
    """

    features: NDArray[np.float32]
    target: NDArray[np.uint8]
    row_id: NDArray[np.int64]
    fold: NDArray[np.int16] | None
    schema: Schema
    data_fingerprint: str
    fold_hash: str
    folds: int

    @property
    def rows(self) -> int:
        return len(self.target)

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, values in self._arrays().items():
            np.save(folder / f"{name}.npy", values, allow_pickle=False)
        description = {
            "schema": self.schema.to_dict(),
            "data_fingerprint": self.data_fingerprint,
            "fold_hash": self.fold_hash,
            "folds": self.folds,
            "rows": self.rows,
        }
        text = json.dumps(description, indent=2, sort_keys=True) + "\n"
        (folder / SCHEMA_FILE).write_text(text, encoding="utf-8")

    def _arrays(self) -> dict[str, NDArray[Any]]:
        arrays: dict[str, NDArray[Any]] = {
            "features": self.features,
            "target": self.target,
            "row_id": self.row_id,
        }
        if self.fold is not None:
            arrays["fold"] = self.fold
        return arrays


def read_feature_set(folder: Path, *, with_folds: bool) -> FeatureSet:
    """Raises ``UserError`` naming the file if one is missing, broken or disagrees with another."""
    description = _load(folder, SCHEMA_FILE, lambda path: json.loads(path.read_bytes()))
    names = ("features", "target", "row_id", *(("fold",) if with_folds else ()))
    arrays = {name: _load(folder, f"{name}.npy", _array) for name in names}
    try:
        result = FeatureSet(
            **{"fold": None, **arrays},
            schema=Schema.from_dict(description["schema"]),
            **{key: description[key] for key in ("data_fingerprint", "fold_hash", "folds")},
        )
    except (KeyError, TypeError) as error:
        raise _fault(folder, f"{SCHEMA_FILE} is incomplete: {error}") from error
    _check_shapes(folder, result, description.get("rows"))
    return result


def _check_shapes(folder: Path, found: FeatureSet, rows: object) -> None:
    lengths = {len(found.features), len(found.row_id), found.rows, rows}
    lengths |= set() if found.fold is None else {len(found.fold)}
    if len(lengths) != 1 or found.rows == 0:
        raise _fault(folder, f"the files hold different numbers of rows, or none: {lengths}")
    if found.features.shape[1:] != (len(found.schema.features),):
        raise _fault(folder, f"features.npy and {SCHEMA_FILE} disagree on the features")
    labels = set(np.unique(found.target).tolist())
    if labels != {0, 1}:
        raise _fault(folder, f"target.npy must hold both classes, 0 and 1; it holds {labels}")
    if found.fold is not None:
        expected = list(range(1, found.folds + 1))
        if np.unique(found.fold).tolist() != expected or len(expected) < 2:
            raise _fault(folder, f"fold.npy does not hold the folds 1 to {found.folds}")


def _array(path: Path) -> NDArray[Any]:
    values: NDArray[Any] = np.load(path, allow_pickle=False)
    return values


def _load(folder: Path, name: str, read: Callable[[Path], Any]) -> Any:
    path = folder / name
    if not path.is_file():
        raise _fault(folder, f"{name} is missing; the channel takes the output of `process`")
    try:
        return read(path)
    except (ValueError, EOFError) as error:
        raise _fault(folder, f"{name} is damaged ({type(error).__name__})") from error


def _fault(folder: Path, fault: str) -> UserError:
    return UserError(f"channel {folder.name!r}: {fault}")
