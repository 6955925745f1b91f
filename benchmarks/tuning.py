"""A tuning run of 40 trials x 5 folds, ours and a data scientist's, paired on the same data.

``python -m benchmarks.tuning [--rows N] [--seeds N] [--trials N] [--json FILE]``

Ours is the search job as it ships: ``python -m warmfold_trainer train`` with the ranges and rules
of ``prod.toml``. The other is Optuna and scikit-learn's ``cross_val_score`` on LightGBM's estimator
(``benchmarks/others/tuning.py``) with the same ranges, and the number of trees searched as well,
since nothing else would stop it. CPU seconds are the whole processes', from start to the end of
the search. Both best models are fitted on all training rows and scored on hold-out rows that no
search saw. A seed is one data set and one search of each kind.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.credit_data import NUMBERS, CreditData, credit_data, feature_set, schema
from benchmarks.environment import ROOT, python_of_the_others
from benchmarks.measure import machine
from warmfold_contract import hyperparameters as keys
from warmfold_contract.paths import TRAIN_CHANNEL, Paths
from warmfold_contract.trials import SearchedTrials
from warmfold_trainer.algorithms.protocol import Table
from warmfold_trainer.algorithms.registry import algorithm_named
from warmfold_trainer.feature_set import FeatureSet
from warmfold_trainer.metric import find_metric
from warmfold_trainer.settings import read_settings

HOLDOUT_ROWS = 50_000
FOLDS = 5
# The rules and ranges that ship for production.
CONFIGURATION = ROOT / "config" / "environments" / "prod.toml"
_MODEL = tomllib.loads(CONFIGURATION.read_text(encoding="utf-8"))["models"][0]
RACING_Z = str(_MODEL["tuning"]["racing"])
STOPS_WHEN_CONVERGED = str(_MODEL["tuning"]["stops_when_converged"]).lower()


@dataclass(frozen=True, kw_only=True)
class Run:
    """One search. ``cpu_seconds`` of the whole process; the scores are AUCs."""

    cpu_seconds: float
    wall_seconds: float
    cross_validation_auc: float
    holdout_auc: float
    best: dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--racing", default=RACING_Z, help="z, or off")
    parser.add_argument(
        "--stops-when-converged", default=STOPS_WHEN_CONVERGED, choices=("true", "false")
    )
    parser.add_argument("--others-threads", type=int, default=0, help="0: LightGBM's default")
    parser.add_argument("--ours-only", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    options = {name: value for name, value in vars(given).items() if name != "json"}
    report: dict[str, Any] = {"machine": machine(), **options}
    rows: list[dict[str, Any]] = []
    for seed in range(given.first_seed, given.first_seed + given.seeds):
        rows.append({"seed": seed, **compare(seed, given)})
        print(line(rows[-1]), flush=True)
        if given.json is not None:
            text = json.dumps({**report, "runs": rows}, indent=2) + "\n"
            given.json.write_text(text, encoding="utf-8")
    if not given.ours_only:
        print(summary(rows))
    return 0


def compare(seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """Both searches on the data of one seed."""
    data = credit_data(given.rows + HOLDOUT_ROWS, seed)
    train = CreditData(features=data.features[: given.rows], target=data.target[: given.rows])
    rest = CreditData(features=data.features[given.rows :], target=data.target[given.rows :])
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        ours = our_run(place / "ours", train, rest, seed, given)
        if given.ours_only:
            return {"ours": asdict(ours)}
        other = other_run(place, train, rest, seed, given.trials, given.others_threads)
    return {"ours": asdict(ours), "other": asdict(other)}


def our_run(
    base: Path, train: CreditData, rest: CreditData, seed: int, options: argparse.Namespace
) -> Run:
    data = feature_set(train, schema(), folds=FOLDS, seed=seed)
    given = search_hyperparameters(
        seed, options.trials, options.racing, options.stops_when_converged
    )
    cpu, wall = search_job(base, data, given)
    searched = SearchedTrials.from_json((base / "model" / "trials.json").read_text())
    best = max(searched.trials, key=lambda row: row.score or 0.0)
    return Run(
        cpu_seconds=cpu,
        wall_seconds=wall,
        cross_validation_auc=best.score or 0.0,
        holdout_auc=holdout_auc(data, rest, best.hyperparameters, best.rounds or 1, seed),
        best={**best.hyperparameters, "rounds": best.rounds, "statuses": statuses(searched)},
    )


def statuses(searched: SearchedTrials) -> dict[str, int]:
    """How many trials ended after how many folds."""
    found = [row.folds_completed for row in searched.trials]
    return {str(folds): found.count(folds) for folds in sorted(set(found))}


def search_hyperparameters(seed: int, trials: int, racing: str, converging: str) -> dict[str, str]:
    """As the pipeline hands them to a search job, of the configuration that ships."""
    candidate = _MODEL["candidates"][0]
    empty: dict[str, Any] = {"minimum": None, "maximum": None, "values": [], "scaling": "Auto"}
    ranges = {
        f"{keys.RANGE_PREFIX}{name}": json.dumps({**empty, **span})
        for name, span in candidate["ranges"].items()
    }
    return {
        keys.MODE: keys.MODE_SEARCH,
        keys.CANDIDATE: candidate["name"],
        keys.ALGORITHM: candidate["algorithm"],
        keys.TASK: "classification",
        keys.FEATURE_SET: "default",
        keys.METRIC: "auc",
        keys.SEED: str(seed),
        keys.STRATEGY: "Bayesian",
        keys.MAX_TRIALS: str(trials),
        keys.STOPS_WHEN_CONVERGED: converging,
        keys.RACING: racing,
        **{name: str(value) for name, value in candidate["static"].items()},
        **ranges,
    }


def search_job(base: Path, data: FeatureSet, given: dict[str, str]) -> tuple[float, float]:
    """CPU and wall seconds of the job's process."""
    paths = Paths(base)
    data.write(paths.channel(TRAIN_CHANNEL))
    paths.hyperparameters.parent.mkdir(parents=True)
    paths.hyperparameters.write_text(json.dumps(given), encoding="utf-8")
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": str(ROOT / "containers"),
        "SAGEMAKER_BASE_DIR": str(base),
    }
    argv = [sys.executable, "-m", "warmfold_trainer", "train"]
    begun = time.perf_counter()
    with (base / "log").open("wb") as log:
        child = subprocess.Popen(argv, env=environment, stdout=log, stderr=log)
        _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begun
    if status != 0:
        raise RuntimeError((base / "log").read_text(encoding="utf-8")[-2000:])
    return usage.ru_utime + usage.ru_stime, wall


