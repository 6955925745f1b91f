"""A CreateHyperParameterTuningJob request, parsed and checked before anything runs.

One TrainingJobDefinition takes its objective and ranges from the job's configuration; each of
several TrainingJobDefinitions (up to ten) brings its own, and the objectives must have one type:
the best trial is chosen over all of them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from warmfold_local.errors import ServiceError, ValidationError
from warmfold_local.sagemaker.tuning_criteria import Criteria
from warmfold_local.sagemaker.tuning_ranges import ParameterRange, parse_ranges
from warmfold_local.sagemaker.tuning_search import (
    GridSearch,
    Prior,
    Resource,
    Search,
    Searcher,
    default_seed,
)
from warmfold_local.sagemaker.tuning_trials import Objective

OPERATION = "CreateHyperParameterTuningJob"

# "Maximum number of training jobs per hyperparameter tuning job: 750", Random: 10,000, and
# parallel ones 100 (developer guide, "Resource Limits for Automatic Model Tuning").
_MOST_TRIALS, _MOST_RANDOM_TRIALS, _MOST_PARALLEL_TRIALS = 750, 10_000, 100
_HYPERPARAMETER_LIMIT = 100

# "attempts to infer MaxResource from the following keys (if present) in StaticsHyperParameters
# … The maximum value is 20,000 epochs" (API reference, HyperbandStrategyConfig).
_EPOCH_KEYS = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
_MOST_EPOCHS = 20_000


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One HyperParameterTrainingJobDefinition; ``name`` is None for an only one without any."""

    name: str | None
    members: dict[str, Any]
    objective: Objective
    ranges: tuple[ParameterRange, ...]
    resource: Resource | None
    priors: tuple[Prior, ...] = ()

    @property
    def tuned(self) -> frozenset[str]:
        return frozenset(item.name for item in self.ranges)

    @property
    def combinations(self) -> float:
        return math.prod(item.combinations for item in self.ranges)


@dataclass(frozen=True, kw_only=True)
class TuningSpec:
    """A whole tuning job. ``max_runtime_seconds`` is infinite without a limit."""

    strategy: str
    definitions: tuple[Definition, ...]
    max_trials: int
    parallel_trials: int
    max_runtime_seconds: float
    seed: int
    criteria: Criteria
    stops_early: bool

    def searchers(self) -> list[Searcher]:
        """One search for each definition; the seeds of several differ."""
        if self.strategy == "Grid":
            return [GridSearch(definition.ranges) for definition in self.definitions]
        share = math.ceil(self.max_trials / len(self.definitions))
        return [
            Search(
                definition.ranges,
                strategy=self.strategy,
                maximize=definition.objective.maximize,
                trials=share,
                seed=self.seed + number,
                resource=definition.resource,
                priors=definition.priors,
            )
            for number, definition in enumerate(self.definitions)
        ]


def parse_spec(request: dict[str, Any]) -> TuningSpec:
    """Raises ``ValidationError``, ``ServiceError`` for a limit, or ``UnsupportedOperation``."""
    _check_supported(request)
    config = request["HyperParameterTuningJobConfig"]
    limits, strategy = config["ResourceLimits"], config["Strategy"]
    _check_strategy(config)
    definitions = _definitions(request)
    if len({definition.objective.maximize for definition in definitions}) > 1:
        raise ValidationError(
            "The objectives of all training job definitions must have the same Type."
        )
    return TuningSpec(
        strategy=strategy,
        definitions=definitions,
        max_trials=_max_trials(strategy, limits.get("MaxNumberOfTrainingJobs"), definitions),
        parallel_trials=_within(
            "Maximum number of parallel training jobs per hyperparameter tuning job",
            limits["MaxParallelTrainingJobs"],
            _MOST_PARALLEL_TRIALS,
        ),
        max_runtime_seconds=float(limits.get("MaxRuntimeInSeconds", math.inf)),
        seed=config.get("RandomSeed", default_seed(request["HyperParameterTuningJobName"])),
        criteria=Criteria.parsed(config.get("TuningJobCompletionCriteria", {})),
        stops_early=config.get("TrainingJobEarlyStoppingType", "Off") == "Auto",
    )


def objective_of(
    config: Mapping[str, Any], members: Mapping[str, Any], *, several: bool = False
) -> Objective:
    """The objective of a definition: its own, or the job's if it is the only one."""
    job = None if several else config.get("HyperParameterTuningJobObjective")
    values = members.get("TuningObjective") if job is None else job
    if values is None:
        place = "a TuningObjective of its own for each definition" if several else "of the job"
        raise ValidationError(f"A HyperParameterTuningJobObjective is required: {place}.")
    return Objective(values["MetricName"], values["Type"] == "Maximize")


def ranges_of(
    config: Mapping[str, Any], members: Mapping[str, Any], *, several: bool = False
) -> dict[str, Any]:
    """The request's ranges of a definition: its own, or the job's if it is the only one."""
    own: dict[str, Any] = members.get("HyperParameterRanges") or {}
    return own if several or own else config.get("ParameterRanges") or {}


def check_within_limit(jobs: int) -> None:
    """``jobs`` training jobs of one tuning job, with those of its parents."""
    _within("Maximum number of training jobs per hyperparameter tuning job", jobs, _MOST_TRIALS)


def _check_supported(request: dict[str, Any]) -> None:
    one, several = request.get("TrainingJobDefinition"), request.get("TrainingJobDefinitions")
    if (one is None) == (several is None):
        raise ValidationError(
            "A tuning job needs either a TrainingJobDefinition or TrainingJobDefinitions."
        )
    for definition in several or [one]:
        _check_resources(definition.get("HyperParameterTuningResourceConfig") or {})


