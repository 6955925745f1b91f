"""Names of fold jobs: valid, their own, and found again."""

import re

from hypothesis import given
from hypothesis import strategies as st

from warmfold_trainer.fan_out.names import fold_and_attempt, fold_job_name, fold_prefix

VALID = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
trials = st.from_regex(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", fullmatch=True).filter(
    lambda name: len(name) <= 63
)
folds = st.integers(1, 35)
attempts = st.integers(0, 9)


@given(trials, folds, attempts)
def test_a_name_is_valid_and_says_which_fold_it_is(trial: str, fold: int, attempt: int) -> None:
    name = fold_job_name(trial, fold, attempt)
    assert VALID.fullmatch(name)
    assert len(name) <= 63
    assert fold_and_attempt(trial, name) == (fold, attempt)
    assert fold_prefix(trial) in name


@given(trials, trials, folds)
def test_a_fold_belongs_to_one_trial(trial: str, other: str, fold: int) -> None:
    if trial != other:
        assert fold_and_attempt(other, fold_job_name(trial, fold, 0)) is None


def test_an_ordinary_trials_name_is_kept_whole_and_a_long_one_is_told_by_its_hash() -> None:
    trial = "execution1-Tune-trees-a1b2c3d4e5-001-0a1b2c3d"
    assert fold_job_name(trial, 3, 0) == f"{trial}-fold-03-0"
    long = ["t" * 62 + end for end in "ab"]
    first, second = (fold_job_name(name, 1, 0) for name in long)
    assert first[:44] == second[:44]
    assert first != second
