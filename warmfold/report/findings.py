"""What the numbers say, in sentences: pure functions of the collected data."""

import math
from dataclasses import dataclass
from statistics import stdev

from warmfold.report.charts import metric_name
from warmfold.report.collect import ReportData
from warmfold.report.evaluation import Bin, Evaluation
from warmfold.runs.records import Run, Trial, Tuning

_NORMAL_95 = 1.96
_STANDARD_ERRORS = 2.0
_MISCALIBRATED_BINS = 2


@dataclass(frozen=True, kw_only=True)
class Lead:
    """The best trial against the second, on the same folds.

    ``lead`` and ``error`` are the mean of the folds' differences and its standard error, in units
    of the metric. ``best`` and ``second`` are their names in a sentence, as ``trial 3``.
    """

    best: str
    second: str
    lead: float
    error: float
    folds_ahead: int
    folds: int

    @property
    def sentence(self) -> str:
        known = _STANDARD_ERRORS * self.error
        return (
            f"{self.best[:1].upper()}{self.best[1:]} leads {self.second} by {self.lead:.4f} on "
            f"average over the same {self.folds} folds, and is ahead in {self.folds_ahead} of "
            f"them; the mean difference is known to ±{known:.4f} (two standard errors). "
            + (
                f"These folds speak for {self.best}; so few cannot rule out chance."
                if self.lead > known
                else "The choice between the two is within the noise of the folds: prefer the "
                "simpler one if it matters."
            )
        )


def lead_of(tuning: Tuning) -> Lead | None:
    """``None`` with fewer than two complete trials, or fewer than two folds."""
    if len(tuning.ranked) < 2:
        return None
    best, second = tuning.ranked[:2]
    names = (f"trial {best.number}", f"trial {second.number}")
    return _lead(best, second, names, maximize=tuning.maximize)


def candidates_lead(run: Run) -> Lead | None:
    """The best candidate's best trial against the next candidate's, which saw the same folds."""
    complete = [tuning for tuning in run.candidates if tuning.ranked]
    if len(complete) < 2:
        return None
    first, second = complete[:2]
    names = (f"the best of {first.candidate}", f"the best of {second.candidate}")
    return _lead(first.ranked[0], second.ranked[0], names, maximize=first.maximize)


def _lead(best: Trial, second: Trial, names: tuple[str, str], *, maximize: bool) -> Lead | None:
    if len(best.fold_scores) < 2:
        return None
    sign = 1 if maximize else -1
    pairs = zip(best.fold_scores, second.fold_scores, strict=True)
    differences = [sign * (mine - theirs) for mine, theirs in pairs]
    return Lead(
        best=names[0],
        second=names[1],
        lead=sign * (_score(best) - _score(second)),
        error=stdev(differences) / math.sqrt(len(differences)),
        folds_ahead=sum(difference > 0 for difference in differences),
        folds=len(differences),
    )


def _score(trial: Trial) -> float:
    if trial.score is None:
        raise ValueError(f"{trial.job_name} has no score and cannot be ranked")
    return trial.score


def auc_interval(auc: float, positives: int, negatives: int) -> tuple[float, float]:
    """95 % interval of an AUC, by Hanley and McNeil's standard error (Radiology 143, 1982)."""
    q1, q2 = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    variance = (
        auc * (1 - auc) + (positives - 1) * (q1 - auc * auc) + (negatives - 1) * (q2 - auc * auc)
    ) / (positives * negatives)
    half = _NORMAL_95 * math.sqrt(max(variance, 0.0))
    return max(auc - half, 0.0), min(auc + half, 1.0)


def holdout_interval(evaluation: Evaluation) -> tuple[float, float] | None:
    """95 % interval of the hold-out's AUC; ``None`` without an AUC or with one class only."""
    negatives = evaluation.rows - evaluation.positives
    if "auc" not in evaluation.metrics or not evaluation.positives or not negatives:
        return None
    return auc_interval(evaluation.metrics["auc"], evaluation.positives, negatives)


def holdout_sentence(evaluation: Evaluation) -> str:
    """Size of the hold-out, and how far its AUC can be trusted."""
    if evaluation.regression is not None:
        return f"Measured on {evaluation.rows:,} hold-out rows that no training job has read."
    sentence = (
        f"Measured on {evaluation.rows:,} hold-out rows that no training job has read "
        f"({evaluation.positives:,} with {evaluation.positive}, "
        f"{evaluation.positives / evaluation.rows:.1%})."
    )
    interval = holdout_interval(evaluation)
    if interval is not None:
        sentence += (
            f" So many rows pin the AUC down to between {interval[0]:.3f} and {interval[1]:.3f} "
            "(95 %, Hanley and McNeil), no closer."
        )
    return sentence