def holdout_auc(
    data: FeatureSet, rest: CreditData, chosen: dict[str, str], rounds: int, seed: int
) -> float:
    """Of the final model: all training rows, the best trial's settings and rounds."""
    algorithm = algorithm_named("lightgbm")
    settings = read_settings(chosen, "lightgbm", "classification")
    table = Table(
        features=data.features,
        target=data.target,
        schema=data.schema.features,
        task="classification",
    )
    prepared = algorithm.bin(table, settings, seed=seed).with_settings(settings)
    model = prepared.fit_final(rounds, threads=1)
    return float(find_metric("auc").function(rest.target, model.predict(rest.features)))


def other_run(
    place: Path, train: CreditData, rest: CreditData, seed: int, trials: int, threads: int
) -> Run:
    for name, data in (("train", train), ("holdout", rest)):
        np.save(place / f"{name}_features.npy", data.features)
        np.save(place / f"{name}_target.npy", data.target)
    categories = list(range(NUMBERS, train.features.shape[1]))
    (place / "categories.json").write_text(json.dumps(categories))
    script = ROOT / "benchmarks" / "others" / "tuning.py"
    numbers = (seed, trials, FOLDS, threads)
    argv = [str(python_of_the_others()), str(script), str(place), *map(str, numbers)]
    done = subprocess.run(argv, check=True, capture_output=True, text=True)
    values = json.loads(done.stdout.splitlines()[-1])
    return Run(
        cpu_seconds=values["cpu_seconds"],
        wall_seconds=values["search_seconds"],
        cross_validation_auc=values["cross_validation_auc"],
        holdout_auc=values["holdout_auc"],
        best=values["best"],
    )


def line(row: dict[str, Any]) -> str:
    parts = [f"seed {row['seed']}:"]
    for name in ("ours", "other"):
        if name in row:
            run = row[name]
            parts.append(
                f"{name} {run['cpu_seconds']:.1f} CPU s, {run['wall_seconds']:.1f} s, "
                f"CV {run['cross_validation_auc']:.5f}, hold-out {run['holdout_auc']:.5f};"
            )
    return " ".join(parts)


def summary(rows: list[dict[str, Any]]) -> str:
    ratios = [row["other"]["cpu_seconds"] / row["ours"]["cpu_seconds"] for row in rows]
    losses = [row["other"]["holdout_auc"] - row["ours"]["holdout_auc"] for row in rows]
    error = statistics.stdev(losses) / len(losses) ** 0.5 if len(losses) > 1 else float("nan")
    return (
        f"CPU, other / ours: median {statistics.median(ratios):.2f} "
        f"[{min(ratios):.2f}-{max(ratios):.2f}] over {len(rows)} seeds\n"
        f"hold-out AUC lost: mean {statistics.mean(losses):+.5f} (standard error {error:.5f})"
    )


if __name__ == "__main__":
    sys.exit(main())
