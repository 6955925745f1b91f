"""``process``: raw CSV files to encoded training rows with folds, and a hold-out never trained on.

Everything is checked and computed before the first file is written.
"""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from warmfold_contract.metrics import TRIAL_METRICS
from warmfold_contract.paths import HOLDOUT_OUTPUT, RAW_INPUT, TRAIN_OUTPUT, TRANSFORM_OUTPUT, Paths
from warmfold_contract.project import Columns, load_project
from warmfold_contract.settings import NumberSetting
from warmfold_trainer.csv_input import read_csv_folder
from warmfold_trainer.feature_building import build_feature_sets
from warmfold_trainer.raw_data import read_raw_data
from warmfold_trainer.settings import required

LOGGER = logging.getLogger(__name__)

# A training job takes 40 metric definitions (CreateTrainingJob), and each fold reports one.
MAX_FOLDS = 40 - len(TRIAL_METRICS)

FOLDS = NumberSetting(name="WARMFOLD_FOLDS", kind="integer", minimum=2, maximum=MAX_FOLDS)
HOLDOUT_FRACTION = NumberSetting(
    name="WARMFOLD_HOLDOUT_FRACTION", minimum=0, maximum=1, open_minimum=True, open_maximum=True
)
SEED = NumberSetting(name="WARMFOLD_SEED", kind="integer", minimum=0, maximum=2**31 - 1)

TRANSFORM_FILE = "holdout.jsonl"


@dataclass(frozen=True, kw_only=True)
class SplitSettings:
    """``holdout_fraction`` of each class's rows is kept from training."""

    folds: int
    holdout_fraction: float
    seed: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "SplitSettings":
        """Raises ``UserError`` naming the variable that is absent or out of range."""

        def value(setting: NumberSetting) -> float:
            return setting.parse(required(environment, setting.name, "the environment variable"))

        return cls(
            folds=int(value(FOLDS)), holdout_fraction=value(HOLDOUT_FRACTION), seed=int(value(SEED))
        )


def process(paths: Paths) -> None:
    """Run the job in the folders of the processing contract; raises ``UserError``."""
    settings = SplitSettings.from_environment(os.environ)
    project = load_project()
    table = read_csv_folder(paths.processing_input(RAW_INPUT))
    raw = read_raw_data(table, project)
    train, holdout = build_feature_sets(
        project,
        raw,
        folds=settings.folds,
        holdout_fraction=settings.holdout_fraction,
        seed=settings.seed,
    )
    requests = request_lines(raw.columns_of(holdout.row_id - 1))
    train.write(paths.processing_output(TRAIN_OUTPUT))
    holdout.write(paths.processing_output(HOLDOUT_OUTPUT))
    _write_requests(paths.processing_output(TRANSFORM_OUTPUT), requests)
    LOGGER.info("read %d rows from %d file(s)", table.rows, len(table.files))
    LOGGER.info("%d rows to train in %d folds, %d held out", train.rows, train.folds, holdout.rows)


def request_lines(columns: Columns) -> str:
    """Raw rows as the server's ``application/jsonlines``: one object a line, null = missing."""
    rows = zip(*(values.tolist() for values in columns.values()), strict=True)
    return "".join(
        json.dumps({name: _json_value(value) for name, value in zip(columns, row, strict=True)})
        + "\n"
        for row in rows
    )


def _json_value(value: float | str | None) -> float | str | None:
    """NaN is null; a whole number is written as one, as it stood in the data."""
    if not isinstance(value, float):
        return value
    if value != value:
        return None
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _write_requests(folder: Path, lines: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TRANSFORM_FILE).write_text(lines, encoding="utf-8", newline="\n")
