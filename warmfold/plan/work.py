"""How long a candidate's trial trains, from the size of its data: measured, and dated."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from config.settings import Candidate, Compute, Model
from warmfold.plan.data_size import DataSize
from warmfold_contract.algorithms import MAX_ROUNDS, hyperparameters
from warmfold_local.modelled.parameters import Parameter, ParameterError, Parameters

_MEASURED = "python -m benchmarks.plan_constants, on 2 shared cores of about 2.6 GHz"


def _measured(name: str, value: float, unit: str) -> Parameter:
    return Parameter(name=name, value=value, unit=unit, source=_MEASURED, dated="2026-11")


# CPU seconds of one boosting round of one fold: a part for each round, and one for each value
# (training rows x columns). The linear model has one round.
TRAINING = (
    _measured("lightgbm_seconds_per_round", 0.0056, "CPU s a round and fold"),
    _measured("lightgbm_seconds_per_value", 5.6e-09, "CPU s a round, fold, row and column"),
    _measured("xgboost_seconds_per_round", 0.01, "CPU s a round and fold"),
    _measured("xgboost_seconds_per_value", 1.4e-08, "CPU s a round, fold, row and column"),
    _measured("linear_seconds_per_round", 0.1, "CPU s a round and fold"),
    _measured("linear_seconds_per_value", 2.1e-07, "CPU s a round, fold, row and column"),
    Parameter(
        name="process_seconds",
        value=2,
        unit="s",
        source="assumption of this plan: imports, reading the features, writing the results",
        dated="2026-11",
    ),
    Parameter(
        name="rounds_share",
        value=0.5,
        unit="of max_rounds",
        source="assumption of this plan: early stopping ends most folds before max_rounds",
        dated="2026-11",
    ),
)

_SIZE = re.compile(r"ml\.[a-z0-9-]+\.(\d*)(medium|large|xlarge)")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """CPU seconds of an average trial of one candidate: of one fold, and of all."""

    fold_seconds: float
    folds: int

    @property
    def seconds(self) -> float:
        return self.fold_seconds * self.folds


def trial_of(model: Model, candidate: Candidate, size: DataSize, parameters: Parameters) -> Trial:
    folds = model.data.folds
    rows = size.rows * (1 - model.data.holdout_fraction) * (folds - 1) / folds
    name = candidate.algorithm
    per_round = parameters[f"{name}_seconds_per_round"].number
    per_value = parameters[f"{name}_seconds_per_value"].number
    rounds = _rounds(candidate, parameters)
    return Trial(
        fold_seconds=rounds * (per_round + per_value * rows * size.columns),
        folds=folds * model.data.repeats,
    )


def _rounds(candidate: Candidate, parameters: Parameters) -> float:
    known = {
        setting.name: setting for setting in hyperparameters(candidate.algorithm, candidate.task)
    }
    if MAX_ROUNDS not in known:
        return 1.0
    given = candidate.static.get(MAX_ROUNDS, known[MAX_ROUNDS].default)
    return math.ceil(float(given) * parameters["rounds_share"].number)


def cores_of(compute: Compute) -> int:
    """vCPUs of an instance type, which its size says: 2 for large, 4 for xlarge, 8 for 2xlarge.

    Raises ``ParameterError`` for a type whose size says something else.
    """
    match = _SIZE.fullmatch(compute.instance_type)
    if match is None:
        raise ParameterError(
            f"the size of {compute.instance_type} does not say how many cores it has"
        )
    times, word = match.groups()
    return 4 * int(times or 1) if word == "xlarge" else 2


def trials_of(model: Model, size: DataSize, parameters: Parameters) -> Mapping[str, Trial]:
    """One average trial of each candidate, by the candidate's name."""
    return {c.name: trial_of(model, c, size, parameters) for c in model.candidates}
