"""What a pipeline is made of: settings (``*Spec``) and references to deployed things (``*Refs``).

Specs are checked when they are made, as far as it takes no knowledge of AWS's shapes; the rest is
``warmfold.pipeline.validate``'s, on the finished definition. Refs may be CDK tokens, so their
content is not looked at here.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from warmfold.errors import WarmfoldError
from warmfold_contract.hyperparameters import PLATFORM_KEYS
from warmfold_contract.metrics import metric_definitions

# Metric -> the direction of tuning and of the gate.
METRIC_DIRECTIONS: Mapping[str, Literal["Maximize", "Minimize"]] = {
    "auc": "Maximize",
    "gini": "Maximize",
    "ks": "Maximize",
    "pr_auc": "Maximize",
    "log_loss": "Minimize",
    "brier": "Minimize",
}

# AWS allows 63 characters in a SageMaker model's name; ours is
# warmfold-{environment}-{model}-v{version}, which leaves 38 with "staging" and 6 digits.
MODEL_NAME_LIMIT = 38
# A step's name has at most 64 characters, and ours is Tune-{candidate}.
CANDIDATE_NAME_LIMIT = 59
# SageMaker allows 40 metrics a job ("MetricDefinitions"); five are not a fold's.
MAX_FOLDS = 40 - (len(metric_definitions(2)) - 2)
_MODEL_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CANDIDATE_NAME = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")

# Families with local NVMe storage, for which SageMaker refuses a volume key of ours: the disk is
# encrypted by its own hardware (API reference, ResourceConfig.VolumeKmsKeyId).
_INSTANCE_STORAGE = re.compile(
    r"ml\.([a-z]+\d+[a-z]*d[a-z]*|g4dn|g5|g6|g6e|gr6|p4de?|p5\w*|trn1n?)\."
)


class SpecError(WarmfoldError):
    """Settings that no pipeline can be made of; the message lists every fault."""

    def __init__(self, what: str, faults: Iterable[str]) -> None:
        super().__init__("\n".join(f"{what}: {fault}" for fault in faults))


def has_instance_storage(instance_type: str) -> bool:
    """Whether SageMaker refuses a ``VolumeKmsKeyId`` for this instance type."""
    return _INSTANCE_STORAGE.match(instance_type) is not None


@dataclass(frozen=True, kw_only=True)
class Compute:
    """The machines of one job. ``max_runtime_seconds`` has no meaning for a transform."""

    instance_type: str
    instance_count: int = 1
    volume_gib: int = 10
    max_runtime_seconds: int = 3600

    def __post_init__(self) -> None:
        numbers = {
            "instance_count": self.instance_count,
            "volume_gib": self.volume_gib,
            "max_runtime_seconds": self.max_runtime_seconds,
        }
        faults = [f"{name} is {n}: must be 1 or more" for name, n in numbers.items() if n < 1]
        if not self.instance_type.startswith("ml."):
            faults.append(f"instance_type is {self.instance_type!r}: SageMaker's begin with 'ml.'")
        _refuse("compute", faults)


@dataclass(frozen=True, kw_only=True)
class Range:
    """A tuned hyperparameter: two bounds (both included) or a list of ``values``."""

    kind: Literal["continuous", "integer", "categorical"]
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()
    scaling: str = "Auto"

    def __post_init__(self) -> None:
        check = _categorical_faults if self.kind == "categorical" else _numeric_faults
        _refuse(f"{self.kind} range", check(self))


def _categorical_faults(span: Range) -> list[str]:
    faults = []
    if not 1 <= len(span.values) <= 30:
        faults.append(f"{len(span.values)} values: SageMaker takes 1 to 30")
    if len(set(span.values)) != len(span.values):
        faults.append(f"values {span.values} repeat one: name each once")
    if span.minimum is not None or span.maximum is not None:
        faults.append("has minimum or maximum: only 'values' belong here")
    return faults


def _numeric_faults(span: Range) -> list[str]:
    if span.values:
        return ["has values: only minimum and maximum belong here"]
    if span.minimum is None or span.maximum is None:
        return ["needs both minimum and maximum"]
    if not (math.isfinite(span.minimum) and math.isfinite(span.maximum)):
        return [f"{span.minimum} to {span.maximum}: both must be finite"]
    faults = _scaling_faults(span, span.minimum, span.maximum)
    if span.minimum >= span.maximum:
        faults.append(f"minimum {span.minimum} is not below maximum {span.maximum}: swap them")
    if span.kind == "integer" and (span.minimum % 1 or span.maximum % 1):
        faults.append(f"{span.minimum} to {span.maximum}: both must be whole numbers")
    return faults


def _scaling_faults(span: Range, minimum: float, maximum: float) -> list[str]:
    if span.scaling not in ("Auto", "Linear", "Logarithmic", "ReverseLogarithmic"):
        return [f"scaling {span.scaling!r}: use Auto, Linear, Logarithmic or ReverseLogarithmic"]
    if span.scaling == "Logarithmic" and minimum <= 0:
        return [f"minimum {minimum} with Logarithmic scaling: must be above 0"]
    if span.scaling == "ReverseLogarithmic":
        if span.kind != "continuous":
            return ["ReverseLogarithmic scaling: only for a continuous range"]
        if minimum < 0 or maximum >= 1:
            return [f"{minimum} to {maximum} with ReverseLogarithmic scaling: must be in [0, 1)"]
    return []


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One competitor: an algorithm, its fixed hyperparameters and the tuned ones' ranges."""

    name: str
    algorithm: str
    static: Mapping[str, str]
    ranges: Mapping[str, Range]

    def __post_init__(self) -> None:
        faults = []
        if not _CANDIDATE_NAME.fullmatch(self.name) or len(self.name) > CANDIDATE_NAME_LIMIT:
            faults.append(
                f"its name must be letters, digits and single hyphens, {CANDIDATE_NAME_LIMIT} "
                "characters at most"
            )
        if not 1 <= len(self.ranges) <= 30:
            faults.append(f"tunes {len(self.ranges)} hyperparameters: SageMaker takes 1 to 30")
        total = len(self.static) + len(self.ranges) + len(PLATFORM_KEYS)
        if total > 100:
            faults.append(f"has {total} hyperparameters with the platform's: 100 at most")
        twice = self.static.keys() & self.ranges.keys()
        faults += [f"{name} is both static and tuned: remove one" for name in sorted(twice)]
        ours = (self.static.keys() | self.ranges.keys()) & set(PLATFORM_KEYS)
        faults += [f"{name} is the platform's own: rename or remove it" for name in sorted(ours)]
        _refuse(f"candidate {self.name!r}", faults)


