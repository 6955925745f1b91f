"""``process``: raw files to encoded training rows with folds, and a hold-out never trained on.

Everything is checked and computed before the first file is written.
"""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.errors import UserError
from warmfold_contract.metrics import TRIAL_METRICS
from warmfold_contract.paths import (
    HOLDOUT_OUTPUT,
    HOLDOUT_ROWS_FILE,
    RAW_INPUT,
    TRAIN_OUTPUT,
    TRANSFORM_OUTPUT,
    Paths,
)
from warmfold_contract.project import Columns, Project, load_project
from warmfold_contract.schema import Column
from warmfold_contract.settings import NumberSetting
from warmfold_features import date_text
from warmfold_trainer.feature_building import ROWS_AT_ONCE, build_feature_sets
from warmfold_trainer.feature_set import write_feature_sets
from warmfold_trainer.raw_data import RawData, read_raw_data
from warmfold_trainer.settings import required
from warmfold_trainer.splits import ASSIGNMENTS, Assignment, SplitPlan

LOGGER = logging.getLogger(__name__)

# A training job takes 40 metric definitions (CreateTrainingJob), and each fold reports one.
MAX_FOLDS = 40 - len(TRIAL_METRICS)

FOLDS = NumberSetting(name="WARMFOLD_FOLDS", kind="integer", minimum=2, maximum=MAX_FOLDS)
REPEATS = NumberSetting(name="WARMFOLD_REPEATS", kind="integer", minimum=1, maximum=MAX_FOLDS // 2)
ASSIGNMENT = "WARMFOLD_ASSIGNMENT"
FEATURE_SETS = "WARMFOLD_FEATURE_SETS"
HOLDOUT_FRACTION = NumberSetting(
    name="WARMFOLD_HOLDOUT_FRACTION", minimum=0, maximum=1, open_minimum=True, open_maximum=True
)
SEED = NumberSetting(name="WARMFOLD_SEED", kind="integer", minimum=0, maximum=2**31 - 1)


def split_plan(environment: Mapping[str, str]) -> SplitPlan:
    """Raises ``UserError`` naming the variable that is absent, out of range or contradicted.

    Repeats default to 1, the assignment to stratified.
    """

    def value(setting: NumberSetting, default: str | None = None) -> float:
        given = environment if default is None else {setting.name: default, **environment}
        return setting.parse(required(given, setting.name, "the environment variable"))

    folds, repeats = int(value(FOLDS)), int(value(REPEATS, "1"))
    assignment = _assignment(environment.get(ASSIGNMENT, "stratified"))
    if folds * repeats > MAX_FOLDS:
        raise UserError(
            f"{FOLDS.name} x {REPEATS.name} is {folds * repeats}: use at most {MAX_FOLDS} folds "
            "in all"
        )
    if assignment == "time" and repeats > 1:
        raise UserError(
            f"{REPEATS.name} is {repeats}, but folds in order of time are the same each time: use 1"
        )
    return SplitPlan(
        folds=folds,
        repeats=repeats,
        assignment=assignment,
        holdout_fraction=value(HOLDOUT_FRACTION),
        seed=int(value(SEED)),
    )


def _assignment(text: str) -> Assignment:
    for known in ASSIGNMENTS:
        if text == known:
            return known
    raise UserError(f"{ASSIGNMENT} is {text!r}: use {', '.join(ASSIGNMENTS)}")


def process(paths: Paths) -> None:
    """Run the job in the folders of the processing contract; raises ``UserError``."""
    plan = split_plan(os.environ)
    project = load_project()
    _check_feature_sets(project, os.environ.get(FEATURE_SETS, ""))
    raw = read_raw_data(paths.processing_input(RAW_INPUT), project)
    built = build_feature_sets(project, raw, plan)
    train, holdout = built.train[0], built.holdout[0]
    write_feature_sets(paths.processing_output(TRAIN_OUTPUT), built.train)
    write_feature_sets(paths.processing_output(HOLDOUT_OUTPUT), built.holdout)
    lines = request_lines(raw, holdout.row_id - 1, project.columns)
    _write_requests(paths.processing_output(TRANSFORM_OUTPUT), lines)
    LOGGER.info("read %d rows from %d file(s)", raw.rows, raw.files)
    LOGGER.info("%d rows to train in %d folds, %d held out", train.rows, train.folds, holdout.rows)


def _check_feature_sets(project: Project, wanted: str) -> None:
    """``wanted``: names with commas between; found here rather than by a search that has waited."""
    unknown = sorted({name for name in wanted.split(",") if name} - set(project.feature_functions))
    if unknown:
        raise UserError(
            f"a candidate's feature_set is {', '.join(map(repr, unknown))}, but project "
            f"{project.name!r} has: {', '.join(project.feature_functions)}"
        )


def request_lines(
    raw: RawData, rows: NDArray[np.intp], columns: tuple[Column, ...]
) -> Iterator[str]:
    """Raw rows as the server's ``application/jsonlines``: one object a line, null = missing."""
    dates = {column.name for column in columns if column.kind == "date"}
    for start in range(0, len(rows), ROWS_AT_ONCE):
        chosen: Columns = raw.columns_of(rows[start : start + ROWS_AT_ONCE])
        cells = {
            name: [_json_value(value, is_date=name in dates) for value in values.tolist()]
            for name, values in chosen.items()
        }
        for row in zip(*cells.values(), strict=True):
            yield json.dumps(dict(zip(cells, row, strict=True))) + "\n"


def _json_value(value: float | str | None, *, is_date: bool) -> float | str | None:
    """NaN is null; a whole number is written as one, as it stood in the data."""
    if not isinstance(value, float):
        return value
    if value != value:
        return None
    if is_date:
        return date_text(value)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _write_requests(folder: Path, lines: Iterator[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / HOLDOUT_ROWS_FILE).open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(lines)
