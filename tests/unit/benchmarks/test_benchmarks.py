"""Benchmarks play and measure the shipped code, and are run by hand: here that they still can."""

import pytest

from benchmarks import scored_rounds, search_rules, synth, trial
from benchmarks.measure import Measured
from benchmarks.search_surface import FILE
from warmfold_trainer.algorithms import early_stopping, snapshots


def test_a_search_is_played_on_the_recorded_surface(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_rules, "TRIALS", 8)
    surface = search_rules.Surface(FILE)
    seconds, lost = search_rules.play(surface, search_rules.TRIED["as it ships"], 0)
    assert 1 < seconds < 100
    assert 0 <= lost < 0.02


def test_trials_with_fewer_scores_are_paired(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scored_rounds, "HOLDOUT_ROWS", 500)
    for module in (early_stopping, snapshots):
        monkeypatch.setattr(module, "SCORED_EVERY_ROUNDS", 2)  # and put back
    found = scored_rounds.pair(rows=400, patience=5, seed=1, every=5)
    assert found["each"] != found["few"]
    assert all(0.5 < found[way]["score"] < 1 for way in ("each", "few"))
    assert scored_rounds.summary(400, [found, found]).startswith("400 rows, 2 sets: hold-out AUC ")


def measured(seconds: float) -> Measured:
    return Measured(
        wall_seconds=seconds, cpu_seconds=2 * seconds, peak_mb=1.0, anonymous_mb=1.0, score=0.0
    )


def test_ratios_of_a_synth_are_those_of_one_round() -> None:
    rounds = [
        {synth.EMPTY: measured(2.0), "app": measured(3.0)},
        {synth.EMPTY: measured(4.0), "app": measured(8.0)},
        {synth.EMPTY: measured(1.0), "app": measured(9.0)},
    ]
    found = synth.summary(rounds)
    assert found["app"]["wall_ratio"] == 2.0
    assert found["app"]["cpu_seconds"] == 16.0


def test_what_is_not_boosting_is_told_of_a_profile() -> None:
    parts = {"adding rounds": 9.0, "bins": 0.75, "all else": 0.25}
    text = trial.profile_table("50000", parts)
    assert "| bins | 0.750 | 7.5% |" in text
    assert text.endswith("10.0% of the CPU is not boosting.")
