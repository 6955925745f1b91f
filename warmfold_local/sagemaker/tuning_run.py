"""One tuning job, executed: keep as many trials running as allowed, until there is enough."""

import queue
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from warmfold_local.errors import ServiceError, ValidationError
from warmfold_local.faults.hooks import throttle
from warmfold_local.sagemaker.failures import JobFailed
from warmfold_local.sagemaker.jobs import Final, Job
from warmfold_local.sagemaker.training import start_training, stop_training
from warmfold_local.sagemaker.tuning_criteria import (
    converged,
    in_order_of_end,
    worse_than_median,
)
from warmfold_local.sagemaker.tuning_launched import Launched, Refused, Turn, Value
from warmfold_local.sagemaker.tuning_requests import choices, trial_request
from warmfold_local.sagemaker.tuning_search import Suggestion
from warmfold_local.sagemaker.tuning_spec import Definition, TuningSpec
from warmfold_local.sagemaker.tuning_trials import STOPPED_BY_TUNING, StopCause, Trial

# A tuning job fails once this many trials have ended and none has succeeded.
_ATTEMPTS_WITHOUT_SUCCESS = 5
_DETAILS = "Please take a look at the training job failures to get more details."

_POLL_SECONDS = 0.1

# A trial that a quota or a rate refuses is asked for again, and while other trials run without end.
# How long the service goes on when none runs is not published: the limit is this cloud's own.
_PASSING = ("ResourceLimitExceeded", "ThrottlingException")
_RETRY_SECONDS = 1.0
REFUSED_LIMIT_SECONDS = 900.0


@dataclass(eq=False)
class _Run:
    """A tuning job under way. Trials announce values and their end through ``events``."""

    job: Job
    spec: TuningSpec
    launched: list[Launched] = field(default_factory=list)
    running: dict[str, Launched] = field(default_factory=dict)
    events: "queue.SimpleQueue[Value | Job]" = field(default_factory=queue.SimpleQueue)
    ended: int = 0
    timed_out: bool = False
    refused: Refused | None = None

    def __post_init__(self) -> None:
        self.turns = self._take_turns()

    def _take_turns(self) -> Iterator[Turn]:
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
        """Start one more trial; false if there is nothing left to try, or it is refused for now."""
        turn = next(self.turns, None) if self.refused is None else self.refused.turn
        if turn is None or (self.refused is not None and time.monotonic() < self.refused.again_at):
            return False
        definition, searcher, suggestion = turn
        request = trial_request(self.job, definition, len(self.launched) + 1, suggestion)
        try:
            throttle(self.job.cloud.faults, "CreateTrainingJob")
            trial_job = self._start(definition, suggestion, request)
        except ServiceError as error:
            self._postpone(turn, error)
            return False
        self.refused = None
        launched = Launched(
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

    def _start(
        self, definition: Definition, suggestion: Suggestion, request: dict[str, Any]
    ) -> Job:
        """On the first of the definition's ``InstanceConfigs`` that the quotas have room for."""
        *preferred, last = choices(definition.members)
        members = self._members(definition, suggestion)

        def start(resources: dict[str, Any]) -> Job:
            asked = {**request, "ResourceConfig": resources}
            cloud, tell = self.job.cloud, self.events.put
            return start_training(cloud, asked, members=members, on_ended=tell)

        for resources in preferred:
            try:
                return start(resources)
            except ServiceError as error:
                if error.code != "ResourceLimitExceeded":
                    raise
        return start(last)

    def _postpone(self, turn: Turn, error: ServiceError) -> None:
        """Raises ``JobFailed`` if the refusal does not pass, or has lasted too long."""
        now = time.monotonic()
        since = now if self.refused is None or self.running else self.refused.since
        if error.code not in _PASSING or now - since >= REFUSED_LIMIT_SECONDS:
            code = error.code if error.code in _PASSING else "ClientError"
            raise JobFailed(f"{code}: {error.message}") from error
        self.refused = Refused(turn=turn, since=since, again_at=now + _RETRY_SECONDS)

    def _members(self, definition: Definition, suggestion: Suggestion) -> dict[str, Any]:
        """Members of a trial's record beside those of any training job."""

        def watch(trial_job: Job, name: str, value: float) -> None:
            if name == definition.objective.metric:
                self.events.put(Value(trial_job.name, value, _attempt(trial_job)))

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
            if self.refused is not None:  # its instances may be what was missing
                self.refused = replace(self.refused, again_at=0.0)
            launched.searcher.tell(launched.suggestion, launched.trial.score)
            self._note_convergence()
        elif event.trial in self.running:
            launched = self.running[event.trial]
            launched.hears(event)
            cause = self._cause_to_stop(launched)
            if cause is not None:
                self._stop(launched, cause)

    def _cause_to_stop(self, launched: Launched) -> StopCause | None:
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

    def _below_median(self, launched: Launched) -> bool:
        """Only trials of the same definition are compared: other metrics have other scales."""
        earlier = [
            item.values
            for item in self.launched
            if item.definition is launched.definition and item.trial.status == "Completed"
        ]
        maximize = launched.definition.objective.maximize
        return worse_than_median(launched.values, earlier, maximize=maximize)

    def _stop(self, launched: Launched, cause: StopCause) -> None:
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
        if not run.running and run.refused is None:
            return
        run.collect(_POLL_SECONDS)


def _attempt(job: Job) -> int:
    """How often it started: a retry is "Starting" once more (API reference, RetryStrategy)."""
    transitions = job.record["SecondaryStatusTransitions"]
    return sum(transition["Status"] == "Starting" for transition in transitions)
