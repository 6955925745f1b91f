"""The sentences of the report say what the numbers say."""

import json
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.report.builders import evaluation_values, report_data, run, trial, tuning
from warmfold.report import findings
from warmfold.report.charts import metric_name
from warmfold.report.evaluation import Evaluation


def test_a_lead_that_the_folds_do_not_agree_on_is_called_noise() -> None:
    first = trial(1, (0.80, 0.70, 0.75, 0.85, 0.65))
    second = trial(2, (0.77, 0.72, 0.72, 0.86, 0.62))
    lead = findings.lead_of(tuning((second, first)))
    assert lead is not None
    assert (lead.best, lead.second, lead.folds_ahead) == ("trial 1", "trial 2", 3)
    assert lead.lead == pytest.approx(0.012)
    assert lead.error == pytest.approx(0.0111, abs=5e-5)
    assert lead.sentence.startswith("Trial 1 leads trial 2 by 0.0120 on average over the same 5")
    assert "ahead in 3 of them" in lead.sentence
    assert "known to ±0.0223" in lead.sentence
    assert "within the noise" in lead.sentence


def test_a_small_lead_on_every_fold_is_called_one_although_folds_differ_by_more() -> None:
    first = trial(1, (0.803, 0.704, 0.753, 0.854, 0.653))
    second = trial(2, (0.80, 0.70, 0.75, 0.85, 0.65))
    lead = findings.lead_of(tuning((first, second)))
    assert lead is not None
    assert "ahead in 5 of them" in lead.sentence
    assert lead.sentence.endswith("These folds speak for trial 1; so few cannot rule out chance.")


def test_when_less_is_better_the_lead_is_still_positive() -> None:
    first, second = trial(1, (0.40, 0.41, 0.42)), trial(2, (0.50, 0.51, 0.52))
    lead = findings.lead_of(tuning((first, second), maximize=False, folds=3))
    assert lead is not None
    assert (lead.best, lead.folds_ahead) == ("trial 1", 3)
    assert lead.lead == pytest.approx(0.1)


def test_one_complete_trial_has_no_second() -> None:
    assert findings.lead_of(tuning((trial(1, (0.7, 0.8, 0.9, 0.7, 0.8)),))) is None


def test_candidates_are_compared_by_their_best_trials_on_the_same_folds() -> None:
    first = tuning((trial(1, (0.80, 0.70, 0.75)), trial(2, (0.5, 0.5, 0.5))), folds=3)
    second = tuning((trial(1, (0.81, 0.69, 0.74)),), folds=3, candidate="linear")
    lead = findings.candidates_lead(run((), tunings=(second, first)))
    assert lead is not None
    assert lead.sentence.startswith("The best of lightgbm leads the best of linear by 0.0033 on")
    assert "is ahead in 2 of them" in lead.sentence


def test_one_candidate_with_a_complete_trial_leads_nobody() -> None:
    first = tuning((trial(1, (0.8, 0.7)),), folds=2)
    assert findings.candidates_lead(run((), tunings=(first, tuning((), folds=2)))) is None


def test_the_interval_of_an_auc_agrees_with_simulated_samples() -> None:
    """Two normal groups one deviation apart have an AUC of 0.760; 95 % of samples fall within."""
    source = random.Random(1)  # noqa: S311 - test data
    positives, negatives, auc = 40, 90, 0.7602
    low, high = findings.auc_interval(auc, positives, negatives)
    inside = 0
    for _ in range(300):
        good = [source.gauss(0, 1) for _ in range(negatives)]
        bad = [source.gauss(1, 1) for _ in range(positives)]
        wins = sum(b > g for b in bad for g in good)
        inside += low <= wins / (positives * negatives) <= high
    assert 0.90 <= inside / 300 <= 0.99


@given(st.floats(0, 1), st.integers(min_value=1, max_value=10**6), st.integers(1, 10**6))
def test_an_interval_holds_its_auc_and_stays_within_0_and_1(
    auc: float, positives: int, negatives: int
) -> None:
    low, high = findings.auc_interval(auc, positives, negatives)
    assert 0 <= low <= auc <= high <= 1


def test_the_hold_out_sentence_names_its_size() -> None:
    sentence = findings.holdout_sentence(report_data().evaluation)
    assert "200 hold-out rows" in sentence
    assert '60 with creditability = "bad", 30.0%' in sentence


