"""Which trial wins, as plain data in and out; nothing here calls AWS.

Automatic model tuning's own ``BestTrainingJob`` is not trusted: a trial that was raced out after
some folds exits 0 with a pessimistic objective, and only trials with all folds may win.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from warmfold_lambda.errors import LambdaError

Direction = Literal["Maximize", "Minimize"]
Kind = Literal["amt", "in_job"]
KINDS: tuple[Kind, ...] = ("amt", "in_job")

FILE_NAME = "selected_trial.json"
# The format that the trainer image reads; a test holds it against the images' own reader.
FORMAT = 2

_REASON_LIMIT = 160
# A pipeline step keeps 1,024 characters of a failure reason; Lambda's own words come before it.
_SUMMARY_LIMIT = 900


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What was tuned; ``job_name`` is a tuning job (``amt``) or a search's training job."""

    kind: Kind
    name: str
    algorithm: str
    task: str
    feature_set: str
    job_name: str


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A training job of a tuning job, or a row of a search.

    ``objective`` is ``None`` if none was reported; ``all_folds`` if it is not known (a tuning
    job's list does not say). ``seconds``: how long its job ran, if it was a job and has run.
    """

    candidate: Candidate
    name: str
    status: str
    created: datetime
    objective: float | None = None
    all_folds: bool | None = None
    failure_reason: str = ""
    seconds: float | None = None

    @property
    def eligible(self) -> bool:
        """Completed with an objective that can be compared: NaN and infinity cannot."""
        return (
            self.status == "Completed"
            and self.objective is not None
            and math.isfinite(self.objective)
            and self.all_folds is not False
        )


@dataclass(frozen=True, kw_only=True)
class Winner:
    """A candidate's best trial, with all folds. ``training_job_name``: the job it ran in."""

    trial: Trial
    training_job_name: str
    output_uri: str
    hyperparameters: dict[str, str]
    rounds: int
    score_std: float
    training_score: float
    fold_scores: tuple[float, ...]
    fold_hash: str


@dataclass(frozen=True, kw_only=True)
class Fold:
    """A fold that was a job of its own; ``seconds`` from its creation to its end, if it completed.

    ``left_reused_pool``: another fold took its machine over, and so did not start cold.
    """

    seconds: float | None
    left_reused_pool: bool


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one candidate; no ``winner`` if no trial of its has all folds."""

    candidate: Candidate
    trials: Sequence[Trial]
    winner: Winner | None
    folds: Sequence[Fold] = ()


def search_metrics(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """What CloudWatch counts of a search: of trials, and of folds if they were jobs. Seconds are
    means."""
    trials = [trial for outcome in outcomes for trial in outcome.trials]
    folds = [fold for outcome in outcomes for fold in outcome.folds]
    completed = sum(trial.eligible for trial in trials)
    metrics: dict[str, float] = {
        "TrialsCompleted": completed,
        "TrialsWithoutResult": len(trials) - completed,
    }
    if folds:
        metrics["FoldJobs"] = len(folds)
        metrics["FoldJobsOnWarmMachines"] = sum(fold.left_reused_pool for fold in folds)
    for name, jobs in (("TrialSeconds", trials), ("FoldSeconds", folds)):
        seconds = [job.seconds for job in jobs if job.seconds is not None]
        if seconds:
            metrics[name] = sum(seconds) / len(seconds)
    return metrics


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The content of ``selected_trial.json``; scores are means over ``folds`` folds."""

    kind: str
    candidate: str
    algorithm: str
    task: str
    feature_set: str
    hyperparameters: dict[str, str]
    rounds: int
    metric: str
    score: float
    score_std: float
    training_score: float
    folds: int
    fold_hash: str
    fold_scores: tuple[float, ...]
    job_name: str
    trial: str
    training_job_name: str
    trials_completed: int
    format: int = FORMAT

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"


class NoTrialCompletedError(LambdaError):
    """No trial of any candidate has a score over all folds."""


def best_first(trials: Iterable[Trial], direction: Direction) -> list[Trial]:
    """The trials that may win, best objective first; ties go to the earlier one."""
    sign = -1.0 if direction == "Maximize" else 1.0
    eligible = [trial for trial in trials if trial.eligible]
    return sorted(eligible, key=lambda t: (sign * (t.objective or 0.0), t.created, t.name))


def output_uri(description: Mapping[str, Any]) -> str:
    """Where SageMaker puts what a training job leaves in ``/opt/ml/output/data``, packed."""
    prefix = description["OutputDataConfig"]["S3OutputPath"].rstrip("/")
    return f"{prefix}/{description['TrainingJobName']}/output/output.tar.gz"


def best_of(outcomes: Sequence[Outcome], *, folds: int, direction: Direction) -> Winner:
    """The best of the candidates' winners. Raises ``LambdaError`` if they were scored on
    different folds, and ``NoTrialCompletedError`` if there is none."""
    winners = {each.winner.trial: each.winner for each in outcomes if each.winner is not None}
    if not winners:
        raise nothing_to_select(outcomes, folds)
    _check_same_folds(list(winners.values()))
    return winners[best_first(winners, direction)[0]]


def selection(best: Winner, outcomes: Sequence[Outcome], *, folds: int, metric: str) -> Selection:
    """The file's content."""
    candidate = best.trial.candidate
    return Selection(
        kind=candidate.kind,
        candidate=candidate.name,
        algorithm=candidate.algorithm,
        task=candidate.task,
        feature_set=candidate.feature_set,
        hyperparameters=best.hyperparameters,
        rounds=best.rounds,
        metric=metric,
        score=best.trial.objective or 0.0,
        score_std=best.score_std,
        training_score=best.training_score,
        folds=folds,
        fold_hash=best.fold_hash,
        fold_scores=best.fold_scores,
        job_name=candidate.job_name,
        trial=best.trial.name,
        training_job_name=best.training_job_name,
        trials_completed=sum(trial.eligible for each in outcomes for trial in each.trials),
    )


def _check_same_folds(winners: Sequence[Winner]) -> None:
    """Scores of other folds cannot be compared, however close they look."""
    if len({winner.fold_hash for winner in winners}) > 1:
        found = "; ".join(f"{w.trial.candidate.job_name}: {w.fold_hash[:12]}" for w in winners)
        raise LambdaError(
            f"the candidates were scored on different folds ({found}): all must read the output "
            "of the same Processing job"
        )


def nothing_to_select(outcomes: Sequence[Outcome], folds: int) -> NoTrialCompletedError:
    """Why no trial can win, candidate by candidate, short enough for a failure reason."""
    lines = [_outcome(outcome, folds) for outcome in outcomes]
    text = f"no trial completed all {folds} folds. " + "; ".join(lines)
    return NoTrialCompletedError(
        text if len(text) <= _SUMMARY_LIMIT else text[: _SUMMARY_LIMIT - 1] + "…"
    )


def _outcome(outcome: Outcome, folds: int) -> str:
    job_name = outcome.candidate.job_name
    if not outcome.trials:
        return f"{job_name}: no trial"
    counts = Counter(_explain(trial, folds) for trial in outcome.trials)
    parts = [f"{count} × {text}" for text, count in counts.most_common()]
    return f"{job_name}: {', '.join(parts)}"


def _explain(trial: Trial, folds: int) -> str:
    if trial.eligible:
        return f"Completed without all {folds} folds"
    if trial.status == "Completed":
        return "Completed without a finite objective"
    reason = " ".join(trial.failure_reason.split())[:_REASON_LIMIT]
    return f"{trial.status} ({reason})" if reason else trial.status
