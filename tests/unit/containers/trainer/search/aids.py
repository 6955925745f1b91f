"""A small search: its hyperparameters, and one that runs in this process."""

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.unit.containers.trainer.tables import feature_set
from warmfold_trainer.cross_validation import trial_data
from warmfold_trainer.feature_set import FeatureSet
from warmfold_trainer.search.checkpoint import Checkpoint
from warmfold_trainer.search.ended import EndedTrial
from warmfold_trainer.search.engine import Arrangement, Ended, Search
from warmfold_trainer.search.plan import Plan, read_plan
from warmfold_trainer.search.run import identity


def span(kind: str = "continuous", **members: object) -> str:
    """A range as the pipeline writes it."""
    values: dict[str, object] = {"kind": kind, "minimum": None, "maximum": None}
    values |= {"values": [], "scaling": "Linear"}
    return json.dumps({**values, **members})


SEARCH = {
    "warmfold_mode": "search",
    "warmfold_candidate": "trees",
    "warmfold_algorithm": "lightgbm",
    "warmfold_task": "classification",
    "warmfold_feature_set": "default",
    "warmfold_metric": "auc",
    "warmfold_seed": "7",
    "warmfold_strategy": "Bayesian",
    "warmfold_max_trials": "8",
    "warmfold_stops_when_converged": "true",
    "warmfold_racing": "1.645",
    "max_rounds": "30",
    "early_stopping_rounds": "10",
    "warmfold_range_learning_rate": span(minimum=0.01, maximum=0.3, scaling="Logarithmic"),
    "warmfold_range_num_leaves": span("integer", minimum=2, maximum=15),
}


def plan(**changed: str) -> Plan:
    return read_plan({**SEARCH, **changed})


def small_search(
    plan: Plan,
    *,
    data: FeatureSet | None = None,
    trials_at_a_time: int = 1,
    keep: Callable[[EndedTrial], None] = lambda _: None,
    kind: type[Search] = Search,
) -> Search:
    """On a few hundred rows; 8 trials take about a second."""
    data = feature_set() if data is None else data
    candidate = plan.candidate
    binned = trial_data(
        candidate.algorithm,
        data,
        candidate.settings(),
        seed=candidate.seed,
        task=candidate.task,
        keep_folds=True,
    )
    arrangement = Arrangement(trials=trials_at_a_time, folds=1)
    return kind(plan=plan, trial_data=binned, arrangement=arrangement, keep=keep)


def in_turn(plan: Plan, *, trials_at_a_time: int) -> Search:
    """A search whose trials end in the order of their numbers, so that it repeats itself.

    Each is drawn while the one before it runs, as without, but does not begin before that one is
    told: what is drawn and raced would depend on which of them is faster.
    """
    told = [threading.Event() for _ in range(plan.max_trials + 1)]
    told[0].set()

    class InTurn(Search):
        def _trial(self, number: int, drawn: Mapping[str, str], gain: float | None) -> Ended:
            assert told[number - 1].wait(60)
            return super()._trial(number, drawn, gain)

    return small_search(
        plan,
        trials_at_a_time=trials_at_a_time,
        keep=lambda trial: told[trial.number].set(),
        kind=InTurn,
    )


def checkpoint(folder: Path, plan: Plan, data: FeatureSet | None = None) -> Checkpoint:
    return Checkpoint(folder, identity(plan, feature_set() if data is None else data))


def without_times(trials: Mapping[int, EndedTrial]) -> list[tuple[object, ...]]:
    """What must be the same when a search is repeated."""
    return [
        (number, trial.row.hyperparameters, trial.row.fold_scores, trial.row.status)
        for number, trial in sorted(trials.items())
    ]
