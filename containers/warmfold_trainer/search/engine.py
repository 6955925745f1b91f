"""The search itself: trials side by side on the cores there are, each racing the finished ones."""

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from warmfold_contract.algorithms import MAX_ROUNDS
from warmfold_contract.errors import UserError
from warmfold_contract.stopping import stop_signals_left_to_main_thread
from warmfold_trainer.cross_validation import CrossValidation, TrialData, cross_validate
from warmfold_trainer.racing import FinishedTrial, History, Race, RacedOut
from warmfold_trainer.scores import ScoreError
from warmfold_trainer.search.convergence import (
    IN_A_ROW,
    least_trials,
    nothing_to_gain,
    tolerance,
)
from warmfold_trainer.search.ended import Begun, EndedTrial
from warmfold_trainer.search.plan import Plan
from warmfold_trainer.search.round_race import RoundRace
from warmfold_trainer.search.rules import Rules
from warmfold_trainer.search.suggest import SHIPPED, Suggester

LOGGER = logging.getLogger(__name__)

# A model that suggests must have seen some results: so many rounds of parallel trials at least.
_LEAST_ROUNDS = 8


@dataclass(frozen=True, kw_only=True)
class Arrangement:
    """How many trials run at a time, and how many folds of each; every fold on one thread."""

    trials: int
    folds: int


