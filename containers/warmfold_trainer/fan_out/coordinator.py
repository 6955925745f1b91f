"""A trial's folds as jobs: launched or adopted, watched, repeated, collected, stopped.

Invariants: a result is given for all folds or not at all; whatever ends a trial early, no job of
its folds is left running, or the log names it. The rest of the world (the API, the clock, chance)
is handed in, and waiting is yielded: see ``calls``.
"""

import logging
from dataclasses import dataclass, field
from functools import partial
from typing import Generic

from warmfold_contract.errors import UserError
from warmfold_trainer.fan_out.calls import Caller, CallError, FanOutError, Refusal, Waiting
from warmfold_trainer.fan_out.folds import (
    Fold,
    JobSummary,
    Places,
    State,
    is_service_failure,
    next_look,
)
from warmfold_trainer.fan_out.listing import listed
from warmfold_trainer.fan_out.names import fold_job_name, latest_attempts
from warmfold_trainer.fan_out.plan import Patience
from warmfold_trainer.fan_out.trial import Jobs, Result, Trial

LOGGER = logging.getLogger(__name__)

# A fold that SageMaker itself failed so often will not do better; nor will its trial.
ATTEMPTS = 4


@dataclass(eq=False)
class Coordinator(Generic[Result]):
    """``run`` once. ``stopping``: it is already ending its folds' jobs."""

    trial: Trial[Result]
    jobs: Jobs[Result]
    caller: Caller
    patience: Patience
    _results: dict[int, Result] = field(default_factory=dict)
    _reported: int = 0
    _warned: bool = False
    _refused_since: float | None = None
    _launch_after: float = 0.0
    _shortest: float | None = None
    stopping: bool = False

    def __post_init__(self) -> None:
        self._folds = [Fold(number=number) for number in range(1, self.trial.folds + 1)]
        self._places = Places(self.trial.wave, self.patience.pool_seconds)

    def run(self) -> Waiting[list[Result]]:
        """Results in fold order: of all folds, or of those that ``stops_here`` was content with.

        Raises ``FanOutError`` when a fold failed for good or a wait is over, and whatever is
        thrown in; before that, the jobs that still run are stopped.
        """
        try:
            yield from self._adopt()
            return (yield from self._to_the_end())
        except Exception:
            yield from self._stop_all()
            raise

    def _to_the_end(self) -> Waiting[list[Result]]:
        if self.trial.own is not None and self.trial.folds > 0:
            self._folds[0].state = State.DONE
            self.trial.own.start()
        while True:
            yield from self._launch()
            yield from self._wait()
            yield from self._look()
            if self._stopped_early():
                yield from self._stop_all()
                return self._in_order()
            if len(self._results) == self.trial.folds:
                return self._in_order()

    def _wait(self) -> Waiting[None]:
        """Until the next look or the own fold's end, which is asked for often: it costs no call."""
        left = self._until_next_look()
        while left > 0:
            step = min(left, self.patience.poll_seconds) if self._own_trains() else left
            yield step
            left = 0.0 if self._own_has_ended() else left - step

    def _until_next_look(self) -> float:
        look = next_look(self._folds, self._places, self._shortest, self._launch_after)
        wait = max(self.patience.poll_seconds, look - self.caller.clock())
        return self.caller.random.uniform(0.8, 1.2) * wait

    def _in_order(self) -> list[Result]:
        return [self._results[number] for number in range(1, self._reported + 1)]

    # --- launching

    def _adopt(self) -> Waiting[None]:
        """Take over what an earlier life of this trial left, the latest attempt of each fold."""
        jobs = yield from self._listed()
        for number, attempt in latest_attempts(self.trial.name, jobs).items():
            if number > self.trial.folds:
                continue
            fold = self._folds[number - 1]
            fold.attempt, fold.state, fold.since = attempt, State.LIVE, self.caller.clock()
            job = jobs[self._name(fold)]
            fold.stopped_before = job.status in ("Stopping", "Stopped")
            LOGGER.info("adopted %s (%s)", job.name, job.status)

    def _launch(self) -> Waiting[None]:
        """Create jobs in fold order while there are places."""
        for fold in self._folds:
            now = self.caller.clock()
            if now < self._launch_after or self._places.room(self._live()) < 1:
                return
            if fold.state is State.PENDING and fold.not_before <= now:
                yield from self._create(fold)

    def _create(self, fold: Fold) -> Waiting[None]:
        """Create the fold's job, unless a quota has no room.

        An answer may get lost after the service has done what was asked: from here on the job may
        exist, and the name makes sure that it exists once.
        """
        name = self._name(fold)
        fold.state, fold.since = State.LIVE, self.caller.clock()
        try:
            yield from self.caller.call(
                "CreateTrainingJob",
                partial(self.jobs.create, name, fold.number),
                within_seconds=self.patience.call_seconds,
            )
        except CallError as error:
            if error.refusal is Refusal.QUOTA:
                self._refused(fold, error)
                return
            if error.refusal is not Refusal.TAKEN:
                raise FanOutError(f"fold {fold.number} cannot be started: {error}") from error
            LOGGER.info("%s exists already, and is adopted", name)
        else:
            LOGGER.info("created %s", name)
        fold.since, self._refused_since = self.caller.clock(), None
        self._places.granted(self._live())

    def _refused(self, fold: Fold, error: CallError) -> None:
        """Fewer at once, and later; without a fold that runs, not for ever."""
        now = self.caller.clock()
        fold.state = State.PENDING
        live = self._live()
        self._places.refused(live)
        since = now if self._refused_since is None or live else self._refused_since
        self._refused_since = since
        if now - since >= self.patience.quota_seconds:
            quota = f"{self.trial.instance_type} for training job usage"
            raise FanOutError(
                f"no room in the account's quota {quota!r} for {now - since:.0f} s: {error}; raise "
                "the quota, or run fewer trials or folds at once"
            ) from error
        self._launch_after = now + self.caller.random.uniform(0.5, 1.5) * self.patience.poll_seconds
        LOGGER.info("%s: at most %d folds at once for now", error, max(1, live))

    # --- watching

    def _listed(self) -> Waiting[dict[str, JobSummary]]:
        return listed(self.caller, self.jobs, self.trial.name, self.patience.call_seconds)

    def _look(self) -> Waiting[None]:
        if not self._live() and not self._places.waiting:
            return
        jobs = yield from self._listed()
        now = self.caller.clock()
        self._places.look(jobs, now)
        for fold in self._folds:
            if fold.state is State.LIVE:
                yield from self._update(fold, jobs.get(self._name(fold)))

    def _update(self, fold: Fold, job: JobSummary | None) -> Waiting[None]:
        now = self.caller.clock()
        if job is None:
            if now - fold.since > self.patience.listing_seconds:
                fold.state = State.PENDING  # created again under the same name, or adopted
            return
        if job.live:
            return
        self._places.ended(job, now)
        if job.status == "Completed":
            yield from self._collect(fold, job)
        elif job.status == "Failed":
            yield from self._failed(fold, job)
        elif job.secondary_status == "MaxRuntimeExceeded":
            raise self._lost(fold, "ran into its MaxRuntimeInSeconds")
        elif fold.stopped_before:
            self._repeat(fold, "was stopped with its trial")
        else:
            raise self._lost(fold, f"was stopped from outside (status {job.status})")

    def _collect(self, fold: Fold, job: JobSummary) -> Waiting[None]:
        try:
            result = yield from self.caller.call(
                "GetObject",
                partial(self.jobs.result, job.name, fold.number),
                within_seconds=self.patience.call_seconds,
            )
        except CallError as error:
            raise self._lost(fold, f"completed, but its result cannot be read: {error}") from error
        except UserError as error:
            raise self._lost(fold, f"completed, but {error}") from error
        fold.state = State.DONE
        self._results[fold.number] = result
        took = self.caller.clock() - fold.since
        self._shortest = took if self._shortest is None else min(took, self._shortest)
        if self.trial.keeps_pools and job.pool is None and not self._warned:
            self._warned = True
            LOGGER.warning(
                "warm pools are not kept: %s left none although it asked for one, so folds start "
                "cold; is the quota %r 0, or used up?",
                job.name,
                f"{self.trial.instance_type} for training warm pool usage",
            )

    def _failed(self, fold: Fold, job: JobSummary) -> Waiting[None]:
        """Once more if the service failed; a list does not say why, so this fold is described."""
        try:
            reason = yield from self.caller.call(
                "DescribeTrainingJob",
                partial(self.jobs.failure_reason, job.name),
                within_seconds=self.patience.call_seconds,
            )
        except (CallError, FanOutError) as error:
            raise self._lost(fold, f"failed, for a reason that cannot be read: {error}") from error
        if not is_service_failure(reason):
            raise self._lost(fold, f"failed: {reason}")
        self._repeat(fold, f"failed: {reason}")

    def _repeat(self, fold: Fold, why: str) -> None:
        """The same fold under a new name; seed and split are the fold's, not the attempt's."""
        if fold.attempt + 1 >= ATTEMPTS:
            raise self._lost(fold, f"{why} (attempt {ATTEMPTS} of {ATTEMPTS})")
        LOGGER.warning("%s %s: once more", self._name(fold), why)
        longest = self.patience.repeat_seconds * 2**fold.attempt
        fold.again(self.caller.clock() + self.caller.random.uniform(0.0, longest))

    def _lost(self, fold: Fold, why: str) -> FanOutError:
        """Of a fold whose job has ended: there is nothing to stop."""
        fold.state = State.DONE
        return FanOutError(f"fold {fold.number} ({self._name(fold)}) {why}")

    def _own_trains(self) -> bool:
        return self.trial.own is not None and 1 not in self._results

    def _own_has_ended(self) -> bool:
        """Whether the own fold has ended since it was asked last; raises what it raised."""
        if self.trial.own is None or 1 in self._results:
            return False
        result = self.trial.own.result()
        if result is not None:
            self._results[1] = result
        return result is not None

    def _stopped_early(self) -> bool:
        """Asked of the folds in their order, whichever ended first: as in one process."""
        while self._reported < self.trial.folds and self._reported + 1 in self._results:
            self._reported += 1
            if self.trial.stops_here(self._in_order()):
                return True
        return False

    # --- stopping

    def _stop_all(self) -> Waiting[None]:
        """Ask every job that may run to stop; one that has ended says so, which is as good."""
        self.stopping = True
        if self.trial.own is not None:
            self.trial.own.cancel()
        begun = self.caller.clock()
        live = [fold for fold in self._folds if fold.state is State.LIVE]
        for fold in live:
            name = self._name(fold)
            within = self.patience.stop_seconds - (self.caller.clock() - begun)
            try:
                yield from self.caller.call(
                    "StopTrainingJob", partial(self.jobs.stop, name), within_seconds=within
                )
            except (CallError, FanOutError) as error:
                gone = isinstance(error, CallError) and error.refusal is Refusal.GONE
                if not gone:  # go on: of the others as many as possible
                    LOGGER.error("%s may run on, billed: %s", name, error)  # noqa: TRY400
            fold.state = State.PENDING

    def _live(self) -> int:
        return sum(fold.state is State.LIVE for fold in self._folds)

    def _name(self, fold: Fold) -> str:
        return fold_job_name(self.trial.name, fold.number, fold.attempt)