@dataclass(frozen=True, kw_only=True)
class PipelineSpec:
    """The training pipeline of one model.

    ``minimum_score`` is the gate on the hold-out: a floor for a metric that is maximised, a
    ceiling for one that is minimised. ``strategy`` is SageMaker's tuning strategy.
    """

    model: str
    folds: int
    holdout_fraction: float
    seed: int
    metric: str
    candidates: tuple[Candidate, ...]
    strategy: str = "Bayesian"
    max_trials: int
    parallel_trials: int
    minimum_score: float
    processing: Compute
    trial: Compute
    final: Compute
    evaluation: Compute
    transform: Compute
    realtime_instance_types: tuple[str, ...]

    def __post_init__(self) -> None:
        faults = [*_data_faults(self), *_tuning_faults(self)]
        if not self.realtime_instance_types:
            faults.append("realtime_instance_types is empty: name the types an endpoint may have")
        _refuse(f"pipeline of model {self.model!r}", faults)

    @property
    def direction(self) -> Literal["Maximize", "Minimize"]:
        """Which way the metric is better."""
        return METRIC_DIRECTIONS[self.metric]


def _data_faults(spec: PipelineSpec) -> list[str]:
    faults = _model_faults(spec.model)
    if not 2 <= spec.folds <= MAX_FOLDS:
        faults.append(f"folds is {spec.folds}: must be 2 to {MAX_FOLDS} (a metric each, 40 in all)")
    if not 0 < spec.holdout_fraction < 1:
        faults.append(f"holdout_fraction is {spec.holdout_fraction}: must be between 0 and 1")
    if not 0 <= spec.seed < 2**31:
        faults.append(f"seed is {spec.seed}: must be 0 to {2**31 - 1}")
    if not math.isfinite(spec.minimum_score):
        faults.append(f"minimum_score is {spec.minimum_score}: must be a finite number")
    return faults


def _tuning_faults(spec: PipelineSpec) -> list[str]:
    faults = []
    names = [candidate.name for candidate in spec.candidates]
    if not names or len(set(names)) != len(names):
        faults.append(f"candidates {names}: at least one, each name once")
    if spec.metric not in METRIC_DIRECTIONS:
        faults.append(f"metric {spec.metric!r}: use one of {', '.join(METRIC_DIRECTIONS)}")
    if spec.strategy not in ("Bayesian", "Random"):
        faults.append(f"strategy {spec.strategy!r}: use Bayesian or Random")
    if not 1 <= spec.parallel_trials <= spec.max_trials:
        faults.append(
            f"parallel_trials is {spec.parallel_trials}: must be 1 to max_trials "
            f"({spec.max_trials})"
        )
    return faults


@dataclass(frozen=True, kw_only=True)
class Refs:
    """What the training pipeline refers to: literals, or CDK tokens."""

    trainer_image: str
    server_image: str
    processing_role_arn: str
    trial_role_arn: str
    final_training_role_arn: str
    model_role_arn: str
    kms_key_arn: str
    bucket_name: str
    best_training_job_function_arn: str
    model_package_group_name: str


@dataclass(frozen=True, kw_only=True)
class ScoringSpec:
    """The batch scoring pipeline of one model."""

    model: str
    transform: Compute

    def __post_init__(self) -> None:
        _refuse(f"scoring pipeline of model {self.model!r}", _model_faults(self.model))


@dataclass(frozen=True, kw_only=True)
class ScoringRefs:
    """What the scoring pipeline refers to: literals, or CDK tokens."""

    kms_key_arn: str
    bucket_name: str
    publish_function_arn: str


def _model_faults(model: str) -> list[str]:
    if _MODEL_NAME.fullmatch(model) and len(model) <= MODEL_NAME_LIMIT:
        return []
    rule = "lower-case letters, digits and single hyphens"
    return [f"its name must be {rule}, {MODEL_NAME_LIMIT} characters at most"]


def _refuse(what: str, faults: list[str]) -> None:
    if faults:
        raise SpecError(what, faults)
