"""A trial of 5 folds: ours and three others, paired, on the same folds with the same parameters.

``python -m benchmarks.trial [--data 10000 50000 500000 loans] [--rounds 200] [--runs 5]
[--ways ...] [--threads N] [--profile] [--json FILE]``

Every way is a process of its own from a cold start, which reads its data, trains 5 folds of 200
rounds and prints a mean AUC. Ours is the training job as it ships, compiled and out of an
environment as lean as its image; with --profile it runs alone, and where its CPU seconds went is
printed (see ``trial_profile``). `article` is a process for each fold, `cross_val_score`
scikit-learn's on LightGBM's estimator, `lightgbm_cv` LightGBM's own; all read CSV with pandas.
`boosting` is the limit: CPU seconds of the rounds alone. Ratios are of CPU seconds, each of one
round of runs.

The others train with as many threads as there are cores, as they would; on a machine that others
use, too, OpenMP's threads wait for each other and their CPU seconds mean nothing: use --threads 1.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.credit_data import CreditData, credit_data, feature_set, schema
from benchmarks.environment import ROOT, python_of_the_others, trainer_as_shipped
from benchmarks.loans_data import loans
from benchmarks.measure import LOG, Measured, bare_environment, machine, measured, medians
from benchmarks.trial_profile import ADDING_ROUNDS
from warmfold_contract import hyperparameters as keys
from warmfold_contract.paths import TRAIN_CHANNEL, Paths
from warmfold_contract.schema import Schema
from warmfold_trainer.cores import available_cores
from warmfold_trainer.feature_set import FeatureSet

APP = "app"
FOLDS = 5
PARAMETERS = {
    "num_leaves": 31,
    "learning_rate": 0.05,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "min_data_in_leaf": 20,
}
OTHERS = ("article", "cross_val_score", "lightgbm_cv")
WAYS = ("ours", *OTHERS, "boosting")

Results = dict[str, list[Measured]]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder that holds one data set in every form that a way reads."""

    folder: Path
    rounds: int

    @property
    def paths(self) -> Paths:
        return Paths(self.folder / "opt_ml")

    def way(self, name: str) -> Callable[[], Measured]:
        if name == "ours":
            return self._ours
        return self._boosting if name == "boosting" else lambda: self._other(name)

    def _ours(self) -> Measured:
        command = [sys.executable, "-m", "warmfold_trainer", "train"]
        return measured(command, self._environment(), self.folder)

    def _environment(self) -> dict[str, str]:
        base = str(self.paths.base)
        return bare_environment(PYTHONPATH=str(self.folder / APP), SAGEMAKER_BASE_DIR=base)

    def profile(self) -> dict[str, float]:
        """CPU seconds of our parts; what no timer saw is ``all else``."""
        command = [sys.executable, str(ROOT / "benchmarks" / "trial_profile.py")]
        run = measured(command, self._environment(), self.folder)
        log = (self.folder / LOG).read_text(encoding="utf-8")
        parts: dict[str, float] = json.loads(log.splitlines()[-1])
        return {**parts, "all else": run.cpu_seconds - sum(parts.values())}

    def _boosting(self) -> Measured:
        environment = bare_environment(PYTHONPATH=f"{ROOT / 'containers'}:{ROOT}")
        channel = self.paths.channel(TRAIN_CHANNEL)
        given = [f"{name}={value}" for name, value in PARAMETERS.items()]
        command = [
            sys.executable,
            "-m",
            "benchmarks.trial_boosting",
            str(channel),
            str(self.rounds),
        ]
        return measured([*command, *given], environment, self.folder)

    def _other(self, name: str) -> Measured:
        script = str(ROOT / "benchmarks" / "others" / "trial.py")
        command = [str(python_of_the_others()), script, name, str(self.folder)]
        return measured(command, bare_environment(), self.folder)


