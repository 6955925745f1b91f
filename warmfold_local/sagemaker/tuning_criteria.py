"""When a tuning job has seen enough: its completion criteria, and the median stopping rule.

Sources: API reference (TuningJobCompletionCriteria, BestObjectiveNotImproving,
ConvergenceDetected) and developer guide ("Stop Training Jobs Early", "Track and set completion
criteria for your tuning job"). How the service detects convergence is not published; the rule
here is the local cloud's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from warmfold_local.sagemaker.tuning_trials import Trial

# "failed to improve model performance by 1% or greater" (BestObjectiveNotImproving).
_IMPROVEMENT = 0.01

# Our own rule of convergence: this many scored trials, and none of the later half improved.
_CONVERGENCE_LEAST_TRIALS = 20

# A trial's first value decides nothing: one that prints its objective once is never stopped.
_FIRST_EPOCH_JUDGED = 2


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """``TuningJobCompletionCriteria``; a criterion that is ``None`` or false never ends the job."""

    target: float | None = None
    patience: int | None = None
    complete_on_convergence: bool = False

    @classmethod
    def parsed(cls, values: dict[str, Any]) -> "Criteria":
        convergence = values.get("ConvergenceDetected", {})
        improving = values.get("BestObjectiveNotImproving", {})
        return cls(
            target=values.get("TargetObjectiveMetricValue"),
            patience=improving.get("MaxNumberOfTrainingJobsNotImproving"),
            complete_on_convergence=convergence.get("CompleteOnConvergence") == "Enabled",
        )

    def met(self, trials: Sequence[Trial]) -> bool:
        if self == Criteria():
            return False
        scored = in_order_of_end(trials)
        if self.patience is not None and not_improving(scored) >= self.patience:
            return True
        if self.complete_on_convergence and converged(scored):
            return True
        return self.target is not None and any(_reaches(trial, self.target) for trial in scored)


def in_order_of_end(trials: Sequence[Trial]) -> list[Trial]:
    """The trials that have a final score."""
    scored = [trial for trial in trials if trial.score is not None]
    return sorted(scored, key=lambda trial: trial.record["TrainingEndTime"])


def not_improving(scored: Sequence[Trial]) -> int:
    """How many trials have ended since one improved the best score by 1 % of its size."""
    best: float | None = None
    since = 0
    for trial in scored:
        score = trial.score
        if score is None:
            continue
        if best is None or (trial.can_win and _improves(trial, score, best)):
            best, since = score, 0
        else:
            since += 1
    return since


def converged(scored: Sequence[Trial]) -> bool:
    """At least 20 trials have a score, and the later half of them brought no improvement."""
    return len(scored) >= _CONVERGENCE_LEAST_TRIALS and 2 * not_improving(scored) >= len(scored)


def worse_than_median(
    values: Sequence[float], earlier: Sequence[Sequence[float]], *, maximize: bool
) -> bool:
    """The median rule, after one more epoch of a running trial.

    ``values`` are the trial's objective values so far, one an epoch; ``earlier`` those of each
    completed trial. The last value is compared with the median of the earlier trials' averages
    up to the same epoch.
    """
    epoch = len(values)
    averages = [fmean(past[:epoch]) for past in earlier if past]
    if epoch < _FIRST_EPOCH_JUDGED or not averages:
        return False
    return values[-1] < median(averages) if maximize else values[-1] > median(averages)


def _improves(trial: Trial, score: float, best: float) -> bool:
    return trial.objective.better(score, best) and abs(score - best) >= _IMPROVEMENT * abs(best)


def _reaches(trial: Trial, target: float) -> bool:
    return (
        trial.can_win
        and trial.score is not None
        and not trial.objective.better(target, trial.score)
    )
