"""The settings of one environment: frozen, typed, and all of them required.

A field without a default must be in the file, so that no environment differs from another by
something that is not written down. The few optional ones (``None``, empty) belong to one kind of
value only, and ``checks`` refuses them where they have no meaning. Limits are those of the AWS
services; units are in the names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from config.rules import Above, Between, ChosenByPlan, Finite, Matches, NotEmpty, OneOf
from config.settings_alerts import Alerts
from config.settings_network import Network
from config.settings_serving import Delivery, InstanceType, Serving, TimeOfDay
from config.settings_sharing import Sharing, Upstream
from warmfold_contract.metric_names import Direction
from warmfold_contract.tasks import Task

# What CloudWatch Logs accepts as a retention, up to two years (PutRetentionPolicy).
LOG_RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731)

Name = Annotated[
    str,
    Matches(r"[a-z](-?[a-z0-9])*", "lower-case letters, digits and single hyphens, letter first"),
]
# Tuning is one step `Tune-{candidate}` each; SageMaker makes job names from step names.
CandidateName = Annotated[
    str,
    Matches(
        r"(?=.{1,20}\Z)[a-z](-?[a-z0-9])*", "at most 20 lower-case letters, digits and hyphens"
    ),
]
AlgorithmName = Annotated[
    str, Matches(r"[a-z][a-z0-9_-]{0,63}", "an algorithm of the trainer, such as lightgbm")
]
FeatureSetName = Annotated[
    str, Matches(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", "a feature set of the project, such as default")
]
PolicyArn = Annotated[
    str,
    Matches(
        # IAM: a path of 512 characters, and a name of 128.
        r"arn:[a-z-]+:iam::\d{12}:policy/([!-~]{0,510}/)?[\w+=,.@-]{1,128}",
        "the ARN of a managed policy",
    ),
]
RangeKind = Literal["continuous", "integer", "categorical"]
Scaling = Literal["Auto", "Linear", "Logarithmic", "ReverseLogarithmic"]


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Where the stacks live, and what all of them share."""

    account: Annotated[str, Matches(r"\d{12}", "the 12 digits of an AWS account, in quotes")]
    region: Annotated[str, Matches(r"[a-z]{2}(-[a-z]+)+-\d", "a region such as eu-west-1")]
    termination_protection: bool
    log_retention_days: Annotated[int, OneOf(LOG_RETENTION_DAYS)]
    # The qualifier given to `cdk bootstrap`; hnb659fds is the CDK's own default.
    bootstrap_qualifier: Annotated[str, Matches(r"[a-z0-9]{1,10}", "1 to 10 letters and digits")]
    tags: Mapping[str, str]
    network: Network
    # The managed policy that bounds every role of the environment, if the account wants one.
    permissions_boundary: PolicyArn | None = None


@dataclass(frozen=True, kw_only=True)
class Ci:
    """GitHub Actions' way into the account; without a repository there is none.

    ``creates_oidc_provider`` is false where the account has GitHub's identity provider already: an
    account holds one, for all its environments.
    """

    repository: Annotated[
        str,
        Matches(
            r"([A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100})?",
            "owner/name as on GitHub, or empty for none",
        ),
    ]
    creates_oidc_provider: bool


@dataclass(frozen=True, kw_only=True)
class Images:
    """``uri``: an image that CI pushed under its content hash. ``build``: built by `cdk deploy`."""

    source: Literal["uri", "build"]


@dataclass(frozen=True, kw_only=True)
class Storage:
    """``removable`` deletes buckets, keys and the model registry together with their stacks.

    The others say after how many days something expires: the bucket's access log, an object after
    it was replaced or deleted, inputs and predictions of the daily runs.
    """

    removable: bool
    access_log_retention_days: Annotated[int, Between(1, 3650)]
    noncurrent_version_retention_days: Annotated[int, Between(1, 3650)]
    batch_retention_days: Annotated[int, Between(1, 3650)]


@dataclass(frozen=True, kw_only=True)
class Data:
    """How rows are split, once and for all trials; ``holdout_fraction`` never reaches training.

    ``assignment``: at random with the target's distribution in each fold (stratified), with all
    rows of a group in one fold (grouped), or in the order of time. ``repeats`` assigns anew.
    """

    folds: Annotated[int, Between(2, 20)]
    repeats: Annotated[int, Between(1, 17)]
    assignment: Literal["stratified", "grouped", "time"]
    holdout_fraction: Annotated[float, Above(0, 1)]
    seed: Annotated[int, Between(0, 2**31 - 1)]


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """One search per candidate, each with these limits (SageMaker: 750 trials, 100 at once).

    ``engine``: a SageMaker tuning job (amt), or one training job that tries them all (in_job).
    ``racing`` stops a trial that falls so many standard errors behind the best; false never.
    With ``stops_when_converged`` a search ends when nothing is left to gain (in_job: what its model
    expects; amt: SageMaker's ConvergenceDetected).
    ``direction`` is for a metric of the project's own, ``project.<name>``.
    """

    metric: str
    engine: Annotated[Literal["amt", "in_job"], ChosenByPlan()]
    racing: bool | float
    strategy: Literal["Bayesian", "Random"]
    max_trials: Annotated[int, Between(1, 750)]
    stops_when_converged: bool
    parallel_trials: Annotated[int, Between(1, 100)]
    direction: Direction | None = None