def agreement_sentence(evaluation: Evaluation, *, maximize: bool) -> str:
    """Whether the hold-out agrees with cross-validation, and how much was memorised."""
    folds = evaluation.cv_fold_scores
    inside = bool(folds) and min(folds) <= evaluation.score <= max(folds)
    return (
        f"Cross-validation gave {evaluation.cv_score:.4f} ± {evaluation.cv_score_std:.4f} over "
        f"{len(folds)} folds, the hold-out {evaluation.score:.4f} "
        f"({evaluation.score - evaluation.cv_score:+.4f}), which is "
        f"{'inside' if inside else 'outside'} the range of the fold scores."
        f"{_within_chance(evaluation)} {_memorised(evaluation, maximize=maximize)}"
    )


def _memorised(evaluation: Evaluation, *, maximize: bool) -> str:
    """The score on the rows of the fit against that on rows left out of it."""
    name = metric_name(evaluation.metric)
    said = f"On the rows it was fitted to, {name} is {evaluation.cv_training_score:.4f}"
    gap = evaluation.cv_score - evaluation.cv_training_score
    if gap == 0:
        return f"{said}, the same as on rows left out of the fit."
    if (gap < 0) == maximize:
        return (
            f"{said}: {-gap:.4f} of that did not carry over to rows left out of the fit."
            if maximize
            else f"{said}: on rows left out of the fit it is larger, thus worse, by {gap:.4f}."
        )
    return f"{said}: on rows left out of the fit it is better by {abs(gap):.4f}."


def _within_chance(evaluation: Evaluation) -> str:
    """Whether the hold-out is too small to contradict cross-validation."""
    interval = holdout_interval(evaluation)
    if interval is None or evaluation.metric != "auc":
        return ""
    if interval[0] <= evaluation.cv_score <= interval[1]:
        return (
            " The cross-validated score lies within the hold-out's interval, so the two do not "
            "contradict each other."
        )
    return (
        " The cross-validated score lies beyond the hold-out's interval: look for a difference "
        "between the two sets of rows, or for information that leaked between folds."
    )


def calibration_sentence(evaluation: Evaluation) -> str:
    """A warning if at least two bins are further off than chance explains; else empty.

    Chance is two standard errors of a bin whose rate were its mean score.
    """
    bins = [b for b in evaluation.calibration if _is_off(b)]
    if len(bins) < _MISCALIBRATED_BINS:
        return ""
    low = [b.mean_score for b in bins if b.observed_rate > b.mean_score]
    high = [b.mean_score for b in bins if b.observed_rate < b.mean_score]
    said = [f"too {word} {_around(s)}" for word, s in (("low", low), ("high", high)) if s]
    return (
        f"Calibration is off: scores are {' and '.join(said)} ({len(bins)} of "
        f"{len(evaluation.calibration)} bins differ from what was observed by more than two "
        "standard errors). Read the scores as a ranking, not as probabilities."
    )


def _is_off(one: Bin) -> bool:
    variance = one.mean_score * (1 - one.mean_score) / one.rows
    return abs(one.observed_rate - one.mean_score) > _STANDARD_ERRORS * math.sqrt(variance)


def _around(scores: list[float]) -> str:
    """``around 0.12 and 0.31``; of many, ``between 0.12 and 0.71``."""
    shown = [f"{score:.2f}" for score in sorted(scores)]
    if len(shown) > 2:
        return f"between {shown[0]} and {shown[-1]}"
    return f"around {' and '.join(shown)}"


def gate_sentence(data: ReportData) -> str:
    """The gate's verdict in words; empty if the pipeline has none."""
    if data.minimum_score is None:
        return ""
    rejected = data.package.approval == "Rejected"
    bound = "at least" if data.run.maximize else "at most"
    return (
        f"The gate asks for {metric_name(data.evaluation.metric)} of {bound} "
        f"{data.minimum_score:g} on the hold-out; the model has {data.evaluation.score:.4f}"
        + (
            " and was registered as Rejected: it cannot be deployed."
            if rejected
            else ", so it was registered for approval."
        )
    )
