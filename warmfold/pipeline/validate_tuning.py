"""Rules for tuning jobs that no AWS shape states.

Sources: developer guide, "Define hyperparameter ranges", "Resource limits" and "Stop training
jobs early"; API reference, HyperParameterTrainingJobDefinition.
"""

import math
from collections.abc import Iterator
from typing import Any

from warmfold.pipeline.document import mapping, sequence, text
from warmfold.pipeline.faults import Fault, choose, shown
from warmfold.pipeline.resolved_job import Job, cluster_faults, container_training_faults

_CONFIG = "HyperParameterTuningJobConfig"
_KINDS = ("ContinuousParameterRanges", "IntegerParameterRanges", "CategoricalParameterRanges")
_TUNABLE_LIMIT = 30
_HYPERPARAMETER_LIMIT = 100


def tuning_faults(job: Job) -> Iterator[Fault]:
    yield from _limit_faults(job)
    yield from job.exactly_one("", "TrainingJobDefinition", "TrainingJobDefinitions")
    if job.at("TrainingJobDefinition") is not None:
        objective = f"{_CONFIG}.HyperParameterTuningJobObjective"
        ranges = f"{_CONFIG}.ParameterRanges"
        yield from _definition_faults(job, "TrainingJobDefinition", objective, ranges)
    # With several definitions each has its own objective and ranges.
    for index, _ in enumerate(job.items("TrainingJobDefinitions")):
        path = f"TrainingJobDefinitions[{index}]"
        yield from job.missing(f"{path}.DefinitionName", "Each of several needs a name")
        objective, ranges = f"{path}.TuningObjective", f"{path}.HyperParameterRanges"
        yield from _definition_faults(job, path, objective, ranges)


def _limit_faults(job: Job) -> Iterator[Fault]:
    strategy = job.at(f"{_CONFIG}.Strategy")
    trials_path = f"{_CONFIG}.ResourceLimits.MaxNumberOfTrainingJobs"
    trials = job.number(trials_path)
    parallel_path = f"{_CONFIG}.ResourceLimits.MaxParallelTrainingJobs"
    parallel = job.number(parallel_path)
    if strategy != "Grid":
        yield from job.missing(trials_path, "Say how many trials there may be")
    if trials is not None and parallel is not None and parallel > trials:
        remedy = f"Use MaxNumberOfTrainingJobs ({trials:g}) or fewer"
        yield job.fault(parallel_path, f"is {shown(parallel)}", remedy)
    stopping = job.at(f"{_CONFIG}.TrainingJobEarlyStoppingType")
    if strategy == "Hyperband" and stopping == "Auto":
        path = f"{_CONFIG}.TrainingJobEarlyStoppingType"
        yield job.fault(path, "is 'Auto'", "Hyperband stops trials itself and needs 'Off'")


def _definition_faults(job: Job, path: str, objective: str, ranges: str) -> Iterator[Fault]:
    yield from container_training_faults(job, f"{path}.")
    if job.at(f"{path}.HyperParameterTuningResourceConfig") is None:
        yield from cluster_faults(job, f"{path}.ResourceConfig")
    keep_alive = f"{path}.ResourceConfig.KeepAlivePeriodInSeconds"
    if job.at(keep_alive) is not None:
        remedy = "Leave it out: SageMaker blanks it in a tuning job"
        yield job.fault(keep_alive, "does nothing here", remedy)
    yield from _objective_faults(job, path, objective)
    yield from _range_faults(job, ranges)
    yield from _hyperparameter_faults(job, path, ranges)


def _objective_faults(job: Job, path: str, objective: str) -> Iterator[Fault]:
    yield from job.missing(f"{objective}.MetricName", "Name the metric to tune for")
    if job.at(f"{path}.AlgorithmSpecification.AlgorithmName") is not None:
        return  # an algorithm resource brings its own metrics
    name = job.at(f"{objective}.MetricName")
    metrics = f"{path}.AlgorithmSpecification.MetricDefinitions"
    names = [text(item.get("Name")) for item in job.items(metrics)]
    if isinstance(name, str) and name not in names:
        remedy = f"Define it there. {choose(name, names)}"
        yield job.fault(
            f"{objective}.MetricName", f"{shown(name)} is not among MetricDefinitions", remedy
        )


