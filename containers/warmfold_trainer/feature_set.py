"""The files between Processing and the jobs that read its output: numpy arrays and schemas.

::

    target.npy row_id.npy fold.npy schema.json     what all feature sets share
    group.npy                                       of a hold-out with groups
    <feature set>/features.npy schema.json          one folder each
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.errors import UserError
from warmfold_contract.schema import DEFAULT_FEATURE_SET, Schema
from warmfold_contract.tasks import Task
from warmfold_trainer.splits import Assignment, fold_rows

SCHEMA_FILE = "schema.json"
_DESCRIBED = ("data_fingerprint", "fold_hash", "folds", "repeats", "assignment", "task")


@dataclass(frozen=True, kw_only=True)
class FeatureSet:
    """Encoded rows: ``train`` (with ``fold``) or the hold-out (without).

    ``features`` is (rows, features) float32 with NaN, read-only and mapped from its file when it
    was read from one. ``target`` is uint8 0 or 1, or float64 for a regression. ``row_id`` is the
    number of the raw data row from 1 over all files. ``fold`` is (rows, repeats) int16; ``folds``
    counts the folds of all repeats. Use ``fold_rows`` to get a fold's rows. ``group`` is a code a
    row, from 0 without gaps, of a hold-out whose project declares groups.
    """

    features: NDArray[np.float32]
    target: NDArray[Any]
    row_id: NDArray[np.int64]
    fold: NDArray[np.int16] | None
    schema: Schema
    data_fingerprint: str
    fold_hash: str
    folds: int
    repeats: int = 1
    assignment: Assignment = "stratified"
    task: Task = "classification"
    group: NDArray[np.int64] | None = None

    @property
    def rows(self) -> int:
        return len(self.target)

    @property
    def feature_set(self) -> str:
        return self.schema.feature_set

    def fold_rows(self, number: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Training and validation rows, both ascending, of fold ``number`` (1 to ``folds``).

        The folds of the first repeat come first. Raises ``ValueError`` for another number, or
        for a hold-out.
        """
        if self.fold is None or not 1 <= number <= self.folds:
            raise ValueError(f"there is no fold {number}")
        repeat, place = divmod(number - 1, self.folds // self.repeats)
        return fold_rows(self.fold[:, repeat], place + 1, self.assignment)

    def write(self, folder: Path) -> None:
        write_feature_sets(folder, [self])


def write_feature_sets(folder: Path, sets: Sequence[FeatureSet]) -> None:
    """Several feature sets of the same rows; the folder is made."""
    shared = sets[0]
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("target", "row_id", "fold", "group"):
        values: NDArray[Any] | None = getattr(shared, name)
        if values is not None:
            np.save(folder / f"{name}.npy", values, allow_pickle=False)
    for feature_set in sets:
        own = folder / feature_set.feature_set
        own.mkdir(exist_ok=True)
        np.save(own / "features.npy", feature_set.features, allow_pickle=False)
        _write_json(own / SCHEMA_FILE, feature_set.schema.to_dict())
    description = {key: getattr(shared, key) for key in _DESCRIBED}
    names = [feature_set.feature_set for feature_set in sets]
    own_facts = {"rows": shared.rows, "grouped": shared.group is not None, "feature_sets": names}
    _write_json(folder / SCHEMA_FILE, {**description, **own_facts})


def read_feature_set(
    folder: Path, feature_set: str = DEFAULT_FEATURE_SET, *, with_folds: bool
) -> FeatureSet:
    """Raises ``UserError`` naming the file if one is missing, broken or disagrees with another,
    or naming the feature sets there are if this is none of them."""
    description = _load(folder, SCHEMA_FILE, _json)
    names = description.get("feature_sets", [])
    if feature_set not in names:
        known = ", ".join(map(str, names)) or "none"
        raise _fault(folder, f"there is no feature set {feature_set!r}; there are: {known}")
    shared = ["target", *(["fold"] if with_folds else [])]
    shared += ["group"] if description.get("grouped") else []
    arrays = {name: _load(folder, f"{name}.npy", _array) for name in shared}
    # 8 bytes a row that most jobs never look at.
    arrays["row_id"] = _load(folder, "row_id.npy", _mapped)
    features = _load(folder, f"{feature_set}/features.npy", _mapped)
    try:
        result = FeatureSet(
            **{"fold": None, **arrays},
            features=features,
            schema=Schema.from_dict(_load(folder, f"{feature_set}/{SCHEMA_FILE}", _json)),
            **{key: description[key] for key in _DESCRIBED},
        )
    except (KeyError, TypeError) as error:
        raise _fault(folder, f"{SCHEMA_FILE} is incomplete: {error}") from error
    _check(folder, result, description.get("rows"))
    return result


def _check(folder: Path, found: FeatureSet, rows: object) -> None:
    lengths = {len(found.features), len(found.row_id), found.rows, rows}
    lengths |= {len(each) for each in (found.fold, found.group) if each is not None}
    if len(lengths) != 1 or found.rows == 0:
        raise _fault(folder, f"the files hold different numbers of rows, or none: {lengths}")
    if found.features.shape[1:] != (len(found.schema.features),):
        name = f"{found.feature_set}/features.npy"
        raise _fault(folder, f"{name} and its {SCHEMA_FILE} disagree on the features")
    _check_target(folder, found)
    if found.group is not None:
        _check_groups(folder, found.group)
    if found.fold is not None:
        _check_folds(folder, found, found.fold)


def _check_target(folder: Path, found: FeatureSet) -> None:
    if found.task == "regression":
        if not np.isfinite(found.target).all():
            raise _fault(folder, "target.npy holds values that are not finite")
        return
    labels = set(np.unique(found.target).tolist())
    if labels != {0, 1}:
        raise _fault(folder, f"target.npy must hold both classes, 0 and 1; it holds {labels}")


def _check_groups(folder: Path, group: NDArray[np.int64]) -> None:
    codes = np.unique(group)
    if not np.array_equal(codes, np.arange(len(codes))):
        raise _fault(folder, "group.npy does not hold codes from 0 without gaps")


def _check_folds(folder: Path, found: FeatureSet, fold: NDArray[np.int16]) -> None:
    first = 0 if found.assignment == "time" else 1
    expected = list(range(first, found.folds // found.repeats + 1))
    places = [np.unique(column).tolist() for column in fold.T] if fold.ndim == 2 else []
    if places != [expected] * found.repeats or found.folds < 2:
        raise _fault(folder, f"fold.npy does not hold the folds 1 to {found.folds}")


def _array(path: Path) -> NDArray[Any]:
    values: NDArray[Any] = np.load(path, allow_pickle=False)
    return values


def _mapped(path: Path) -> NDArray[Any]:
    """The file's pages are read when they are used, and shared between processes."""
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _json(path: Path) -> dict[str, Any]:
    values = json.loads(path.read_bytes())
    if not isinstance(values, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - `_load` reports damaged files
    return values


def _write_json(path: Path, values: dict[str, Any]) -> None:
    text = json.dumps(values, indent=2, sort_keys=True) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")


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