def _check_resources(resources: dict[str, Any]) -> None:
    """ "If you use InstanceConfigs, do not provide values for InstanceType, VolumeSizeInGB or
    InstanceCount" (API reference, HyperParameterTuningResourceConfig)."""
    single = {"InstanceType", "InstanceCount", "VolumeSizeInGB"} & resources.keys()
    if resources.get("InstanceConfigs") and single:
        raise ValidationError(
            f"HyperParameterTuningResourceConfig has InstanceConfigs: {', '.join(sorted(single))} "
            "must be absent."
        )


def _check_strategy(config: dict[str, Any]) -> None:
    strategy = config["Strategy"]
    if strategy == "Hyperband" and config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        raise ValidationError("TrainingJobEarlyStoppingType must be Off to use Hyperband.")
    if strategy != "Hyperband" and config.get("StrategyConfig"):
        raise ValidationError(
            f"StrategyConfig is for the Hyperband strategy only, and the strategy is {strategy}."
        )


def _definitions(request: dict[str, Any]) -> tuple[Definition, ...]:
    config, several = request["HyperParameterTuningJobConfig"], "TrainingJobDefinitions" in request
    if not several:
        return (_definition(config, request["TrainingJobDefinition"], several=False),)
    for member in ("ParameterRanges", "HyperParameterTuningJobObjective"):
        if config.get(member):
            raise ValidationError(
                f"With TrainingJobDefinitions each definition has its own ranges and objective: "
                f"HyperParameterTuningJobConfig.{member} must be absent."
            )
    names = [item.get("DefinitionName") for item in request["TrainingJobDefinitions"]]
    if None in names or len(set(names)) != len(names):
        raise ValidationError("Each of TrainingJobDefinitions needs a DefinitionName of its own.")
    members = request["TrainingJobDefinitions"]
    return tuple(_definition(config, item, several=True) for item in members)


def _definition(config: dict[str, Any], members: dict[str, Any], *, several: bool) -> Definition:
    static = members.get("StaticHyperParameters", {})
    ranges = parse_ranges(ranges_of(config, members, several=several), static)
    if len(ranges) + len(static) + 1 > _HYPERPARAMETER_LIMIT:
        raise ValidationError(
            f"A training job takes at most {_HYPERPARAMETER_LIMIT} hyperparameters."
        )
    if config["Strategy"] == "Grid" and not all(item.values for item in ranges):
        raise ValidationError(
            "Only categorical parameters are supported when using the Grid strategy."
        )
    return Definition(
        name=members.get("DefinitionName"),
        members=members,
        objective=_checked_objective(objective_of(config, members, several=several), members),
        ranges=ranges,
        resource=_resource(config, static) if config["Strategy"] == "Hyperband" else None,
    )


def _checked_objective(objective: Objective, members: dict[str, Any]) -> Objective:
    """The objective must be among the metric definitions of the user's own algorithm."""
    metrics = members["AlgorithmSpecification"].get("MetricDefinitions", [])
    if objective.metric not in [metric["Name"] for metric in metrics]:
        raise ValidationError(
            "A metric is required for this hyperparameter tuning job objective. Provide a metric "
            f"in the metric definitions: {objective.metric!r} is none of them."
        )
    return objective


def _resource(config: dict[str, Any], static: dict[str, str]) -> Resource:
    asked = (config.get("StrategyConfig") or {}).get("HyperbandStrategyConfig") or {}
    inferred = (static[key] for key in _EPOCH_KEYS if static.get(key, "").isdecimal())
    most = int(asked.get("MaxResource", next(inferred, 0)))
    least = asked.get("MinResource", 1)
    if most == 0:
        raise ValidationError(
            "Hyperband needs HyperbandStrategyConfig.MaxResource, or one of the static "
            f"hyperparameters {', '.join(_EPOCH_KEYS)} to infer it from."
        )
    if not least <= most <= _MOST_EPOCHS:
        raise ValidationError(
            f"HyperbandStrategyConfig needs MinResource ≤ MaxResource ≤ {_MOST_EPOCHS}: they are "
            f"{least} and {most}."
        )
    return Resource(least=least, most=most)


def _max_trials(strategy: str, asked: int | None, definitions: tuple[Definition, ...]) -> int:
    """ "Should equal the total number of distinct categorical combinations" for Grid; else at
    most as many as there are combinations (developer guide, "How … tuning works")."""
    combinations = sum(definition.combinations for definition in definitions)
    if strategy == "Grid" and asked is not None and asked != combinations:
        raise ValidationError(
            f"MaxNumberOfTrainingJobs is {asked}: with the Grid strategy it must equal the number "
            f"of distinct categorical combinations, {combinations:.0f}, or be absent."
        )
    if asked is not None and asked > combinations:
        raise ValidationError(
            "You don't have enough combinations of hyperparameter ranges. The total number of "
            f"hyperparameter combinations for the provided ranges [{combinations:.1f}] must be "
            f"equal or greater than the value of MaxNumberOfJobs, [{asked}]. Provide additional "
            "ranges."
        )
    limit = _MOST_RANDOM_TRIALS if strategy == "Random" else _MOST_TRIALS
    if asked is None:
        asked = int(combinations if strategy == "Grid" else min(combinations, _MOST_TRIALS))
    what = "Maximum number of training jobs per hyperparameter tuning job"
    return _within(what, asked, limit)


def _within(what: str, asked: int, limit: int) -> int:
    if asked > limit:
        raise ServiceError(
            "ResourceLimitExceeded",
            f"The account-level service limit '{what}' is {limit}, and the request asks for "
            f"{asked}.",
        )
    return asked