def arranged(cores: int, max_trials: int, folds: int) -> Arrangement:
    """All cores busy, with trials rather than folds: of a trial that runs one fold at a time,
    racing stops before the next one begins. But no more trials at a time than an eighth of all:
    those at one time learn nothing from each other."""
    trials = min(cores, max(1, max_trials // _LEAST_ROUNDS))
    return Arrangement(trials=trials, folds=min(folds, max(1, cores // trials)))


class _AbandonedError(Exception):
    """A trial that nobody waits for any more."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A trial that has ended, with its predictions if it has all folds."""

    trial: EndedTrial
    result: CrossValidation | None


@dataclass
class Search:
    """Runs trials until there are ``max_trials`` or, if the plan says so, nothing is left to gain:
    ``ended_early`` then says so in words. ``keep`` is called after each trial, in one thread."""

    plan: Plan
    trial_data: TrialData
    arrangement: Arrangement
    keep: Callable[[EndedTrial], None]
    rules: Rules = SHIPPED
    ended: dict[int, EndedTrial] = field(default_factory=dict)
    best_result: CrossValidation | None = None
    ended_early: str = ""
    _gains: dict[int, float | None] = field(default_factory=dict)
    _history: History = field(default_factory=History)
    _abandoned: threading.Event = field(default_factory=threading.Event)
    _suggester: Suggester = field(init=False)

    def __post_init__(self) -> None:
        self._suggester = Suggester(
            self.plan.ranges,
            strategy=self.plan.strategy,
            maximize=self.plan.candidate.metric.greater_is_better,
            trials=self.plan.max_trials,
            seed=self.plan.candidate.seed,
            first=self.plan.first(),
            fixed=self.plan.candidate.settings(),
            rules=self.rules,
        )

    def resume(self, earlier: list[EndedTrial]) -> None:
        """Take over the trials of a checkpoint, in the order they ended."""
        for trial in earlier:
            self._suggester.learn(trial.row.hyperparameters, trial.estimate, trial.row.rounds)
            self._gains[trial.number] = trial.expected_gain
            self._note(trial, None)

    def run(self) -> EndedTrial:
        """The best trial. Raises ``UserError`` if none has all folds, with the reasons."""
        waiting = [n for n in range(1, self.plan.max_trials + 1) if n not in self.ended]
        running: dict[Future[Ended], int] = {}
        threads = ThreadPoolExecutor(self.arrangement.trials, "trial")
        try:
            self._fill(threads, running, waiting)
            while running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for job in sorted(done, key=running.__getitem__):
                    self._finish(running.pop(job), job.result())
                self._fill(threads, running, waiting)
        finally:
            self._abandoned.set()
            threads.shutdown(wait=False, cancel_futures=True)
        best = self.best
        if best is None:
            raise UserError(self._nothing_found())
        return best

    @property
    def best(self) -> EndedTrial | None:
        """The best trial with all folds; the earliest of equals."""
        complete = [trial for _, trial in sorted(self.ended.items()) if trial.provisional_scores]
        return max(complete, key=lambda t: self._sign * (t.row.score or 0.0), default=None)

    @property
    def _sign(self) -> float:
        return 1.0 if self.plan.candidate.metric.greater_is_better else -1.0

    def drawn(self, trial: EndedTrial) -> dict[str, str]:
        """The searched settings of a trial, as texts."""
        return {item.name: trial.row.hyperparameters[item.name] for item in self.plan.ranges}

    def repeated(self, trial: EndedTrial) -> CrossValidation:
        """The result of a trial that ended before a restart: the same, as all is seeded."""
        self._abandoned.clear()
        result = self._cross_validated(self.drawn(trial), race=None)
        if isinstance(result, RacedOut):
            raise TypeError("a trial without a race was raced out")
        return result

    def _fill(
        self, threads: ThreadPoolExecutor, running: dict[Future[Ended], int], waiting: list[int]
    ) -> None:
        while waiting and len(running) < self.arrangement.trials:
            number = waiting[0]
            drawn = self._suggester.ask(number)
            self._gains[number] = gain = self._suggester.expected_gain
            self.ended_early = self._converged(number)
            if self.ended_early:
                # Asked for again when a trial that runs has ended: it may have been a surprise.
                self._suggester.withdraw(number)
                return
            del waiting[0]
            with stop_signals_left_to_main_thread():
                running[threads.submit(self._trial, number, drawn, gain)] = number

    def _converged(self, number: int) -> str:
        """Why the trial ``number`` is not worth running, in words; empty if it is."""
        drawn_again = number < max(self.ended, default=0)  # a restart lost it, later ones it has
        if not self.plan.stops_when_converged or drawn_again:
            return ""
        least = tolerance(self._history.finished(), sign=self._sign)
        if least is None or len(self.ended) < least_trials(len(self.plan.ranges)):
            return ""
        if not nothing_to_gain(self._gains, number, least):
            return ""
        return (
            f"converged after {len(self.ended)} of {self.plan.max_trials} trials: expected "
            f"improvement below {least:.2g}, {IN_A_ROW} times in a row"
        )

    def _trial(self, number: int, drawn: Mapping[str, str], gain: float | None) -> Ended:
        """In a thread of its own."""
        begun = Begun(
            number=number,
            name=f"{self.plan.name}-{number:04d}",
            hyperparameters={**self.plan.candidate.own, **drawn},
            expected_gain=gain,
        )
        try:
            result = self._cross_validated(drawn, self._race())
        except (ScoreError, UserError) as error:
            return Ended(trial=begun.failed(str(error)), result=None)
        if isinstance(result, RacedOut):
            return Ended(trial=begun.stopped(result), result=None)
        return Ended(trial=begun.completed(result), result=result)

    def _cross_validated(
        self, drawn: Mapping[str, str], race: Race | None
    ) -> CrossValidation | RacedOut:
        return cross_validate(
            self.trial_data,
            self.plan.settings(drawn),
            self.plan.candidate.metric,
            on_fold=self._check_wanted,
            race=race,
            workers=self.arrangement.folds,
        )

    def _check_wanted(self, _fold: int, _score: float) -> None:
        """After a fault in one trial the others end with their folds, not with their last one."""
        if self._abandoned.is_set():
            raise _AbandonedError

    def _race(self) -> RoundRace | None:
        if self.plan.z is None:
            return None
        greater_is_better = self.plan.candidate.metric.greater_is_better
        # An algorithm without rounds has a curve of one: there is nothing to foresee.
        max_rounds = self.plan.candidate.settings().get(MAX_ROUNDS, 1)
        return RoundRace(
            self._history,
            z=self.plan.z,
            greater_is_better=greater_is_better,
            max_rounds=int(max_rounds),
            margin=self.rules.margin,
        )

    def _finish(self, number: int, ended: Ended) -> None:
        self._suggester.tell(number, ended.trial.estimate, ended.trial.row.rounds)
        self._note(ended.trial, ended.result)
        self.keep(ended.trial)
        row = ended.trial.row
        score = row.reason if row.score is None else f"score {row.score:.6g}"
        best = self.best
        LOGGER.info(
            "trial %d of %d: %s%s",
            number,
            self.plan.max_trials,
            score,
            "" if best is None else f"; best {best.row.score:.6g} ({best.row.name})",
        )

    def _note(self, trial: EndedTrial, result: CrossValidation | None) -> None:
        before = self.best
        self.ended[trial.number] = trial
        if trial.provisional_scores and trial.row.score is not None:
            finished = FinishedTrial(
                provisional_scores=trial.provisional_scores, score=trial.row.score
            )
            self._history.add(finished)
        if self.best is not before:
            self.best_result = result

    def _nothing_found(self) -> str:
        reasons: dict[str, int] = {}
        for trial in self.ended.values():
            reasons[trial.row.reason] = reasons.get(trial.row.reason, 0) + 1
        listed = sorted(reasons.items(), key=lambda item: -item[1])
        return "no trial of the search has a score: " + "; ".join(
            f"{count} × {reason}" for reason, count in listed
        )
