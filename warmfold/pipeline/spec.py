"""What a pipeline is made of: settings (``*Spec``) and references to deployed things (``*Refs``).

Specs are checked when they are made, as far as it takes no knowledge of AWS's shapes; the rest is
``warmfold.pipeline.validate``'s, on the finished definition. Refs may be CDK tokens, so their
content is not looked at here.
"""

import math
import re
from dataclasses import dataclass
from typing import Literal

from warmfold.pipeline.candidates import Candidate, FanOut, refuse
from warmfold_contract.errors import UserError
from warmfold_contract.metric_names import Direction, direction_of
from warmfold_contract.metrics import metric_definitions

Assignment = Literal["stratified", "grouped", "time"]

# AWS allows 63 characters in a SageMaker model's name; ours is
# warmfold-{environment}-{model}-v{version}, which leaves 38 with "staging" and 6 digits.
MODEL_NAME_LIMIT = 38
# SageMaker allows 40 metrics a job ("MetricDefinitions"); five are not a fold's.
MAX_FOLDS = 40 - (len(metric_definitions(2)) - 2)
# StopTrainingJob takes one call a second and a stopped job two minutes to end, so that more could
# not be stopped in time; the limit is the account's, and this pipeline's share may be all of it.
MAX_LIVE_FOLDS = 100
_MODEL_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

# Families with local NVMe storage, for which SageMaker refuses a volume key of ours: the disk is
# encrypted by its own hardware (API reference, ResourceConfig.VolumeKmsKeyId).
_INSTANCE_STORAGE = re.compile(
    r"ml\.([a-z]+\d+[a-z]*d[a-z]*|g4dn|g5|g6|g6e|gr6|p4de?|p5\w*|trn1n?)\."
)


def has_instance_storage(instance_type: str) -> bool:
    """Whether SageMaker refuses a ``VolumeKmsKeyId`` for this instance type."""
    return _INSTANCE_STORAGE.match(instance_type) is not None


@dataclass(frozen=True, kw_only=True)
class Compute:
    """The machines of one job. ``max_runtime_seconds`` has no meaning for a transform.

    ``spot_max_wait_seconds`` makes it spot capacity, for a search and the final model only:
    waiting and running together may take so long.
    """

    instance_type: str
    instance_count: int = 1
    volume_gib: int = 10
    max_runtime_seconds: int = 3600
    spot_max_wait_seconds: int | None = None

    def __post_init__(self) -> None:
        numbers = {
            "instance_count": self.instance_count,
            "volume_gib": self.volume_gib,
            "max_runtime_seconds": self.max_runtime_seconds,
        }
        faults = [f"{name} is {n}: must be 1 or more" for name, n in numbers.items() if n < 1]
        if not self.instance_type.startswith("ml."):
            faults.append(f"instance_type is {self.instance_type!r}: SageMaker's begin with 'ml.'")
        wait = self.spot_max_wait_seconds
        if wait is not None and wait < self.max_runtime_seconds:
            faults.append(
                f"spot_max_wait_seconds is {wait}: must be max_runtime_seconds "
                f"({self.max_runtime_seconds}) or more"
            )
        refuse("compute", faults)


@dataclass(frozen=True, kw_only=True)
class PipelineSpec:
    """The training pipeline of one model.

    ``minimum_score`` is the gate on the hold-out: a floor for a metric that is maximised, a
    ceiling for one that is minimised. ``strategy`` is SageMaker's tuning strategy. With
    ``engine`` in_job the whole search of a candidate is one training job on ``search``. ``racing``
    is how many standard errors behind the incumbent a trial stops, ``None`` for never. Without
    ``fan_out`` a trial trains its folds itself. With ``stops_when_converged`` a Bayesian search may
    end before ``max_trials``. ``project_direction`` belongs to a metric of the project's own.
    """

    model: str
    folds: int
    repeats: int = 1
    assignment: Assignment = "stratified"
    holdout_fraction: float
    seed: int
    metric: str
    project_direction: Direction | None = None
    candidates: tuple[Candidate, ...]
    engine: Literal["amt", "in_job"] = "amt"
    strategy: str = "Bayesian"
    racing: float | None = None
    fan_out: FanOut | None = None
    max_trials: int
    stops_when_converged: bool = False
    parallel_trials: int
    minimum_score: float
    processing: Compute
    trial: Compute
    search: Compute | None = None
    final: Compute
    evaluation: Compute
    transform: Compute
    realtime_instance_types: tuple[str, ...]

    def __post_init__(self) -> None:
        faults = [*_data_faults(self), *_tuning_faults(self), *_engine_faults(self)]
        faults += _spot_faults(self)
        if not self.realtime_instance_types:
            faults.append("realtime_instance_types is empty: name the types an endpoint may have")
        refuse(f"pipeline of model {self.model!r}", faults)

    @property
    def direction(self) -> Direction:
        """Which way the metric is better."""
        direction = direction_of(self.metric) or self.project_direction
        if direction is None:  # refused when the spec was made
            raise LookupError(f"metric {self.metric} has no direction")
        return direction

    @property
    def all_folds(self) -> int:
        """Folds of all repeats, each with a score of its own."""
        return self.folds * self.repeats

    @property
    def shares_scores(self) -> bool:
        """Whether trials, each a job of its own, read each other's fold scores from S3."""
        return self.engine == "amt" and self.racing is not None

    @property
    def isolated_trials(self) -> bool:
        """Whether trials run without network, because they call no AWS API."""
        return self.fan_out is None and not self.shares_scores


