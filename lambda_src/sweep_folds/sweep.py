"""One round: which folds and pools are nobody's, and their end, as fast as SageMaker allows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sweep_folds.aws import Folds
from sweep_folds.logic import Job, Trial, has_ended, parent, stem

# Trials and folds of tuning jobs that a pipeline's step started, `Tune-{candidate}`.
_OF_TUNING = "-Tune-"
_FOLDS = "-fold-"
# StopTrainingJob and UpdateTrainingJob may be called once a second in an account and region.
_SECONDS_APART = 1.0


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What a round did. ``left`` are folds and pools that there was no time for."""

    folds_stopped: int
    pools_ended: int
    left: int


@dataclass(kw_only=True)
class Sweep:
    """``has_time`` says whether another call may be begun, ``wait`` sleeps for some seconds."""

    aws: Folds
    fold_role: str
    has_time: Callable[[], bool]
    wait: Callable[[float], None]
    _trials: dict[str, Trial] = field(default_factory=dict)
    _tuning_ended: dict[str, bool] = field(default_factory=dict)
    _left: int = 0

    def run(self) -> Swept:
        """Folds first: a machine that trains costs more than one that waits for its time-out."""
        running = self.aws.in_progress(_OF_TUNING)
        live = {job.name for job in running}
        stopped = self._end(self._folds_without_trial(running, live), self.aws.stop)
        pools = self.aws.with_pool(_FOLDS)
        ended = self._end(self._pools_without_search(pools, live), self.aws.end_pool)
        return Swept(folds_stopped=stopped, pools_ended=ended, left=self._left)

    def _folds_without_trial(self, running: list[Job], live: set[str]) -> Iterator[Job]:
        for job, trial in self._with_trial(running, live):
            if trial.ended:
                yield job

    def _pools_without_search(self, pools: list[Job], live: set[str]) -> Iterator[Job]:
        """Other trials of the same search may still take a pool over: it is kept for them."""
        for job, trial in self._with_trial(pools, live):
            if trial.ended and self._search_ended(trial):
                yield job

    def _with_trial(self, jobs: list[Job], live: set[str]) -> Iterator[tuple[Job, Trial]]:
        """The folds of this model among ``jobs``; of a trial that is known to run none."""
        for job in jobs:
            name = stem(job.name)
            if name is None or name in live:
                continue
            if not self.has_time():
                self._left += 1
                continue
            trial = parent(self.aws.tags(job), self.fold_role)
            if trial is not None and trial not in live:
                yield job, self._trial(trial)

    def _trial(self, name: str) -> Trial:
        if name not in self._trials:
            self._trials[name] = self.aws.trial(name)
        return self._trials[name]

    def _search_ended(self, trial: Trial) -> bool:
        name = trial.tuning_job
        if name is None:
            return True
        if name not in self._tuning_ended:
            self._tuning_ended[name] = has_ended(self.aws.tuning_status(name))
        return self._tuning_ended[name]

    def _end(self, jobs: Iterator[Job], end: Callable[[Job], bool]) -> int:
        """How many there were to end."""
        count = 0
        for job in jobs:
            if not self.has_time():
                self._left += 1
                continue
            count += end(job)
            self.wait(_SECONDS_APART)
        return count
