"""What a candidate names is held to the trainer's algorithms when the file is read."""

from pathlib import Path

import pytest

from config.errors import InvalidSettingsError
from config.load import load_settings
from tests.unit.config.environment_file import Place, set_at, values, write
from warmfold_contract.algorithms import HYPERPARAMETERS
from warmfold_trainer.algorithms.registry import ALGORITHMS

CANDIDATE: Place = ("models", 0, "candidates", 0)


def faults(folder: Path, *changes: tuple[Place, object]) -> dict[str, str]:
    """What is said about a production file, by key below the candidate."""
    content = values()
    for place, value in changes:
        content = set_at(content, (*CANDIDATE, *place), value)
    with pytest.raises(InvalidSettingsError) as caught:
        load_settings("prod", write(folder, content))
    start = "models[0].candidates[0]."
    return {fault.key.removeprefix(start): str(fault) for fault in caught.value.faults}


def integer(minimum: float, maximum: float) -> dict[str, object]:
    return {"kind": "integer", "minimum": minimum, "maximum": maximum}


def number(minimum: float, maximum: float) -> dict[str, object]:
    return {"kind": "continuous", "minimum": minimum, "maximum": maximum}


def test_the_trainer_has_the_algorithms_that_a_file_may_name() -> None:
    assert set(ALGORITHMS) == set(HYPERPARAMETERS)


def test_an_algorithm_that_the_trainer_lacks_is_refused(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, (("algorithm",), "prophet")).values()
    known = ", ".join(HYPERPARAMETERS)
    assert f'algorithm = "prophet": is no algorithm of the trainer; use one of {known}' in fault


def test_a_misspelt_algorithm_is_answered_with_the_right_one(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, (("algorithm",), "ligthgbm")).values()
    assert "did you mean 'lightgbm'?" in fault


@pytest.mark.parametrize(
    "place,value,key,expected",
    [
        (("ranges", "num_leafs"), integer(4, 9), "ranges.num_leafs", "did you mean 'num_leaves'?"),
        (("static", "max_round"), 5, "static.max_round", "did you mean 'max_rounds'?"),
        (("static", "decay"), 5, "static.decay", "use one of max_rounds, "),
        (("ranges", "max_bin"), integer(9, 99), "ranges.max_bin", "give it one value in static"),
        (
            ("ranges", "num_leaves"),
            integer(1, 9),
            "ranges.num_leaves.minimum",
            "minimum = 1.0: is not allowed; use an integer from 2 to 131072",
        ),
        (
            ("ranges", "feature_fraction"),
            number(0.5, 1.5),
            "ranges.feature_fraction.maximum",
            "maximum = 1.5: is not allowed; use a number above 0 to 1",
        ),
        (("ranges", "num_leaves"), number(4, 9), "ranges.num_leaves.kind", 'kind = "integer"'),
        (
            ("ranges", "num_leaves"),
            {"kind": "categorical", "values": ["7", "many"]},
            "ranges.num_leaves.values[1]",
            '= "many": is not allowed; use an integer',
        ),
        (("static", "max_rounds"), 0, "static.max_rounds", "use an integer from 1 to 100000"),
        (("static", "max_rounds"), 9.5, "static.max_rounds", "use an integer from 1"),
        (("static", "max_rounds"), "few", "static.max_rounds", '= "few": is not allowed'),
    ],
)
def test_what_a_trial_would_refuse_is_refused_with_its_key(
    tmp_path: Path, place: Place, value: object, key: str, expected: str
) -> None:
    found = faults(tmp_path, (place, value))
    assert list(found) == [key]
    assert expected in found[key]


def test_all_of_a_candidates_faults_are_told_at_once(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        (("static", "max_rounds"), 0),
        (("ranges", "num_leafs"), integer(4, 9)),
        (("ranges", "bagging_fraction"), number(0, 1)),
    )
    assert set(found) == {
        "static.max_rounds",
        "ranges.num_leafs",
        "ranges.bagging_fraction.minimum",
    }


def test_a_whole_number_may_be_chosen_among_texts(tmp_path: Path) -> None:
    place = (*CANDIDATE, "ranges", "num_leaves")
    content = set_at(values(), place, {"kind": "categorical", "values": ["7", "31"]})
    (model,) = load_settings("prod", write(tmp_path, content)).models
    assert model.candidates[0].ranges["num_leaves"].values == ("7", "31")


def regression(**changes: object) -> tuple[tuple[Place, object], ...]:
    """The candidate as a regression on the 0/1 target, with these static values."""
    return (
        (("task",), "regression"),
        *(((("static", key), value)) for key, value in changes.items()),
    )


def test_a_text_among_a_few_is_named_and_searched_as_one(tmp_path: Path) -> None:
    found = faults(tmp_path, *regression(objective="l3"))
    assert "use one of l2, l1, huber, quantile" in found["static.objective"]
    found = faults(tmp_path, *regression(), (("ranges", "objective"), number(0, 1)))
    assert 'set kind = "categorical"' in found["ranges.objective.kind"]


def test_a_hyperparameter_of_the_other_task_is_unknown(tmp_path: Path) -> None:
    assert (
        "is no hyperparameter of lightgbm"
        in faults(tmp_path, (("static", "objective"), "l2"))["static.objective"]
    )


def test_values_that_contradict_each_other_are_refused_before_a_trial_draws_them(
    tmp_path: Path,
) -> None:
    found = faults(
        tmp_path, *regression(objective="quantile"), (("ranges", "alpha"), number(0.5, 2))
    )
    assert "can draw a trial that fails: alpha is 2.0" in found["ranges"]
    content = set_at(values(), (*CANDIDATE, "task"), "regression")
    content = set_at(content, (*CANDIDATE, "ranges", "alpha"), number(0.1, 0.9))
    content = set_at(content, (*CANDIDATE, "static", "objective"), "quantile")
    assert load_settings("prod", write(tmp_path, content)).models[0].candidates[0].task


def test_a_candidate_says_what_it_predicts_and_from_which_features(tmp_path: Path) -> None:
    assert "did you mean 'regression'?" in faults(tmp_path, (("task",), "regresion"))["task"]
    found = faults(tmp_path, (("feature_set",), "two words"))["feature_set"]
    assert "write a feature set of the project" in found