def prepare(folder: Path, name: str, ways: Sequence[str], rounds: int, threads: int) -> Place:
    """The data as Processing leaves it, and as CSV files; our packages beside them."""
    place = Place(folder=folder, rounds=rounds)
    trainer_as_shipped(folder / APP)
    data, description = loans() if name == "loans" else (credit_data(int(name)), schema())
    rows = feature_set(data, description, folds=FOLDS)
    rows.write(place.paths.channel(TRAIN_CHANNEL))
    place.paths.hyperparameters.parent.mkdir(parents=True)
    place.paths.hyperparameters.write_text(json.dumps(_hyperparameters(rounds)), encoding="utf-8")
    categories = [feature.name for feature in description.features if feature.kind == "category"]
    task = {
        "rounds": rounds,
        "folds": FOLDS,
        "categories": categories,
        "parameters": {**PARAMETERS, "seed": 1, "num_threads": threads},
    }
    (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
    if set(ways) & set(OTHERS):
        _write_csv(folder, data, description, rows, per_fold="article" in ways)
    return place


def _hyperparameters(rounds: int) -> dict[str, str]:
    own = {"max_rounds": rounds, "early_stopping_rounds": rounds, **PARAMETERS}
    return {
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


def _write_csv(
    folder: Path, data: CreditData, description: Schema, rows: FeatureSet, *, per_fold: bool
) -> None:
    names = [feature.name for feature in description.features]
    columns = [
        _texts(data.features[:, at], category=feature.kind == "category")
        for at, feature in enumerate(description.features)
    ]
    lines = np.array([",".join(row) for row in zip(*columns, strict=True)], dtype=object)
    fold = np.zeros(rows.rows, dtype=np.int16) if rows.fold is None else rows.fold[:, 0]
    _write(folder / "all.csv", [*names, "target", "fold"], lines, data.target, fold)
    for number in range(1, rows.folds + 1) if per_fold else ():
        for name, part in zip(("train", "validation"), rows.fold_rows(number), strict=True):
            target = folder / f"{name}_{number}.csv"
            _write(target, [*names, "target"], lines[part], data.target[part])


def _texts(values: Any, *, category: bool) -> list[str]:
    if category:
        return [f"level_{value:.0f}" for value in values.tolist()]
    return ["" if value != value else f"{value:.7g}" for value in values.tolist()]


def _write(path: Path, names: list[str], lines: Any, *more: Any) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(",".join(names) + "\n")
        for line, *rest in zip(lines, *(values.tolist() for values in more), strict=True):
            file.write(f"{line},{','.join(map(str, rest))}\n")


def run(place: Place, ways: Sequence[str], runs: int) -> Results:
    """Every way once a round, each round starting with another."""
    results: Results = {way: [] for way in ways}
    for number in range(runs):
        turn = number % len(ways)
        for way in (*ways[turn:], *ways[:turn]):
            results[way].append(place.way(way)())
            print(f"  {way} {results[way][-1].cpu_seconds:.1f} CPU s", file=sys.stderr)
    return results


def summary(results: Results) -> dict[str, Any]:
    """Medians of each way; ratios of CPU to ours, paired by round; share outside boosting."""
    found: dict[str, Any] = {way: medians(runs) for way, runs in results.items()}
    ours = [run.cpu_seconds for run in results["ours"]]
    for way, runs in results.items():
        if way != "boosting":
            pairs = zip(runs, ours, strict=True)
            found[way]["cpu_of_ours"] = statistics.median(
                run.cpu_seconds / own for run, own in pairs
            )
    if "boosting" in results:
        limits = [run.score for run in results["boosting"]]
        pairs_of_limits = zip(limits, ours, strict=True)
        found["boosting"] = {"cpu_seconds": statistics.median(limits)}
        found["ours"]["outside_boosting"] = statistics.median(
            1 - limit / own for limit, own in pairs_of_limits
        )
    return found


def table(name: str, found: dict[str, Any]) -> str:
    head = (
        f"\n### {name}\n\n| way | CPU s | wall s | peak MB | AUC | CPU, ours = 1 |\n{'|---' * 6}|"
    )
    lines = [
        f"| {way} | {row['cpu_seconds']:.2f} | {row['wall_seconds']:.2f} | {row['peak_mb']:.0f} | "
        f"{row['score']:.5f} | {row['cpu_of_ours']:.2f} |"
        for way, row in found.items()
        if way != "boosting"
    ]
    if "boosting" in found:
        outside = found["ours"]["outside_boosting"]
        lines.append(f"| boosting alone | {found['boosting']['cpu_seconds']:.2f} | | | | |")
        lines.append(f"\nOf ours, {outside:.1%} of the CPU is not boosting.")
    return "\n".join([head, *lines])


def compared(place: Place, name: str, ways: Sequence[str], runs: int) -> tuple[Any, str]:
    """What the report holds of a data set, and its table."""
    results = run(place, ways, runs)
    found = summary(results)
    each = {way: [asdict(one) for one in taken] for way, taken in results.items()}
    return {**found, "each": each}, table(name, found)


def profiled(place: Place, name: str, runs: int) -> tuple[Any, str]:
    """The same of where our CPU seconds go: medians of each part, the largest first."""
    each = [place.profile() for _ in range(runs)]
    parts = {part: statistics.median(one[part] for one in each) for part in each[0]}
    parts = dict(sorted(parts.items(), key=lambda part: -part[1]))
    return {"parts": parts, "each": each}, profile_table(name, parts)


def profile_table(name: str, parts: dict[str, float]) -> str:
    total = sum(parts.values())
    lines = [f"| {part} | {took:.3f} | {took / total:.1%} |" for part, took in parts.items()]
    outside = 1 - parts[ADDING_ROUNDS] / total
    head = f"\n### {name}\n\n| part | CPU s | share |\n|---|---|---|"
    return "\n".join([head, *lines, f"\n{outside:.1%} of the CPU is not boosting."])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", default=["10000", "50000", "loans"])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--threads", type=int, default=available_cores(), help="of the others")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    ways = ["ours", *([] if arguments.profile else arguments.ways)]
    ways = list(dict.fromkeys(ways))
    report: dict[str, Any] = {"machine": machine(), "runs": arguments.runs, "data": {}}
    report["rounds"], report["threads_of_the_others"] = arguments.rounds, arguments.threads
    for name in arguments.data:
        with tempfile.TemporaryDirectory() as folder:
            place = prepare(Path(folder), name, ways, arguments.rounds, arguments.threads)
            report["data"][name], text = (
                profiled(place, name, arguments.runs)
                if arguments.profile
                else compared(place, name, ways, arguments.runs)
            )
        print(text, flush=True)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
