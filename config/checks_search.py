"""What the settings of one model say about its search: metric, engine, folds, machines."""

import contextlib
import math
from collections.abc import Iterator, Sequence

from config.errors import Fault
from config.partial import UnknownValueError, as_far_as_known, every
from config.settings import Candidate, CrossValidation, Data, Jobs, Model, SpotCompute, Tuning
from warmfold_contract.errors import UserError
from warmfold_contract.hyperparameters import MAX_VALUE_LENGTH, encode_range
from warmfold_contract.metric_names import direction_of, metric_task
from warmfold_contract.metrics import metric_definitions
from warmfold_contract.tasks import CLASSIFICATION, REGRESSION

# SageMaker takes 40 metric definitions a job; those beside one per fold are the platform's.
_MAX_METRICS = 40
_MAX_FOLDS = _MAX_METRICS - (len(metric_definitions(2)) - 2)
# Stopping takes one call a second, and a stopped job up to two minutes to end.
_MAX_LIVE_FOLDS = 100
# Where a metric lies, for a gate that no model could fail or pass.
UNIT_METRICS = ("auc", "ks", "pr_auc", "brier")


def folds_faults(value: Data) -> Iterator[Fault]:
    if value.folds * value.repeats > _MAX_FOLDS:
        yield Fault(
            key="repeats",
            value=value.repeats,
            problem=f"makes {value.folds * value.repeats} folds of {value.folds} each",
            remedy=f"lower folds or repeats: a trial reports {_MAX_FOLDS} folds at most (SageMaker "
            f"takes {_MAX_METRICS} metrics a job)",
        )


def order_faults(value: Data) -> Iterator[Fault]:
    if value.assignment == "time" and value.repeats > 1:
        yield Fault(
            key="repeats",
            value=value.repeats,
            problem="means nothing when rows are in the order of time, which is one only",
            remedy='set it to 1, or use assignment = "stratified" or "grouped"',
        )


def metric_faults(value: Tuning) -> Iterator[Fault]:
    try:
        direction = direction_of(value.metric)
    except UserError as error:
        yield Fault(
            key="metric",
            value=value.metric,
            problem="is no metric of the trainer",
            remedy=str(error).partition(": ")[2],
        )
        return
    if direction is None and value.direction is None:
        yield Fault(
            key="direction",
            problem=f"is missing, and {value.metric} is a metric of the project's own",
            remedy='say which way it is better: "Maximize" or "Minimize"',
        )
    if direction is not None and value.direction is not None:
        yield Fault(
            key="direction",
            value=value.direction,
            problem=f"means nothing for {value.metric}, whose direction is known",
            remedy="remove it; only a metric of the project's own (project.<name>) needs it",
        )


def racing_faults(value: Tuning) -> Iterator[Fault]:
    number = value.racing if not isinstance(value.racing, bool) else None
    if value.racing is True or (number is not None and not (0 < number < math.inf)):
        yield Fault(
            key="racing",
            value=value.racing,
            problem="is no number of standard errors",
            remedy="use false, or a number above 0: the larger, the more cautious",
        )


def convergence_faults(value: Tuning) -> Iterator[Fault]:
    if value.stops_when_converged and value.strategy == "Random":
        yield Fault(
            key="stops_when_converged",
            value=True,
            problem='means nothing with strategy = "Random", which expects nothing of a trial',
            remedy='set it to false, or use strategy = "Bayesian"',
        )


def cross_validation_faults(value: CrossValidation) -> Iterator[Fault]:
    if value.strategy == "fan_out" and value.fan_out is None:
        yield Fault(
            key="fan_out",
            problem='is missing, and strategy is "fan_out"',
            remedy="add [models.cross_validation.fan_out] with keep_alive_seconds, folds_at_once "
            "and own_fold",
        )


def jobs_faults(value: Jobs) -> Iterator[Fault]:
    for name in ("processing", "trial", "evaluation", "search"):
        yield from as_far_as_known(_one_machine(name, value))


def _one_machine(name: str, value: Jobs) -> Iterator[Fault]:
    compute = getattr(value, name)
    if compute is not None and compute.instance_count > 1:
        yield Fault(
            key=f"{name}.instance_count",
            value=compute.instance_count,
            problem="would do the same work once per machine",
            remedy="set it to 1; trials in parallel are tuning.parallel_trials",
        )


def spot_faults(value: SpotCompute) -> Iterator[Fault]:
    """MaxWaitTimeInSeconds must be MaxRuntimeInSeconds or more (API ref., StoppingCondition)."""
    if value.spot and value.spot_max_wait_seconds < value.max_runtime_seconds:
        yield Fault(
            key="spot_max_wait_seconds",
            value=value.spot_max_wait_seconds,
            problem=f"is less than max_runtime_seconds ({value.max_runtime_seconds}), which it "
            "covers together with the waiting",
            remedy="raise it: twice max_runtime_seconds leaves as long to wait as to run",
        )


