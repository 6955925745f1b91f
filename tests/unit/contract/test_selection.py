"""The selected trial, from the Lambda to the final training."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmfold_contract.errors import UserError
from warmfold_contract.selection import SelectedTrial

FINITE = st.floats(allow_nan=False, allow_infinity=False)
TRIALS = st.builds(
    SelectedTrial,
    kind=st.sampled_from(["amt", "in_job"]),
    candidate=st.text(),
    task=st.text(),
    feature_set=st.text(),
    fold_hash=st.text(),
    trial=st.text(),
    algorithm=st.text(),
    hyperparameters=st.dictionaries(st.text(), st.text()),
    rounds=st.integers(1, 10_000),
    metric=st.text(),
    score=FINITE,
    score_std=FINITE,
    training_score=FINITE,
    folds=st.integers(2, 35),
    fold_scores=st.lists(FINITE).map(tuple),
    job_name=st.text(),
    training_job_name=st.text(),
    trials_completed=st.integers(1, 750),
    format=st.just(2),
)


@given(TRIALS)
def test_a_selection_is_read_back_as_it_was(trial: SelectedTrial) -> None:
    assert SelectedTrial.from_json(trial.to_json()) == trial


@given(TRIALS, st.integers().filter(lambda number: number != 2))
def test_another_format_is_refused_with_the_remedy(trial: SelectedTrial, number: int) -> None:
    with pytest.raises(UserError, match="deploy Lambdas and images from the same commit"):
        SelectedTrial.from_json(replace(trial, format=number).to_json())


@pytest.mark.parametrize("member", ["rounds", "fold_scores", "hyperparameters"])
def test_a_missing_member_is_named(member: str) -> None:
    values = dict.fromkeys(SelectedTrial.__dataclass_fields__, 2)
    values["fold_scores"] = []  # type: ignore[assignment]
    del values[member]
    with pytest.raises(UserError, match=f"is incomplete: .*{member}"):
        SelectedTrial.from_json(json.dumps(values))


@pytest.mark.parametrize("text", ["", "[1]", "nothing"])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"selected_trial\.json"):
        SelectedTrial.from_json(text)