def _data_faults(spec: PipelineSpec) -> list[str]:
    faults = _model_faults(spec.model)
    if spec.folds < 2 or spec.repeats < 1 or spec.all_folds > MAX_FOLDS:
        faults.append(
            f"folds is {spec.folds}, repeats {spec.repeats}: 2 folds or more, and {MAX_FOLDS} of "
            "all repeats at most (a metric each, 40 in all)"
        )
    if spec.assignment == "time" and spec.repeats > 1:
        faults.append(f"repeats is {spec.repeats}: time orders rows in one way only, use 1")
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
    try:
        if direction_of(spec.metric) is None and spec.project_direction is None:
            faults.append(f"metric {spec.metric!r}: give its direction, Maximize or Minimize")
    except UserError as error:
        faults.append(str(error))
    if spec.strategy not in ("Bayesian", "Random"):
        faults.append(f"strategy {spec.strategy!r}: use Bayesian or Random")
    if spec.stops_when_converged and spec.strategy == "Random":
        faults.append("stops_when_converged with strategy Random, which never converges")
    if not 1 <= spec.parallel_trials <= spec.max_trials:
        faults.append(
            f"parallel_trials is {spec.parallel_trials}: must be 1 to max_trials "
            f"({spec.max_trials})"
        )
    return faults


def _engine_faults(spec: PipelineSpec) -> list[str]:
    faults = []
    if spec.engine not in ("amt", "in_job"):
        faults.append(f"engine {spec.engine!r}: use amt or in_job")
    if spec.engine == "in_job" and spec.search is None:
        faults.append("engine is in_job and search has no machine: give it one")
    if spec.engine == "in_job" and spec.fan_out is not None:
        faults.append("engine is in_job with fan_out: a search trains its folds itself")
    if spec.racing is not None and not (math.isfinite(spec.racing) and spec.racing > 0):
        faults.append(f"racing is {spec.racing}: must be a number above 0")
    if spec.fan_out is not None:
        live = spec.fan_out.folds_at_once * spec.parallel_trials * len(spec.candidates)
        if live > MAX_LIVE_FOLDS:
            faults.append(
                f"{live} fold jobs at once (folds_at_once x parallel_trials x candidates): "
                f"{MAX_LIVE_FOLDS} at most"
            )
    return faults


def _spot_faults(spec: PipelineSpec) -> list[str]:
    """Of the training jobs a trial may leave a warm pool, which AWS has no spot capacity for."""
    return [
        f"{name} has spot_max_wait_seconds: only search and final run on spot capacity"
        for name in ("processing", "trial", "evaluation", "transform")
        if getattr(spec, name).spot_max_wait_seconds is not None
    ]


@dataclass(frozen=True, kw_only=True)
class JobNetwork:
    """Subnets and security groups, by ids that may be CDK tokens.

    ``encrypt_between_instances`` encrypts what the machines of one job send each other, and
    belongs to what warm pools are matched by, so that all jobs have the same.
    """

    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]
    encrypt_between_instances: bool


@dataclass(frozen=True, kw_only=True)
class Refs:
    """What the training pipeline refers to: literals, or CDK tokens.

    Without ``network`` jobs and models are in no VPC of ours.
    """

    trainer_image: str
    server_image: str
    processing_role_arn: str
    trial_role_arn: str
    fold_role_arn: str | None = None
    final_training_role_arn: str
    model_role_arn: str
    kms_key_arn: str
    bucket_name: str
    best_training_job_function_arn: str
    model_package_group_name: str
    network: JobNetwork | None = None


@dataclass(frozen=True, kw_only=True)
class ScoringSpec:
    """The batch scoring pipeline of one model.

    The filters are JSONPath: what of a record the model is sent, and what of a record with its
    prediction is written.
    """

    model: str
    transform: Compute
    input_filter: str = "$"
    output_filter: str = "$"

    def __post_init__(self) -> None:
        refuse(f"scoring pipeline of model {self.model!r}", _model_faults(self.model))


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
