"""Which trial is best."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.report.builders import run, trial, tuning


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.booleans())
def test_the_best_trial_has_the_best_score_and_ties_go_to_the_earlier(
    scores: list[float], maximize: bool
) -> None:
    trials = tuple(trial(n, (s, s), score=s) for n, s in enumerate(scores, 1))
    best = tuning(trials, folds=2, maximize=maximize).ranked[0]
    assert best.score == (max(scores) if maximize else min(scores))
    assert best.number == scores.index(best.score) + 1


def test_the_best_of_all_candidates_is_the_runs_best() -> None:
    weak = tuning((trial(1, (0.6, 0.6)),), folds=2, job_name="weak")
    strong = tuning((trial(2, (0.9, 0.9)),), folds=2, job_name="strong")
    both = replace(run(()), tunings=(weak, strong))
    assert both.best is not None
    assert both.best.number == 2


def test_failed_and_unfinished_trials_cannot_win() -> None:
    trials = (
        trial(1, (0.9, 0.9), status="Failed"),
        trial(2, (0.9, 0.9), folds_completed=1),
        trial(3, (0.9, 0.9), score=None),
    )
    assert tuning(trials, folds=2).ranked == ()
    assert run(trials).best is None
