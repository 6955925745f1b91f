"""Plays racing rules on recorded searches.

``python -m benchmarks.racing_replay [FOLDER] [--json FILE]``

FOLDER holds tables of ``benchmarks.racing_record``. Each rule is played over 40 orders of a table:
the folds are shuffled, and so are the trials where they were drawn at random (a Bayesian search's
trials depend on each other and stay in their order). Every decision sees only what a live race
would: the finished trials before it. `kept` is the CPU that is still spent; the loss is that of the
winner's final score over all folds, against the winner without racing.
"""

import argparse
import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.racing_record import Table
from warmfold_trainer.racing import (
    FinishedTrial,
    History,
    PairedRace,
    Race,
    best_of,
)

ORDERS = 40
RECORDED = Path(__file__).parent / "data" / "racing"


class _Rule:
    """A rule that only looks at the differences to the incumbent, fold by fold."""

    def __init__(self, history: History, hopeless: Callable[[list[float]], bool]) -> None:
        self._history = history
        self._hopeless = hopeless

    def after_fold(self, fold_scores: Mapping[int, float]) -> bool:
        finished = self._history.finished()
        if not finished:
            return False
        incumbent = best_of(finished, sign=1.0).provisional_scores
        return self._hopeless([score - incumbent[fold - 1] for fold, score in fold_scores.items()])

    def pessimistic_score(self, fold_scores: Mapping[int, float]) -> float:
        raise AssertionError(f"a replay reports no scores: {fold_scores}")


def _behind_by_t(differences: list[float]) -> bool:
    """One-sided paired t-test at 10 %, with the trial's own spread."""
    quantile = {2: 3.078, 3: 1.886, 4: 1.638, 5: 1.533}
    count = len(differences)
    if count < 2:
        return False
    error = float(np.std(differences, ddof=1)) / math.sqrt(count)
    return float(np.mean(differences)) + quantile[count] * error < 0


def _paired(z: float, least: int) -> Callable[[History], Race]:
    return lambda history: PairedRace(history, z=z, greater_is_better=True, min_finished=least)


def _by(hopeless: Callable[[list[float]], bool]) -> Callable[[History], Race]:
    return lambda history: _Rule(history, hopeless)


RULES: dict[str, Callable[[History], Race]] = {
    "none": _by(lambda _: False),
    "behind on both of the first two folds": _by(lambda d: len(d) == 2 and max(d) < 0),
    "behind on each of the first three folds": _by(lambda d: len(d) == 3 and max(d) < 0),
    "paired t-test, 90 %": _by(_behind_by_t),
    "0.002 behind after the first fold": _by(lambda d: len(d) == 1 and d[0] < -0.002),
    "behind on average": _by(lambda d: float(np.mean(d)) < 0),
    **{
        f"pooled spread, z = {z}, from {least} finished trials": _paired(z, least)
        for z in (2.326, 1.645, 1.0, 0.5)
        for least in (2, 4, 8)
    },
}


@dataclass(frozen=True, kw_only=True)
class Played:
    """``kept`` is a share of the CPU, ``loss`` a difference of final scores, at least 0."""

    kept: float
    loss: float


def play(table: Table, rule: Callable[[History], Race], order: Any, folds: Any) -> Played:
    """One search, its trials in ``order``, each with its folds in the order ``folds``."""
    history, seconds, best = History(), 0.0, -math.inf
    final = table.final.mean(axis=1)
    for trial in order.tolist():
        race = rule(history)
        scores: dict[int, float] = {}
        for place, fold in enumerate(folds.tolist(), start=1):
            scores[place] = float(table.provisional[trial, fold])
            seconds += float(table.seconds[trial, fold])
            if place < len(folds) and race.after_fold(scores):
                break
        else:
            best = max(best, float(final[trial]))
            whole = FinishedTrial(
                provisional_scores=tuple(scores.values()), score=float(final[trial])
            )
            history.add(whole)
    return Played(kept=seconds / float(table.seconds.sum()), loss=float(final.max()) - best)


def replay(table: Table, rule: Callable[[History], Race], *, any_order: bool) -> dict[str, float]:
    trials, folds = table.final.shape
    played = []
    for seed in range(ORDERS):
        random = np.random.default_rng(seed)
        order = random.permutation(trials) if any_order else np.arange(trials)
        played.append(play(table, rule, order, random.permutation(folds)))
    losses = [one.loss for one in played]
    return {
        "kept": float(np.mean([one.kept for one in played])),
        "mean_loss": float(np.mean(losses)),
        "max_loss": max(losses),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=RECORDED)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    tables = {path.stem: Table.load(path) for path in sorted(arguments.folder.glob("*.npz"))}
    report = {
        rule: {
            name: replay(table, RULES[rule], any_order="random" in name)
            for name, table in tables.items()
        }
        for rule in RULES
    }
    print(f"| rule: CPU kept, mean (largest) loss of AUC | {' | '.join(tables)} |")
    print("|---" * (1 + len(tables)) + "|")
    for rule, found in report.items():
        cells = [
            f"{one['kept']:.0%}, {one['mean_loss']:.5f} ({one['max_loss']:.5f})"
            for one in found.values()
        ]
        print(f"| {rule} | {' | '.join(cells)} |")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
