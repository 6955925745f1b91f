"""Where a training process's time goes before its first boosting round.

``python -m benchmarks.cold_start [--runs 7] [--json FILE]`` starts processes that each go one step
further than the one before; a step's CPU time is the difference of the medians. The last step is a
whole trial of one round, at which it also says which heavy modules were not imported.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.credit_data import credit_data, feature_set, schema
from benchmarks.environment import python_of_the_others, trainer_as_shipped
from benchmarks.measure import bare_environment, machine, measured
from warmfold_contract import hyperparameters as keys
from warmfold_contract.paths import TRAIN_CHANNEL, Paths

ROWS = 50_000
APP = "app"
HEAVY = ("scipy", "boto3", "botocore", "optuna", "pandas", "pyarrow", "arro3", "sklearn", "xgboost")

_READ = (
    "from warmfold_contract.paths import Paths; "
    "from warmfold_contract.hyperparameters import read_hyperparameters; "
    "from warmfold_trainer.candidate import read_candidate; "
    "p = Paths.from_environment(); c = read_candidate(read_hyperparameters(p.hyperparameters)); "
    "d = c.data(p)"
)
_BIN = (
    "from warmfold_trainer.cross_validation import cross_validate, trial_data; "
    "s = c.settings(); t = trial_data(c.algorithm, d, s, seed=1, task=c.task)"
)
# Each step is the code of all before it and its own.
STEPS = {
    "Python itself": "pass",
    "import numpy": "import numpy",
    "import lightgbm": (
        "from warmfold_trainer.algorithms.lightgbm_import import import_lightgbm; import_lightgbm()"
    ),
    "import the trainer": "import warmfold_trainer.trial",
    "read the training channel": _READ,
    "bin the features": _BIN,
    "one round of one fold": (
        "from warmfold_trainer.cross_validation import fit_fold; "
        "fit_fold(t, {**s, 'max_rounds': 1}, c.metric, 1, threads=1)"
    ),
}


def prepare(folder: Path) -> Paths:
    paths = Paths(folder)
    trainer_as_shipped(folder / APP)
    feature_set(credit_data(ROWS), schema()).write(paths.channel(TRAIN_CHANNEL))
    paths.hyperparameters.parent.mkdir(parents=True)
    given = {
        keys.ALGORITHM: "lightgbm",
        keys.TASK: "classification",
        keys.FEATURE_SET: "default",
        keys.METRIC: "auc",
        keys.SEED: "1",
    }
    paths.hyperparameters.write_text(json.dumps(given), encoding="utf-8")
    return paths


def environment_of(paths: Paths) -> dict[str, str]:
    """With what the trainer's entry point sets before it imports anything."""
    return bare_environment(
        PYTHONPATH=str(paths.base / APP),
        SAGEMAKER_BASE_DIR=str(paths.base),
        OPENBLAS_NUM_THREADS="1",
    )


def steps(paths: Paths, runs: int) -> dict[str, float]:
    """Median CPU seconds of each step alone; the runs of all steps take turns."""
    environment = environment_of(paths)
    codes = list(STEPS.values())
    seconds: dict[str, list[float]] = {name: [] for name in STEPS}
    for _ in range(runs):
        for place, name in enumerate(STEPS, start=1):
            code = "; ".join(codes[:place])
            command = [sys.executable, "-c", code]
            seconds[name].append(measured(command, environment, paths.base).cpu_seconds)
    totals = [statistics.median(taken) for taken in seconds.values()]
    return {
        name: total - before
        for name, total, before in zip(STEPS, totals, (0.0, *totals[:-1]), strict=True)
    }


def not_imported(paths: Paths) -> list[str]:
    """Of the heavy modules, those that a trial of one fold has not imported."""
    environment = environment_of(paths)
    code = "; ".join(
        [*STEPS.values(), f"import sys; print(sum(m in sys.modules for m in {HEAVY}))"]
    )
    imported = measured([sys.executable, "-c", code], environment, paths.base).score
    return list(HEAVY) if imported == 0 else []


def import_elsewhere(runs: int, folder: Path) -> float:
    """CPU seconds of `import lightgbm` where pandas and scikit-learn are installed, too."""
    python = str(python_of_the_others())
    taken = {
        code: [measured([python, "-c", code], bare_environment(), folder) for _ in range(runs)]
        for code in ("pass", "import lightgbm")
    }
    medians = [statistics.median(one.cpu_seconds for one in found) for found in taken.values()]
    return medians[1] - medians[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    report: dict[str, Any] = {"machine": machine(), "rows": ROWS, "runs": arguments.runs}
    with tempfile.TemporaryDirectory() as folder:
        paths = prepare(Path(folder))
        report["cpu_seconds"] = steps(paths, arguments.runs)
        report["not_imported"] = not_imported(paths)
        report["import_lightgbm_beside_pandas"] = import_elsewhere(arguments.runs, Path(folder))
    print("| step | CPU ms |\n|---|---|")
    for name, seconds in report["cpu_seconds"].items():
        print(f"| {name} | {seconds * 1000:.0f} |")
    print(f"| all of it | {sum(report['cpu_seconds'].values()) * 1000:.0f} |")
    elsewhere = report["import_lightgbm_beside_pandas"]
    print(f"\n`import lightgbm` beside pandas and scikit-learn: {elsewhere * 1000:.0f} ms.")
    print(f"Not imported: {', '.join(report['not_imported']) or 'see the report'}.")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
