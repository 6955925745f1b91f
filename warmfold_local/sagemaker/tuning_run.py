"""One tuning job, executed: keep as many trials running as allowed, until there is enough."""

import hashlib
import queue
import time
from dataclasses import dataclass, field
from typing import Any

from warmfold_local.errors import ServiceError, ValidationError
from warmfold_local.sagemaker.failures import JobFailed
from warmfold_local.sagemaker.jobs import Final, Job
from warmfold_local.sagemaker.tags import tags_of
from warmfold_local.sagemaker.training import start_training, stop_training
from warmfold_local.sagemaker.tuning_ranges import ParameterRange
from warmfold_local.sagemaker.tuning_search import Search, Suggestion
from warmfold_local.sagemaker.tuning_trials import Objective, Trial, not_improving, overview

# A tuning job fails once this many trials have ended and none has succeeded.
_ATTEMPTS_WITHOUT_SUCCESS = 5
_DETAILS = "Please take a look at the training job failures to get more details."

_POLL_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class TuningSpec:
    """A CreateHyperParameterTuningJob request, parsed and checked."""

    strategy: str
    objective: Objective
    ranges: tuple[ParameterRange, ...]
    max_trials: int
    parallel_trials: int
    max_runtime_seconds: float
    seed: int
    target: float | None
    patience: int | None
    definition: dict[str, Any]


@dataclass(eq=False)
class _Run:
    """A tuning job under way. Trials announce their end through ``ended``."""

    job: Job
    spec: TuningSpec
    search: Search
    trials: list[Trial] = field(default_factory=list)
    running: dict[str, Trial] = field(default_factory=dict)
    ended: "queue.SimpleQueue[Job]" = field(default_factory=queue.SimpleQueue)

    def show(self) -> None:
        with self.job.cloud.lock:
            self.job.update(**overview(self.trials), _trials=tuple(self.trials))

    def launch(self) -> None:
        suggestion = self.search.ask()
        request = trial_request(self.job, self.spec, len(self.trials) + 1, suggestion)
        try:
            trial_job = start_training(
                self.job.cloud,
                request,
                members={"TuningJobArn": self.job.arn},
                on_ended=self.ended.put,
            )
        except ServiceError as error:
            raise JobFailed(f"ClientError: {error.message}") from error
        trial = Trial(suggestion=suggestion, objective=self.spec.objective, job=trial_job)
        self.trials.append(trial)
        self.running[trial_job.name] = trial
        self.show()

    def collect(self, timeout_seconds: float) -> None:
        """Take in one trial's end, if one comes in time."""
        try:
            ended = self.ended.get(timeout=timeout_seconds)
        except queue.Empty:
            return
        trial = self.running.pop(ended.name)
        self.search.tell(trial.suggestion, trial.score)
        self.show()

    def stop_running(self) -> None:
        """Stop what runs and wait for it: a stopped tuning job leaves no trial behind."""
        for name in list(self.running):
            try:
                stop_training(self.job.cloud, name)
            except ValidationError:  # it has just ended, or somebody stops it already
                continue
        while self.running:
            self.collect(_POLL_SECONDS)

    def should_end(self, deadline: float) -> bool:
        return (
            self.job.stop_requested.is_set()
            or self.job.cloud.stopping.is_set()
            or time.monotonic() >= deadline
            or self.hopeless()
            or self.satisfied()
        )

    def hopeless(self) -> bool:
        ended = len(self.trials) - len(self.running)
        scored = any(trial.score is not None for trial in self.trials)
        return ended >= _ATTEMPTS_WITHOUT_SUCCESS and not scored

    def satisfied(self) -> bool:
        """Whether a completion criterion is met."""
        spec = self.spec
        if spec.patience is not None and not_improving(self.trials) >= spec.patience:
            return True
        scores = [trial.score for trial in self.trials if trial.score is not None]
        target = spec.target
        return target is not None and any(not spec.objective.better(target, s) for s in scores)


def run_tuning(job: Job) -> Final:
    """Raises ``JobFailed``; whatever ends the job, no trial runs on."""
    spec: TuningSpec = job.record["_spec"]
    search = Search(
        spec.ranges,
        strategy=spec.strategy,
        maximize=spec.objective.maximize,
        trials=spec.max_trials,
        seed=spec.seed,
    )
    run = _Run(job, spec, search)
    try:
        _keep_busy(run)
    finally:
        run.stop_running()
    if job.stop_requested.is_set() or job.cloud.stopping.is_set():
        return Final("Stopped")
    if run.hopeless():
        raise JobFailed(
            f"No training job succeeded after {_ATTEMPTS_WITHOUT_SUCCESS} attempts. {_DETAILS}"
        )
    if not any(trial.score is not None for trial in run.trials):
        raise JobFailed(f"All training jobs failed. {_DETAILS}")
    return Final("Completed")


def _keep_busy(run: _Run) -> None:
    deadline = time.monotonic() + run.spec.max_runtime_seconds
    while not run.should_end(deadline):
        room = run.spec.parallel_trials - len(run.running)
        if room > 0 and len(run.trials) < run.spec.max_trials:
            run.launch()
        elif run.running:
            run.collect(_POLL_SECONDS)
        else:
            return


def trial_request(
    job: Job, spec: TuningSpec, number: int, suggestion: Suggestion
) -> dict[str, Any]:
    """The CreateTrainingJob request of a trial; ``number`` counts from 1."""
    suffix = hashlib.sha256(f"{job.arn}/{number}".encode()).hexdigest()[:8]
    tags = tags_of(job.cloud, job.arn)
    return {
        **training_members(spec.definition),
        "TrainingJobName": f"{job.name}-{number:03d}-{suffix}",
        "HyperParameters": {
            **spec.definition.get("StaticHyperParameters", {}),
            **suggestion.hyperparameters,
            "_tuning_objective_metric": spec.objective.metric,
        },
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }


def training_members(definition: dict[str, Any]) -> dict[str, Any]:
    """What a training job takes over from its tuning job's definition.

    A keep-alive period is left out: nothing shows that a tuning job's definition can set one.
    """
    own = ("DefinitionName", "TuningObjective", "HyperParameterRanges", "StaticHyperParameters")
    members = {key: value for key, value in definition.items() if key not in own}
    resources = members.pop("HyperParameterTuningResourceConfig", None)
    resources = members.get("ResourceConfig", {}) if resources is None else resources
    members["ResourceConfig"] = {
        key: value for key, value in resources.items() if key != "KeepAlivePeriodInSeconds"
    }
    return members
