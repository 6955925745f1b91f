"""One tuning job, executed: keep as many trials running as allowed, until there is enough."""

import queue
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from warmfold_local.errors import ServiceError, ValidationError
from warmfold_local.sagemaker.failures import JobFailed
from warmfold_local.sagemaker.jobs import Final, Job
from warmfold_local.sagemaker.training import start_training, stop_training
from warmfold_local.sagemaker.tuning_criteria import (
    converged,
    in_order_of_end,
    worse_than_median,
)
from warmfold_local.sagemaker.tuning_requests import trial_request
from warmfold_local.sagemaker.tuning_search import Searcher, Suggestion
from warmfold_local.sagemaker.tuning_spec import Definition, TuningSpec
from warmfold_local.sagemaker.tuning_trials import STOPPED_BY_TUNING, StopCause, Trial

# A tuning job fails once this many trials have ended and none has succeeded.
_ATTEMPTS_WITHOUT_SUCCESS = 5
_DETAILS = "Please take a look at the training job failures to get more details."

_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class _Value:
    """The objective of a running trial, once more; ``attempt`` counts its starts."""

    trial: str
    value: float
    attempt: int


@dataclass(eq=False, kw_only=True)
class _Launched:
    """A trial with its search, and its objective values of the current attempt, in order."""

    trial: Trial
    definition: Definition
    searcher: Searcher
    suggestion: Suggestion
    values: list[float] = field(default_factory=list)
    attempt: int = 0
    reported: int = 0
    told_to_stop: bool = False

    def hears(self, event: _Value) -> None:
        if event.attempt != self.attempt:  # it was started again, after an internal error
            self.values, self.attempt = [], event.attempt
        self.values.append(event.value)