def _range_faults(job: Job, path: str) -> Iterator[Fault]:
    ranges = mapping(job.at(path))
    count = sum(len(sequence(ranges.get(kind))) for kind in _KINDS)
    if count > _TUNABLE_LIMIT:
        yield job.fault(path, f"{count} tuned hyperparameters", f"{_TUNABLE_LIMIT} at most")
    if not count and not sequence(ranges.get("AutoParameters")):
        yield job.fault(path, "has no range", "Tune at least one hyperparameter")
    for kind in _KINDS:
        for index, item in enumerate(map(mapping, sequence(ranges.get(kind)))):
            place = f"{path}.{kind}[{index}]"
            if kind == "CategoricalParameterRanges":
                yield from _category_faults(job, place, item)
            else:
                yield from _bound_faults(job, place, item, kind == "IntegerParameterRanges")


def _category_faults(job: Job, path: str, item: dict[str, Any]) -> Iterator[Fault]:
    values = [value for value in sequence(item.get("Values")) if isinstance(value, str)]
    label = shown(item.get("Name"))
    for value in sorted({value for value in values if values.count(value) > 1}):
        yield job.fault(f"{path}.Values", f"{label} lists {value!r} twice", "Each only once")


def _bound_faults(job: Job, path: str, item: dict[str, Any], whole: bool) -> Iterator[Fault]:
    texts = [item.get(name) for name in ("MinValue", "MaxValue")]
    if not all(isinstance(value, str) for value in texts):
        return  # absent or an expression: the shape check's business
    label = shown(item.get("Name"))
    bounds = [_parse(str(value), whole) for value in texts]
    low, high = bounds
    if low is None or high is None:
        kind = "whole numbers" if whole else "finite numbers"
        problem = f"{label} has bounds {texts[0]!r} and {texts[1]!r}"
        yield job.fault(path, problem, f"Both must be {kind}, as text")
        return
    if low >= high:
        problem = f"{label} has MinValue {texts[0]} and MaxValue {texts[1]}"
        yield job.fault(path, problem, "MinValue must be below MaxValue")
    yield from _scaling_faults(job, path, item, (low, high, whole))


def _parse(value: str, whole: bool) -> float | None:
    try:
        number = int(value) if whole else float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _scaling_faults(
    job: Job, path: str, item: dict[str, Any], bounds: tuple[float, float, bool]
) -> Iterator[Fault]:
    low, high, whole = bounds
    label, place = shown(item.get("Name")), f"{path}.ScalingType"
    if item.get("ScalingType") == "Logarithmic" and low <= 0:
        yield job.fault(place, f"{label} begins at {low:g}", "Logarithmic needs MinValue above 0")
    if item.get("ScalingType") != "ReverseLogarithmic":
        return
    if whole:
        remedy = "ReverseLogarithmic is for continuous ranges"
        yield job.fault(place, f"{label} is an integer range", remedy)
    elif low < 0 or high >= 1:
        problem = f"{label} goes from {low:g} to {high:g}"
        yield job.fault(place, problem, "ReverseLogarithmic needs a range within [0, 1)")


def _hyperparameter_faults(job: Job, path: str, ranges: str) -> Iterator[Fault]:
    static = mapping(job.at(f"{path}.StaticHyperParameters"))
    spans = mapping(job.at(ranges))
    tuned = [
        text(mapping(item).get("Name")) for kind in _KINDS for item in sequence(spans.get(kind))
    ]
    for name in sorted({name for name in tuned if name and tuned.count(name) > 1}):
        yield job.fault(ranges, f"{name!r} has more than one range", "Give it one")
    for name in sorted(static.keys() & set(tuned)):
        place = f"{path}.StaticHyperParameters.{name}"
        yield job.fault(place, "is tuned as well", "Make it static or tuned")
    total = len(static) + len(tuned)
    if total > _HYPERPARAMETER_LIMIT:
        yield job.fault(
            f"{path}.StaticHyperParameters",
            f"{total} hyperparameters, static and tuned",
            f"{_HYPERPARAMETER_LIMIT} at most",
        )