@pytest.mark.parametrize("score, word", [(0.75, "inside"), (0.9, "outside")])
def test_the_hold_out_is_compared_with_the_folds(score: float, word: str) -> None:
    values = {**evaluation_values(), "score": score}
    evaluation = Evaluation.from_json(json.dumps(values))
    assert f"is {word} the range" in findings.agreement_sentence(evaluation, maximize=True)


def test_without_a_gate_nothing_is_said_of_it() -> None:
    assert findings.gate_sentence(report_data(minimum_score=None)) == ""


@pytest.mark.parametrize("score, words", [(0.75, "do not contradict"), (0.99, "leaked")])
def test_a_cross_validated_score_beyond_chance_is_pointed_out(score: float, words: str) -> None:
    values = evaluation_values()
    values["cross_validation"]["score"] = score
    evaluation = Evaluation.from_json(json.dumps(values))
    assert words in findings.agreement_sentence(evaluation, maximize=True)


@pytest.mark.parametrize(
    "training, left_out, maximize, words",
    [
        (0.91, 0.77, True, "AUC is 0.9100: 0.1400 of that did not carry over to rows left out"),
        (0.70, 0.77, True, "rows left out of the fit it is better by 0.0700."),
        (12.0, 19.5, False, "left out of the fit it is larger, thus worse, by 7.5000."),
        (19.5, 12.0, False, "rows left out of the fit it is better by 7.5000."),
        (0.8, 0.8, False, "AUC is 0.8000, the same as on rows left out of the fit."),
    ],
)
def test_what_was_memorised_is_a_loss_of_score_or_a_larger_error(
    training: float, left_out: float, maximize: bool, words: str
) -> None:
    values = evaluation_values()
    values["cross_validation"] |= {"training_score": training, "score": left_out}
    evaluation = Evaluation.from_json(json.dumps(values))
    sentence = findings.agreement_sentence(evaluation, maximize=maximize)
    assert words in sentence
    assert maximize or "carry over" not in sentence


def calibrated(*bins: tuple[float, float]) -> Evaluation:
    """Bins of 100 rows by mean score and observed rate: one standard error is at most 0.05."""
    values = evaluation_values()
    values["curves"]["calibration"] = [
        {"mean_score": score, "observed_rate": rate, "rows": 100} for score, rate in bins
    ]
    return Evaluation.from_json(json.dumps(values))


@pytest.mark.parametrize(
    "bins, words",
    [
        (((0.1, 0.2), (0.2, 0.4), (0.5, 0.5)), "scores are too low around 0.10 and 0.20 (2 of 3"),
        (((0.2, 0.1), (0.4, 0.2), (0.5, 0.3)), "scores are too high between 0.20 and 0.50 (3 of"),
        (((0.1, 0.2), (0.6, 0.4)), "too low around 0.10 and too high around 0.60 (2 of 2 bins"),
    ],
)
def test_scores_that_are_no_probabilities_are_called_a_ranking(
    bins: tuple[tuple[float, float], ...], words: str
) -> None:
    sentence = findings.calibration_sentence(calibrated(*bins))
    assert words in sentence
    assert "Read the scores as a ranking, not as probabilities." in sentence


@pytest.mark.parametrize(
    "bins",
    [(), ((0.1, 0.15), (0.2, 0.27), (0.5, 0.41)), ((0.1, 0.9), (0.2, 0.2))],
)
def test_chance_and_a_single_bin_are_no_reason_to_warn(
    bins: tuple[tuple[float, float], ...],
) -> None:
    assert findings.calibration_sentence(calibrated(*bins)) == ""


def test_a_gate_on_an_error_is_a_limit_from_above() -> None:
    data = report_data()
    lower = tuple(replace(tuned, maximize=False) for tuned in data.run.tunings)
    data = replace(data, run=replace(data.run, tunings=lower))
    assert "asks for AUC of at most 0.7" in findings.gate_sentence(data)
    assert "asks for AUC of at least 0.7" in findings.gate_sentence(report_data())


@pytest.mark.parametrize(
    "metric,shown",
    [
        ("auc", "AUC"),
        ("rmse", "RMSE"),
        ("project.net_profit", "net profit"),
        ("quantile_loss:0.9", "quantile loss 0.9"),
    ],
)
def test_metrics_are_called_as_people_call_them(metric: str, shown: str) -> None:
    assert metric_name(metric) == shown
