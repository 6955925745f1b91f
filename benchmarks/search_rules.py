"""Plays whole searches on a recorded surface, by several rules: what they cost and what they lose.

``python -m benchmarks.search_rules [RULE ...] [--seeds N] [--surface FILE] [--json FILE]``

The search is the shipped one (``warmfold_trainer.search.engine``: sampler, racing, convergence), 40
trials x 5 folds, one trial at a time. Only training is played: a fold's curve is that of
``benchmarks.search_surface``, interpolated between its settings by a Gaussian process, with an
offset for each fold (standard deviation 0.005), one for each trial's fold (0.0016) and one for each
round (0.0001). CPU is rounds times the interpolated CPU seconds of a round; the loss is the
winner's true score below the best of 20,000 random settings. A Gaussian process that finds its way
on another one is an easy case.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.credit_data import CreditData, feature_set, schema
from benchmarks.search_surface import EVERY, FILE, MOST_ROUNDS, ranges
from benchmarks.tuning import FOLDS, RACING_Z, search_hyperparameters
from warmfold_contract.settings import Settings
from warmfold_trainer.algorithms.early_stopping import boost
from warmfold_trainer.algorithms.protocol import FinalModel, RoundScore, Rows
from warmfold_trainer.cross_validation import TrialData
from warmfold_trainer.metric import Metric
from warmfold_trainer.search.engine import Arrangement, Search
from warmfold_trainer.search.gaussian import fitted
from warmfold_trainer.search.plan import read_plan
from warmfold_trainer.search.rules import Rules
from warmfold_trainer.search.sampler import place_of

TRIALS = 40
FOLD_SPREAD, TRIAL_SPREAD, ROUND_SPREAD = 0.005, 0.0016, 0.0001
_RANDOM_SETTINGS = 20_000
_BEFORE = Rules(price=0.0, spread_from=1, defaults_last=False)
_DEFAULTS_LAST = replace(_BEFORE, defaults_last=True)
_PRICED = Rules(price=1.0, spread_from=3, margin=0.0)


@dataclass(frozen=True, kw_only=True)
class Played:
    """``z`` is racing's; ``ends``: whether a search ends when nothing is left to gain."""

    rules: Rules
    z: str = RACING_Z
    ends: bool = False


TRIED: dict[str, Played] = {
    "as before": Played(rules=_BEFORE),
    "defaults last": Played(rules=_DEFAULTS_LAST),
    "defaults last, from 3": Played(rules=replace(_DEFAULTS_LAST, spread_from=3)),
    "price 0.5, from 3": Played(rules=Rules(price=0.5, spread_from=3, margin=0.0)),
    "price 1, from 3": Played(rules=_PRICED),
    "price 1, from 10": Played(rules=replace(_PRICED, spread_from=10)),
    "price 1, from 3, margin 0.1": Played(rules=replace(_PRICED, margin=0.1)),
    "price 1, from 3, z = 0.5": Played(rules=_PRICED, z="0.5"),
    "as it ships": Played(rules=Rules()),
    "as it ships, may end": Played(rules=Rules(), ends=True),
}


class Surface:
    """AUC after each round, and CPU seconds a round, of any settings."""

    def __init__(self, file: Path) -> None:
        recorded = json.loads(file.read_text(encoding="utf-8"))
        units = np.array([one["unit"] for one in recorded])
        longest = MOST_ROUNDS // EVERY
        lines = [one["curve"] for one in recorded]
        curves = np.array([np.pad(one, (0, longest - len(one)), mode="edge") for one in lines])
        random = np.random.default_rng(0)
        process = fitted(units, curves.max(axis=1), random)
        self._mean = curves.mean(axis=0)
        half = np.linalg.solve(process.lower, curves - self._mean)
        weights = np.asarray(np.linalg.solve(process.lower.T, half), dtype=np.float64)
        self._curves = replace(process, weights=weights, mean=0.0, scale=1.0)
        seconds = np.array([one["cpu_seconds"] for one in recorded])
        self._seconds = fitted(units, np.log(seconds), random)
        anything = random.random((_RANDOM_SETTINGS, units.shape[1]))
        self.best = float(self._at(anything).max())

    def _at(self, units: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self._mean + self._curves.predict(units)[0])

    def curve(self, unit: NDArray[np.float64]) -> NDArray[np.float64]:
        """After each of 400 rounds."""
        points = self._at(unit[np.newaxis])[0]
        rounds = np.arange(1, MOST_ROUNDS + 1)
        return np.asarray(np.interp(rounds, np.arange(EVERY, MOST_ROUNDS + 1, EVERY), points))

    def seconds(self, unit: NDArray[np.float64]) -> float:
        return float(np.exp(self._seconds.predict(unit[np.newaxis])[0][0]))


