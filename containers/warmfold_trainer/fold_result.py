"""What a fold's job leaves for its trial: the fold's model and its curve, as text files.

The trial needs the model, not predictions: which number of rounds the folds are scored at is
known only when all of their curves are.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from warmfold_contract.documents import json_object
from warmfold_contract.errors import UserError
from warmfold_trainer.algorithms.protocol import Algorithm, FoldModel, Scores, Table

RESULT_FILE = "fold.json"
_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class FoldIdentity:
    """What makes two fold trainings the same one; a trial accepts no other fold's result."""

    fold: int
    seed: int
    algorithm: str
    task: str
    feature_set: str
    metric: str
    hyperparameters: Mapping[str, str]
    data_fingerprint: str
    fold_hash: str


def result_files(algorithm: Algorithm) -> tuple[str, ...]:
    """The files of a fold's archive, and no other."""
    return (RESULT_FILE, *algorithm.model_files)


def write_result(folder: Path, identity: FoldIdentity, model: FoldModel) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder)
    values = {**asdict(identity), "format": _FORMAT, "curve": model.curve.tolist()}
    text = json.dumps(values, indent=2, sort_keys=True, allow_nan=False) + "\n"
    (folder / RESULT_FILE).write_text(text, encoding="utf-8", newline="\n")


def read_result(
    folder: Path, identity: FoldIdentity, algorithm: Algorithm, table: Table
) -> FoldModel:
    """The fold's model; ``table`` is the trial's.

    Raises ``UserError`` if the result is damaged, or another training's.
    """
    path = folder / RESULT_FILE
    if not path.is_file():
        raise UserError(f"a fold's result holds no {RESULT_FILE}")
    values = json_object(RESULT_FILE, path.read_bytes())
    expected = {**asdict(identity), "format": _FORMAT}
    other = sorted(key for key, value in expected.items() if values.get(key) != value)
    if other:
        raise UserError(
            f"the result is of another training: it differs in {', '.join(other)}. Was the "
            "training job's name used before?"
        )
    return algorithm.load_fold(folder, _curve(values.get("curve")), table)


def _curve(values: object) -> Scores:
    if not isinstance(values, list) or not values or not all(map(_is_finite, values)):
        raise UserError(f"curve in {RESULT_FILE} is not a list of finite numbers")
    return np.array(values, dtype=np.float64)


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
