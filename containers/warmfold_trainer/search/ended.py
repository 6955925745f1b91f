"""How a search's trial ended: its row, and what the rest of the search learns from it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from warmfold_contract.trials import COMPLETED, FAILED, STOPPED, TrialRow
from warmfold_trainer.cross_validation import CrossValidation
from warmfold_trainer.racing import RacedOut


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True, kw_only=True)
class EndedTrial:
    """``provisional_scores`` are of a trial with all folds: what later ones race against.

    ``estimate`` is what the search's model is told: the score, of a stopped trial one estimated
    from the folds it has, and ``None`` for a failed one. ``expected_gain`` is what the model
    expected of it when it was drawn, ``None`` of a trial that the model has not drawn.
    """

    number: int
    row: TrialRow
    provisional_scores: tuple[float, ...] = ()
    estimate: float | None = None
    expected_gain: float | None = None


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A trial that runs."""

    number: int
    name: str
    hyperparameters: dict[str, str]
    expected_gain: float | None
    started: str = field(default_factory=_now)

    def completed(self, result: CrossValidation) -> EndedTrial:
        row = self._row(
            status=COMPLETED,
            fold_scores=result.fold_scores,
            score=result.score,
            score_std=result.score_std,
            training_score=result.training_score,
            rounds=result.rounds,
            folds_completed=len(result.fold_scores),
        )
        return EndedTrial(
            number=self.number,
            row=row,
            provisional_scores=result.provisional_scores,
            estimate=result.score,
            expected_gain=self.expected_gain,
        )

    def stopped(self, raced: RacedOut) -> EndedTrial:
        row = self._row(
            status=STOPPED,
            fold_scores=tuple(score for _, score in sorted(raced.fold_scores.items())),
            folds_completed=len(raced.fold_scores),
            reason=raced.reason,
        )
        return EndedTrial(
            number=self.number, row=row, estimate=raced.score, expected_gain=self.expected_gain
        )

    def failed(self, reason: str) -> EndedTrial:
        row = self._row(status=FAILED, reason=reason)
        return EndedTrial(number=self.number, row=row, expected_gain=self.expected_gain)

    def _row(self, **members: Any) -> TrialRow:
        return TrialRow(
            name=self.name,
            hyperparameters=self.hyperparameters,
            started=self.started,
            ended=_now(),
            **members,
        )