@dataclass(eq=False)
class _Run:
    """A tuning job under way. Trials announce values and their end through ``events``."""

    job: Job
    spec: TuningSpec
    launched: list[_Launched] = field(default_factory=list)
    running: dict[str, _Launched] = field(default_factory=dict)
    events: "queue.SimpleQueue[_Value | Job]" = field(default_factory=queue.SimpleQueue)
    ended: int = 0
    timed_out: bool = False

    def __post_init__(self) -> None:
        self.turns = self._take_turns()

    def _take_turns(self) -> Iterator[tuple[Definition, Searcher, Suggestion]]:
        """What to try next, the definitions in turn, until every search has nothing left."""
        open_searches = list(zip(self.spec.definitions, self.spec.searchers(), strict=True))
        while open_searches:
            for definition, searcher in list(open_searches):
                suggestion = searcher.ask()
                if suggestion is None:
                    open_searches.remove((definition, searcher))
                else:
                    yield definition, searcher, suggestion

    @property
    def trials(self) -> list[Trial]:
        return [item.trial for item in self.launched]

    def launch(self) -> bool:
        """Start one more trial; false if there is nothing left to try."""
        turn = next(self.turns, None)
        if turn is None:
            return False
        definition, searcher, suggestion = turn
        request = trial_request(self.job, definition, len(self.launched) + 1, suggestion)
        try:
            trial_job = start_training(
                self.job.cloud,
                request,
                members=self._members(definition, suggestion),
                on_ended=self.events.put,
            )
        except ServiceError as error:
            raise JobFailed(f"ClientError: {error.message}") from error
        launched = _Launched(
            trial=Trial(trial_job.record, definition.objective),
            definition=definition,
            searcher=searcher,
            suggestion=suggestion,
        )
        self.launched.append(launched)
        self.running[trial_job.name] = launched
        with self.job.cloud.lock:
            self.job.update(_trials=(*self.job.record["_trials"], launched.trial))
        return True

    def _members(self, definition: Definition, suggestion: Suggestion) -> dict[str, Any]:
        """Members of a trial's record beside those of any training job."""

        def watch(trial_job: Job, name: str, value: float) -> None:
            if name == definition.objective.metric:
                self.events.put(_Value(trial_job.name, value, _attempt(trial_job)))

        members = {
            "TuningJobArn": self.job.arn,
            "TunedHyperParameters": dict(suggestion.hyperparameters),
            "_on_metric": watch,
        }
        own = {} if definition.name is None else {"TrainingJobDefinitionName": definition.name}
        return {**members, **own}

    def collect(self, timeout_seconds: float) -> None:
        """Take in one value or one trial's end, if one comes in time."""
        try:
            event = self.events.get(timeout=timeout_seconds)
        except queue.Empty:
            return
        if isinstance(event, Job):
            launched = self.running.pop(event.name)
            self.ended += 1
            launched.searcher.tell(launched.suggestion, launched.trial.score)
            self._note_convergence()
        elif event.trial in self.running:
            launched = self.running[event.trial]
            launched.hears(event)
            cause = self._cause_to_stop(launched)
            if cause is not None:
                self._stop(launched, cause)

    def _cause_to_stop(self, launched: _Launched) -> StopCause | None:
        epoch, value = len(launched.values), launched.values[-1]
        if launched.told_to_stop:
            return None
        if epoch > launched.reported:
            launched.reported = epoch
            if launched.searcher.hopeless(launched.suggestion, epoch, value):
                return "Early"
        resource = launched.definition.resource
        if resource is not None and epoch >= resource.most:
            return "MaxResource"
        if self.spec.stops_early and self._below_median(launched):
            return "Early"
        return None

    def _below_median(self, launched: _Launched) -> bool:
        """Only trials of the same definition are compared: other metrics have other scales."""
        earlier = [
            item.values
            for item in self.launched
            if item.definition is launched.definition and item.trial.status == "Completed"
        ]
        maximize = launched.definition.objective.maximize
        return worse_than_median(launched.values, earlier, maximize=maximize)

    def _stop(self, launched: _Launched, cause: StopCause) -> None:
        launched.told_to_stop = True
        record = launched.trial.record
        with self.job.cloud.lock:
            record[STOPPED_BY_TUNING] = cause
        try:
            stop_training(self.job.cloud, launched.trial.name)
        except ValidationError:  # it has just ended, or somebody stops it already
            with self.job.cloud.lock:
                del record[STOPPED_BY_TUNING]

    def _note_convergence(self) -> None:
        asked = self.spec.criteria.complete_on_convergence
        if (
            asked
            and "_converged" not in self.job.record
            and converged(in_order_of_end(self.trials))
        ):
            self.job.update(_converged=self.job.cloud.now())

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
        self.timed_out = time.monotonic() >= deadline
        return (
            self.job.stop_requested.is_set()
            or self.job.cloud.stopping.is_set()
            or self.timed_out
            or self.hopeless()
            or self.spec.criteria.met(self.trials)
        )

    def hopeless(self) -> bool:
        return self.ended >= _ATTEMPTS_WITHOUT_SUCCESS and not self.scored()

    def scored(self) -> bool:
        return any(trial.score is not None for trial in self.trials)


def run_tuning(job: Job) -> Final:
    """Raises ``JobFailed``; whatever ends the job, no trial runs on."""
    run = _Run(job, job.record["_spec"])
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
    if not run.scored():
        cause = "No training job ended within MaxRuntimeInSeconds."
        raise JobFailed(cause if run.timed_out else f"All training jobs failed. {_DETAILS}")
    return Final("Completed")


def _keep_busy(run: _Run) -> None:
    deadline = time.monotonic() + run.spec.max_runtime_seconds
    while not run.should_end(deadline):
        room = run.spec.parallel_trials - len(run.running)
        if room > 0 and len(run.launched) < run.spec.max_trials and run.launch():
            continue
        if not run.running:
            return
        run.collect(_POLL_SECONDS)


def _attempt(job: Job) -> int:
    """How often it started: a retry is "Starting" once more (API reference, RetryStrategy)."""
    transitions = job.record["SecondaryStatusTransitions"]
    return sum(transition["Status"] == "Starting" for transition in transitions)