@dataclass(frozen=True, kw_only=True)
class FanOut:
    """Folds as jobs of their own: how long their machines stay warm, how many run at once.

    With ``own_fold`` a trial trains its first fold itself, on its own machine.
    """

    keep_alive_seconds: Annotated[int, Between(0, 3600)]
    folds_at_once: Annotated[int, Between(1, 35)]
    own_fold: bool


@dataclass(frozen=True, kw_only=True)
class CrossValidation:
    """Where a trial's folds are trained: in its own job, or (fan_out) each in a job of its own."""

    strategy: Annotated[Literal["in_job", "fan_out"], ChosenByPlan()]
    fan_out: FanOut | None = None


@dataclass(frozen=True, kw_only=True)
class Range:
    """Bounds for a number, ``values`` for a category."""

    kind: RangeKind
    minimum: Annotated[float, Finite()] | None = None
    maximum: Annotated[float, Finite()] | None = None
    values: tuple[str, ...] = ()
    scaling: Scaling = "Auto"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An algorithm with its fixed and its searched hyperparameters.

    A regression candidate may compete on a 0/1 target. ``feature_set`` is ``default`` or one of
    the project's ``feature_sets``.
    """

    name: CandidateName
    algorithm: AlgorithmName
    task: Task
    feature_set: FeatureSetName
    static: Mapping[str, str | int | float]
    ranges: Annotated[Mapping[str, Range], NotEmpty()]


@dataclass(frozen=True, kw_only=True)
class Gate:
    """The hold-out score that a model must reach, or else it is registered as Rejected.

    For a metric that is better when smaller, it is the largest score allowed.
    """

    minimum_score: Annotated[float, Finite()]


@dataclass(frozen=True, kw_only=True)
class Compute:
    """The machines of one kind of job. ``max_runtime_seconds`` is billed at most (5 days)."""

    instance_type: InstanceType
    instance_count: Annotated[int, Between(1, 20)]
    volume_gib: Annotated[int, Between(1, 16384)]
    max_runtime_seconds: Annotated[int, Between(60, 432000)]


@dataclass(frozen=True, kw_only=True)
class SpotCompute(Compute):
    """Machines that may be spot capacity, which AWS can take away while the job runs.

    ``spot_max_wait_seconds`` covers waiting for capacity and running together; it is used with
    ``spot`` only.
    """

    spot: bool
    spot_max_wait_seconds: Annotated[int, Between(60, 864000)]


@dataclass(frozen=True, kw_only=True)
class Jobs:
    """Machines per step of the training pipeline. ``trial`` is one trial, or one of its folds.

    ``search`` is all trials of a candidate, needed with ``tuning.engine = "in_job"`` only.
    """

    processing: Compute
    trial: Compute
    final: SpotCompute
    evaluation: Compute
    transform: Compute
    search: SpotCompute | None = None


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What a model package says about itself."""

    realtime_instance_types: Annotated[tuple[InstanceType, ...], NotEmpty()]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The daily scoring run, at ``time`` (HH:MM) on the clock of ``time_zone``.

    The filters are JSONPath: what of a record the model is sent, and what of a record with its
    prediction is written. ``$`` is all of it.
    """

    time: TimeOfDay
    time_zone: str
    flexible_window_minutes: Annotated[int, Between(0, 1440)]
    input_filter: str
    output_filter: str
    compute: Compute


@dataclass(frozen=True, kw_only=True)
class Model:
    """One model: a project folder and everything that is trained, served and scored from it."""

    name: Name
    project: str
    data: Data
    tuning: Tuning
    cross_validation: CrossValidation
    candidates: Annotated[tuple[Candidate, ...], NotEmpty()]
    gate: Gate
    jobs: Jobs
    registration: Registration
    serving: Serving
    delivery: Delivery
    batch: Batch
    upstream: Upstream | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One environment. ``name`` comes from the file's name."""

    environment: Environment
    ci: Ci
    alerts: Alerts
    images: Images
    storage: Storage
    models: Annotated[tuple[Model, ...], NotEmpty()]
    sharing: Sharing | None = None
    name: str = field(default="", metadata={"in_file": False})
