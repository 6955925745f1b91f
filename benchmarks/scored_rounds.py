"""What it costs to score every second round of a fold only: trials of small tables, in pairs.

``python -m benchmarks.scored_rounds [--sets 12] [--every 2] [--json FILE]``

Generated tables of 3,000 rows (patience 20 rounds) and 10,000 rows (patience 30), each with
settings drawn at random. The same trial with every round scored and with every few; the final
model of each one's rounds is scored on 20,000 rows that neither saw.
"""

import argparse
import json
import math
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.credit_data import credit_data, feature_set, schema
from benchmarks.measure import machine
from warmfold_contract.settings import Settings
from warmfold_contract.tasks import CLASSIFICATION
from warmfold_trainer.algorithms import early_stopping, snapshots
from warmfold_trainer.algorithms.lightgbm_trees import LightGbmBins
from warmfold_trainer.cross_validation import CrossValidation, TrialData, cross_validate, table_of
from warmfold_trainer.feature_set import FeatureSet
from warmfold_trainer.metric import find_metric
from warmfold_trainer.scores import auc
from warmfold_trainer.settings import read_settings

PATIENCE_OF_ROWS = {3_000: 20, 10_000: 30}
HOLDOUT_ROWS = 20_000


def settings_of(seed: int, patience: int) -> Settings:
    random = np.random.default_rng([seed, patience])
    given = {
        "max_rounds": 600,
        "early_stopping_rounds": patience,
        "learning_rate": math.exp(random.uniform(math.log(0.02), math.log(0.2))),
        "num_leaves": int(random.integers(6, 48)),
        "min_data_in_leaf": int(random.integers(5, 60)),
    }
    return read_settings(
        {name: str(value) for name, value in given.items()}, "lightgbm", CLASSIFICATION
    )


def trial(data: FeatureSet, holdout: FeatureSet, settings: Settings, every: int) -> dict[str, Any]:
    for module in (early_stopping, snapshots):
        module.SCORED_EVERY_ROUNDS = every  # type: ignore[attr-defined]
    bins = LightGbmBins(table_of(data, CLASSIFICATION), settings, seed=0, keep_folds=True)
    begun = time.process_time()
    found = cross_validate(
        TrialData(data=data, binned=bins), settings, find_metric("auc"), on_fold=lambda *_: None
    )
    assert isinstance(found, CrossValidation)
    seconds = time.process_time() - begun
    model = bins.with_settings(settings).fit_final(found.rounds, threads=1)
    return {
        "cpu_seconds": seconds,
        "rounds": found.rounds,
        "score": found.score,
        "holdout": auc(holdout.target, model.predict(holdout.features)),
    }


def pair(rows: int, patience: int, seed: int, every: int) -> dict[str, Any]:
    data = feature_set(credit_data(rows, seed), schema(), seed=seed)
    holdout = feature_set(credit_data(HOLDOUT_ROWS, seed + 1000), schema())
    settings = settings_of(seed, patience)
    return {
        "rows": rows,
        "each": trial(data, holdout, settings, 1),
        "few": trial(data, holdout, settings, every),
    }


def summary(rows: int, pairs: list[dict[str, Any]]) -> str:
    gained = [pair["few"]["holdout"] - pair["each"]["holdout"] for pair in pairs]
    error = statistics.stdev(gained) / math.sqrt(len(gained))
    cpu = statistics.median(p["few"]["cpu_seconds"] / p["each"]["cpu_seconds"] for p in pairs)
    return (
        f"{rows} rows, {len(pairs)} sets: hold-out AUC {statistics.mean(gained):+.5f} "
        f"(standard error {error:.5f}; {min(gained):+.5f} to {max(gained):+.5f}), CPU {cpu:.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sets", type=int, default=12, help="of each size")
    parser.add_argument("--every", type=int, default=early_stopping.SCORED_EVERY_ROUNDS)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = {"machine": machine(), "every": options.every, "pairs": []}
    for rows, patience in PATIENCE_OF_ROWS.items():
        pairs = [pair(rows, patience, seed, options.every) for seed in range(options.sets)]
        found["pairs"] += pairs
        print(summary(rows, pairs), flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
