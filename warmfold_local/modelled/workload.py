"""What is replayed: tuning jobs × trials × folds, on parallel slots, and under which limits."""

from dataclasses import dataclass

from warmfold_local.modelled.parameters import Parameter, ParameterError, Parameters
from warmfold_local.modelled.rates import DOCUMENTED

_OURS = "assumption of this model"
_RATES = "AWS general reference, SageMaker quotas; not adjustable"


def _own(name: str, value: float | str, unit: str, source: str = _OURS) -> Parameter:
    return Parameter(name=name, value=value, unit=unit, source=source, dated="2026-11")


WORKLOAD = (
    _own("tuning_jobs", 1, "jobs"),
    _own("parallel_tuning_jobs", 1, "jobs"),
    _own("trials", 40, "a tuning job"),
    _own("parallel_trials", 5, "a tuning job"),
    _own("folds", 1, "jobs a trial", f"{_OURS}: 1 trains in the trial's own job"),
    _own("train_seconds", 120, "s"),
    _own("tuning_job_overhead_seconds", 0, "s"),
    _own(
        "by_tuning_job",
        1,
        "(0 or 1)",
        f"{_OURS}: with 0 the caller starts the training jobs of each trial itself",
    ),
    _own(
        "amt_reuse",
        1,
        "(0 or 1)",
        "AWS blog on Best Egg (2023-01): tuning jobs reuse pools between their trials; no "
        "service document says how, so both are offered",
    ),
    _own("keep_alive_seconds", 600, "s", f"{_OURS}: of the jobs that a trial creates"),
    _own("warm_pool_quota", 100, "instances", f"{_OURS}: raised; AWS's own default is 0"),
    _own("training_quota", 100, "instances", f"{_OURS}: depends on type and account"),
    _own("quota_retry_seconds", 5, "s"),
    _own("poll_seconds", 10, "s", f"{_OURS}: a trial asks this often how its fold jobs are"),
    _own("create_rate", DOCUMENTED["CreateTrainingJob"], "calls/s", _RATES),
    _own("list_rate", DOCUMENTED["ListTrainingJobs"], "calls/s", _RATES),
    _own("instance_type", "ml.m5.xlarge", "", f"{_OURS}: the published texts name none"),
    _own("instance_count", 1, "instances"),
    _own("trial_instance_type", "ml.m5.large", "", f"{_OURS}: of a trial that creates fold jobs"),
)


@dataclass(frozen=True, kw_only=True)
class Workload:
    """The parameters of these names, checked. ``*_seconds`` are modelled seconds."""

    tuning_jobs: int
    parallel_tuning_jobs: int
    trials: int
    parallel_trials: int
    folds: int
    train_seconds: float
    tuning_job_overhead_seconds: float
    by_tuning_job: bool
    amt_reuse: bool
    keep_alive_seconds: int
    warm_pool_quota: int
    training_quota: int
    quota_retry_seconds: float
    poll_seconds: float
    create_rate: float
    list_rate: float
    instance_type: str
    instance_count: int
    trial_instance_type: str
    cold_start_seconds: float
    warm_start_seconds: float
    image_pull_seconds: float
    upload_seconds: float

    @property
    def fold_jobs(self) -> bool:
        """Whether jobs are created beside those of the tuning service."""
        return not self.by_tuning_job or self.folds > 1


def workload(parameters: Parameters) -> Workload:
    """Raises ``ParameterError`` for values with which nothing could ever end, or begin."""
    found: dict[str, bool | int | float | str] = {}
    for name, kind in Workload.__annotations__.items():
        parameter = parameters[name]
        if kind is str:
            found[name] = str(parameter.value)
        elif kind is float:
            found[name] = parameter.number
        else:
            found[name] = parameter.whole
    for name in _POSITIVE:
        if not float(found[name]) > 0:
            raise ParameterError(f"{name} must be above 0")
    for name in ("by_tuning_job", "amt_reuse"):
        if found[name] not in (0, 1):
            raise ParameterError(f"{name} must be 0 or 1")
    if float(found["training_quota"]) < float(found["instance_count"]):
        raise ParameterError("training_quota is smaller than instance_count: no job could start")
    if float(found["image_pull_seconds"]) > float(found["cold_start_seconds"]):
        raise ParameterError("image_pull_seconds is a part of cold_start_seconds, so not longer")
    return Workload(**found)  # type: ignore[arg-type]  # each is of its field's kind by now


_POSITIVE = (
    "tuning_jobs",
    "parallel_tuning_jobs",
    "trials",
    "parallel_trials",
    "folds",
    "quota_retry_seconds",
    "poll_seconds",
    "create_rate",
    "list_rate",
    "instance_count",
)