@dataclass
class PlayedTable:
    """A table whose models are looked up. ``rounds`` are those trained, by trial and fold."""

    surface: Surface
    seed: int
    fold: NDArray[np.int16]
    rounds: dict[tuple[bytes, int], int] = field(default_factory=dict)
    few_folds_at_a_time: bool = False

    def cpu_seconds(self, unit: NDArray[np.float64], folds: int) -> float:
        """Of a trial's first folds: a fold begun before the race had decided takes no time."""
        rounds = sum(self.rounds[unit.tobytes(), fold] for fold in range(1, folds + 1))
        return rounds * self.surface.seconds(unit)

    def with_settings(self, settings: Settings, *, threads: int = 1) -> "PlayedTrial":
        return PlayedTrial(self, unit_of(settings), threads)


@dataclass(frozen=True)
class PlayedTrial:
    table: PlayedTable
    unit: NDArray[np.float64]
    threads: int

    def fit_fold(
        self,
        train: Rows,  # noqa: ARG002 - what trains is played
        validation: Rows,
        score: RoundScore,
    ) -> "PlayedFold":
        number = int(self.table.fold[validation[0]])
        place = [self.table.seed, number, *(int(1e6 * at) for at in self.unit)]
        noise = np.random.default_rng(place)
        offset = FOLD_SPREAD * np.random.default_rng(place[:2]).normal()
        offset += TRIAL_SPREAD * noise.normal()
        truth = self.table.surface.curve(self.unit)
        noisy = truth + offset + ROUND_SPREAD * noise.normal(size=len(truth))
        done = 0

        def add_round(_: int) -> bool:
            nonlocal done
            done += 1
            return True

        try:
            curve = boost(
                add_round,
                lambda rounds: score.function(noisy[rounds - 1 : rounds]),
                {"max_rounds": MOST_ROUNDS, "early_stopping_rounds": 30},
                score,
            )
        finally:
            self.table.rounds[self.unit.tobytes(), number] = done
        return PlayedFold(curve)

    def fit_final(self, rounds: int, *, threads: int) -> FinalModel:
        raise NotImplementedError("a search trains no final model")


@dataclass(frozen=True)
class PlayedFold:
    curve: NDArray[np.float64]

    def predict(self, features: NDArray[np.float32], rounds: int) -> NDArray[np.float64]:
        return np.full(len(features), self.curve[rounds - 1])

    def save(self, folder: Path) -> tuple[str, ...]:
        raise NotImplementedError("a search keeps no fold's model")


def unit_of(settings: Mapping[str, Any]) -> NDArray[np.float64]:
    return np.array([place_of(item.distribution(), settings[item.name]) for item in ranges()])


def play(surface: Surface, played: Played, seed: int) -> tuple[float, float]:
    """CPU seconds, and what the winner loses."""
    ends = "true" if played.ends else "false"
    plan = read_plan(search_hyperparameters(seed, TRIALS, played.z, ends))
    played_metric = Metric(
        name="auc",
        function=lambda _, predicted: float(predicted[0]),
        greater_is_better=True,
        task="classification",
    )
    plan = replace(plan, candidate=replace(plan.candidate, metric=played_metric))
    random = np.random.default_rng(0)
    some = CreditData(
        features=random.random((40, 50)).astype(np.float32),
        target=np.tile([0, 1], 20).astype(np.uint8),
    )
    data = feature_set(some, schema(), folds=FOLDS)
    fold = np.asarray(data.fold, dtype=np.int16)[:, 0]
    table = PlayedTable(surface, seed, fold)
    search = Search(
        plan=plan,
        trial_data=TrialData(data=data, binned=table),
        arrangement=Arrangement(trials=1, folds=1),
        keep=lambda _: None,
        rules=played.rules,
    )
    best = search.run()
    seconds = sum(
        table.cpu_seconds(
            unit_of(plan.settings(search.drawn(one))), max(one.row.folds_completed, 1)
        )
        for one in search.ended.values()
    )
    unit = unit_of(plan.settings(search.drawn(best)))
    return seconds, surface.best - float(surface.curve(unit)[(best.row.rounds or 1) - 1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rules", nargs="*", default=list(TRIED), metavar="RULE")
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--surface", type=Path, default=FILE)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    surface = Surface(given.surface)
    report: dict[str, Any] = {}
    print("| rule | CPU seconds | AUC lost | largest |\n|---|---|---|---|")
    for rule in given.rules:
        runs = np.array([play(surface, TRIED[rule], seed) for seed in range(given.seeds)])
        seconds, lost = runs.mean(axis=0)
        error = runs[:, 1].std(ddof=1) / len(runs) ** 0.5
        report[rule] = {"cpu_seconds": runs[:, 0].tolist(), "lost": runs[:, 1].tolist()}
        print(
            f"| {rule} | {seconds:.1f} | {lost:.5f} ± {error:.5f} | {runs[:, 1].max():.4f} |",
            flush=True,
        )
        if given.json is not None:
            given.json.write_text(json.dumps(report, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