def search_faults(value: Model) -> Iterator[Fault]:
    """What only a model shows."""
    yield from every(_machine, _texts, _engine, _live_folds, _gate)(value)
    for index, candidate in enumerate(value.candidates):
        yield from as_far_as_known(_task(f"candidates[{index}]", candidate, value))


def _machine(value: Model) -> Iterator[Fault]:
    if value.tuning.engine == "in_job" and value.jobs.search is None:
        yield Fault(
            key="jobs.search",
            problem='is missing, and tuning.engine is "in_job"',
            remedy="add [models.jobs.search]: the machine that runs all trials of a candidate",
        )


def _texts(value: Model) -> Iterator[Fault]:
    if value.tuning.engine == "in_job":
        for index, candidate in enumerate(value.candidates):
            yield from as_far_as_known(_range_texts(f"candidates[{index}]", candidate))


def _engine(value: Model) -> Iterator[Fault]:
    if value.tuning.engine == "in_job" and value.cross_validation.strategy == "fan_out":
        yield Fault(
            key="cross_validation.strategy",
            value="fan_out",
            problem='starts jobs, and with tuning.engine = "in_job" the search is one job without '
            "network",
            remedy='use strategy = "in_job", or tuning.engine = "amt"',
        )


def _range_texts(key: str, candidate: Candidate) -> Iterator[Fault]:
    """A search is given each range as one hyperparameter."""
    for name, span in candidate.ranges.items():
        length = len(
            encode_range(
                kind=span.kind,
                minimum=span.minimum,
                maximum=span.maximum,
                values=span.values,
                scaling=span.scaling,
            )
        )
        if length > MAX_VALUE_LENGTH:
            yield Fault(
                key=f"{key}.ranges.{name}.values",
                value=len(span.values),
                problem=f"take {length} characters of a hyperparameter of the search",
                remedy=f"SageMaker takes {MAX_VALUE_LENGTH}: shorten them, or remove some",
            )


def live_folds_faults(models: Sequence[Model]) -> Iterator[Fault]:
    """What the models of an environment do to each other's folds: one account stops them all.

    A model that has too many by itself is told of itself, and not of the others.
    """
    live = []
    for model in models:
        with contextlib.suppress(UnknownValueError):
            live.append((live_folds(model), model.name))
    total = sum(folds for folds, _ in live)
    if total > _MAX_LIVE_FOLDS >= max(folds for folds, _ in live):
        counts = ", ".join(f"{folds} of {name}" for folds, name in live if folds)
        yield Fault(
            key="models",
            problem=f"make {total} fold jobs at once when all are trained together ({counts})",
            remedy="lower folds_at_once, parallel_trials or candidates of one of them: more than "
            f"{_MAX_LIVE_FOLDS} in one account could not be stopped in time",
        )


def live_folds(value: Model) -> int:
    """How many fold jobs of the model may be live at once; none where a trial trains its folds."""
    fan_out = value.cross_validation.fan_out
    if value.cross_validation.strategy != "fan_out" or fan_out is None:
        return 0
    return fan_out.folds_at_once * value.tuning.parallel_trials * len(value.candidates)


def _live_folds(value: Model) -> Iterator[Fault]:
    fan_out, live = value.cross_validation.fan_out, live_folds(value)
    if fan_out is not None and live > _MAX_LIVE_FOLDS:
        yield Fault(
            key="cross_validation.fan_out.folds_at_once",
            value=fan_out.folds_at_once,
            problem=f"makes {live} fold jobs at once with {value.tuning.parallel_trials} parallel "
            f"trials of {len(value.candidates)} candidates",
            remedy=f"lower one of them: more than {_MAX_LIVE_FOLDS} could not be stopped in time",
        )


def _task(key: str, candidate: Candidate, value: Model) -> Iterator[Fault]:
    if metric_task(value.tuning.metric) == REGRESSION and candidate.task == CLASSIFICATION:
        yield Fault(
            key=f"{key}.task",
            value=candidate.task,
            problem=f"does not suit tuning.metric ({value.tuning.metric}), which measures "
            "regression",
            remedy=f'set task = "{REGRESSION}", or rank by a metric of classification',
        )


def _gate(value: Model) -> Iterator[Fault]:
    if value.tuning.metric in UNIT_METRICS and not 0 <= value.gate.minimum_score <= 1:
        yield Fault(
            key="gate.minimum_score",
            value=value.gate.minimum_score,
            problem=f"is no value of {value.tuning.metric}",
            remedy="use a number from 0 to 1",
        )
