"""CPU and memory of a trial against rows and folds.

``python -m benchmarks.scale [--rows 500000 1000000 2000000 5000000] [--folds 5 10 20]
[--rounds 20] [--json FILE]``

Few rounds: what grows with the data shows in them as in many. The rows are varied with 5 folds,
the folds with the fewest rows. `binned` is a byte for each value, which is how LightGBM holds it.
`peak` is what was resident, file pages (libraries, and what is mapped of the features) included;
`anonymous` is the most of it that was no file's, sampled 20 times a second; `idle` is the
anonymous memory of Python with the libraries imported and no data.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.credit_data import FEATURES, CreditData, blocks, feature_set, schema
from benchmarks.environment import ROOT
from benchmarks.measure import bare_environment, machine, measured
from benchmarks.trial import PARAMETERS
from warmfold_contract import hyperparameters as keys
from warmfold_contract.paths import TRAIN_CHANNEL, Paths

MIB = 1024**2


def prepare(folder: Path, rows: int, folds: int, rounds: int) -> Paths:
    """Written block by block: the benchmark itself never holds all rows."""
    paths = Paths(folder)
    channel = paths.channel(TRAIN_CHANNEL)
    target = np.concatenate([block.target for block in blocks(rows, 0)])
    empty = CreditData(features=np.empty((0, FEATURES), np.float32), target=target)
    feature_set(empty, schema(), folds=folds).write(channel)
    features = np.lib.format.open_memmap(
        channel / "default" / "features.npy", "w+", np.float32, (rows, FEATURES)
    )
    at = 0
    for block in blocks(rows, 0):
        features[at : at + len(block.target)] = block.features
        at += len(block.target)
    features.flush()
    paths.hyperparameters.parent.mkdir(parents=True)
    own = {"max_rounds": rounds, "early_stopping_rounds": rounds, **PARAMETERS}
    given = {
        keys.MODE: keys.MODE_TRIAL,
        keys.ALGORITHM: "lightgbm",
        keys.TASK: "classification",
        keys.FEATURE_SET: "default",
        keys.METRIC: "auc",
        keys.SEED: "1",
        keys.CV_STRATEGY: keys.CV_IN_JOB,
        keys.RACING: keys.RACING_OFF,
        **keys.encode(own),
    }
    paths.hyperparameters.write_text(json.dumps(given), encoding="utf-8")
    return paths


def idle(folder: Path) -> float:
    """MiB of the imports alone."""
    environment = bare_environment(PYTHONPATH=str(ROOT / "containers"))
    imports = "import warmfold_trainer.algorithms.lightgbm_trees, warmfold_trainer.trial, time"
    command = [sys.executable, "-c", f"{imports}; time.sleep(0.2)"]
    return measured(command, environment, folder).anonymous_mb


def trial(rows: int, folds: int, rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        paths = prepare(Path(folder), rows, folds, rounds)
        environment = bare_environment(
            PYTHONPATH=str(ROOT / "containers"), SAGEMAKER_BASE_DIR=str(paths.base)
        )
        command = [sys.executable, "-m", "warmfold_trainer", "train"]
        found = measured(command, environment, paths.base)
        imports = idle(paths.base)
    binned = rows * FEATURES / MIB
    return {
        "rows": rows,
        "folds": folds,
        "binned_mb": binned,
        "idle_mb": imports,
        "anonymous_of_binned": found.anonymous_mb / binned,
        "data_of_binned": (found.anonymous_mb - imports) / binned,
        "cpu_microseconds_per_row_and_fold": found.cpu_seconds / rows / folds * 1e6,
        **asdict(found),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    sizes = [500_000, 1_000_000, 2_000_000, 5_000_000]
    parser.add_argument("--rows", type=int, nargs="+", default=sizes)
    parser.add_argument("--folds", type=int, nargs="+", default=[5, 10, 20])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    cases = [(rows, 5) for rows in arguments.rows]
    cases += [(min(arguments.rows), folds) for folds in arguments.folds if folds != 5]
    print(
        "| rows | folds | CPU s | CPU us a row and fold | peak MB | anonymous MB | idle MB | "
        "binned MB | anonymous / binned | without idle |"
    )
    print("|---" * 10 + "|")
    report: dict[str, Any] = {"machine": machine(), "rounds": arguments.rounds, "trials": []}
    for rows, folds in cases:
        found = trial(rows, folds, arguments.rounds)
        report["trials"].append(found)
        print(
            f"| {rows} | {folds} | {found['cpu_seconds']:.1f} | "
            f"{found['cpu_microseconds_per_row_and_fold']:.2f} | {found['peak_mb']:.0f} | "
            f"{found['anonymous_mb']:.0f} | {found['idle_mb']:.0f} | {found['binned_mb']:.0f} | "
            f"{found['anonymous_of_binned']:.1f} | {found['data_of_binned']:.1f} |",
            flush=True,
        )
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
