"""How a model is searched: metric, engine, racing, folds, and what does not go together."""

from pathlib import Path
from typing import Any

import pytest

from config.errors import InvalidSettingsError
from config.load import load_settings
from config.settings import FanOut
from tests.unit.config.environment_file import Place, at, set_at, values, write

MODEL: Place = ("models", 0)
DATA: Place = (*MODEL, "data")
TUNING: Place = (*MODEL, "tuning")
VALIDATION: Place = (*MODEL, "cross_validation")
FAN_OUT: Place = (*VALIDATION, "fan_out")
SEARCH: Place = (*MODEL, "jobs", "search")
GATE: Place = (*MODEL, "gate", "minimum_score")
TASK: Place = (*MODEL, "candidates", 0, "task")
FOLDS: dict[str, Any] = {"keep_alive_seconds": 300, "folds_at_once": 5, "own_fold": True}

Change = tuple[Place, object]


def changed(*changes: Change) -> dict[str, Any]:
    content = values()
    content["models"][0]["candidates"] = content["models"][0]["candidates"][:1]
    for place, value in changes:
        content = set_at(content, place, value)
    return content


def without(content: dict[str, Any], place: Place) -> dict[str, Any]:
    copy = set_at(content, place, None)
    del at(copy, place[:-1])[place[-1]]
    return copy


def messages(folder: Path, content: dict[str, Any]) -> list[str]:
    with pytest.raises(InvalidSettingsError) as caught:
        load_settings("prod", write(folder, content))
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    "changes,expected",
    [
        ([((*TUNING, "engine"), "auto")], "let `warmfold plan --write` put the choice"),
        ([((*VALIDATION, "strategy"), "auto")], 'strategy = "auto": is a choice not made yet'),
        ([((*TUNING, "engine"), "injob")], "did you mean 'in_job'?"),
        ([((*TUNING, "metric"), "accuracy")], "is no metric of the trainer; use one of auc"),
        ([((*TUNING, "metric"), "quantile_loss:1.5")], "is no metric of the trainer"),
        ([((*TUNING, "metric"), "project.profit")], "tuning.direction: is missing"),
        ([((*TUNING, "direction"), "Maximize")], "means nothing for auc"),
        ([((*TUNING, "racing"), True)], "racing = true: is no number of standard errors"),
        (
            [((*TUNING, "stops_when_converged"), True), ((*TUNING, "strategy"), "Random")],
            'stops_when_converged = true: means nothing with strategy = "Random"',
        ),
        (
            [((*TUNING, "stops_when_converged"), "yes")],
            'stops_when_converged = "yes": is a text in quotes; use true or false',
        ),
        ([((*TUNING, "racing"), 0)], "racing = 0: is no number of standard errors"),
        ([((*TUNING, "racing"), float("nan"))], "is no number of standard errors"),
        ([((*TUNING, "racing"), "off")], 'racing = "off": is a text in quotes; use true or false'),
        ([((*DATA, "repeats"), 8)], "repeats = 8: makes 40 folds"),
        (
            [((*DATA, "assignment"), "time"), ((*DATA, "repeats"), 2)],
            "repeats = 2: means nothing when rows are in the order of time",
        ),
        ([((*DATA, "assignment"), "random")], 'use one of "stratified", "grouped", "time"'),
        ([((*FAN_OUT, "keep_alive_seconds"), 3601)], "use a number from 0 to 3600"),
        (
            [
                ((*VALIDATION, "strategy"), "fan_out"),
                (FAN_OUT, {**FOLDS, "folds_at_once": 21}),
            ],
            "makes 105 fold jobs at once with 5 parallel trials of 1 candidates",
        ),
        (
            [((*TUNING, "engine"), "in_job"), ((*VALIDATION, "strategy"), "fan_out")],
            'use strategy = "in_job", or tuning.engine = "amt"',
        ),
        ([((*TUNING, "metric"), "rmse"), (GATE, 9.5)], 'task = "classification": does not suit'),
        ([(GATE, 75)], "gate.minimum_score = 75.0: is no value of auc"),
        (
            [((*MODEL, "jobs", "trial", "instance_count"), 2)],
            "trial.instance_count = 2: would do the same work once per machine",
        ),
        (
            [((*SEARCH, "spot"), True), ((*SEARCH, "spot_max_wait_seconds"), 14399)],
            "search.spot_max_wait_seconds = 14399: is less than max_runtime_seconds (14400)",
        ),
        (
            [((*MODEL, "jobs", "final", "spot"), "yes")],
            'final.spot = "yes": is a text in quotes; use true or false',
        ),
        ([((*MODEL, "jobs", "trial", "spot"), True)], "jobs.trial.spot = true: is not a known key"),
        ([((*MODEL, "jobs", "trial", "spot"), True)], "have it: trials and folds have no spot"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_anything_is_deployed(
    tmp_path: Path, changes: list[Change], expected: str
) -> None:
    found = messages(tmp_path, changed(*changes))
    assert len(found) == 1
    assert expected in found[0]


def fanned(*folds_at_once: int) -> dict[str, Any]:
    """An environment with a model for each number, of five trials at once."""
    content = changed(((*VALIDATION, "strategy"), "fan_out"))
    (one,) = content["models"]
    content["models"] = [
        set_at(
            {**one, "name": f"model-{index}"},
            FAN_OUT[2:],
            {**FOLDS, "folds_at_once": number},
        )
        for index, number in enumerate(folds_at_once)
    ]
    return content


def test_the_folds_of_all_models_are_stopped_by_one_account(tmp_path: Path) -> None:
    load_settings("prod", write(tmp_path, fanned(10, 10)))
    in_job = ("models", 1, "cross_validation", "strategy")
    load_settings("prod", write(tmp_path, set_at(fanned(18, 18), in_job, "in_job")))

    (fault,) = messages(tmp_path, fanned(18, 18))
    assert fault.startswith("models: make 180 fold jobs at once when all are trained together (90")
    assert "(90 of model-0, 90 of model-1); lower folds_at_once" in fault
    (fault,) = messages(tmp_path, fanned(21, 18))
    assert fault.startswith("models[0].cross_validation.fan_out.folds_at_once = 21: makes 105")


def test_folds_as_jobs_need_their_table_and_a_search_its_machine(tmp_path: Path) -> None:
    fanned = changed(((*VALIDATION, "strategy"), "fan_out"))
    (fault,) = messages(tmp_path, without(fanned, FAN_OUT))
    assert "add [models.cross_validation.fan_out] with keep_alive_seconds" in fault
    searched = changed(((*TUNING, "engine"), "in_job"))
    (fault,) = messages(tmp_path, without(searched, (*MODEL, "jobs", "search")))
    assert "jobs.search: is missing, and tuning.engine" in fault


def test_whether_a_search_may_end_early_is_for_each_environment_to_say(tmp_path: Path) -> None:
    (fault,) = messages(tmp_path, without(changed(), (*TUNING, "stops_when_converged")))
    assert "models[0].tuning.stops_when_converged: is missing" in fault


@pytest.mark.parametrize("job", ["search", "final"])
def test_spot_capacity_is_for_each_environment_to_say(tmp_path: Path, job: str) -> None:
    for key in ("spot", "spot_max_wait_seconds"):
        (fault,) = messages(tmp_path, without(changed(), (*MODEL, "jobs", job, key)))
        assert f"models[0].jobs.{job}.{key}: is missing" in fault


def test_a_waiting_time_that_is_not_used_may_be_short(tmp_path: Path) -> None:
    content = changed(((*SEARCH, "spot_max_wait_seconds"), 60))
    (model,) = load_settings("prod", write(tmp_path, content)).models
    assert model.jobs.search is not None
    assert (model.jobs.search.spot, model.jobs.search.spot_max_wait_seconds) == (False, 60)


def test_production_trains_on_capacity_that_stays() -> None:
    (model, *_) = load_settings("prod").models
    assert model.jobs.search is not None
    assert not model.jobs.search.spot
    assert not model.jobs.final.spot


def test_tables_of_the_way_that_is_not_taken_may_wait_in_the_file(tmp_path: Path) -> None:
    (model,) = load_settings("prod", write(tmp_path, changed((FAN_OUT, FOLDS)))).models
    assert model.cross_validation.fan_out == FanOut(**FOLDS)
    assert model.cross_validation.strategy == "in_job"


@pytest.mark.parametrize(
    "changes",
    [
        [((*TUNING, "metric"), "rmse"), (GATE, 9.5), (TASK, "regression")],
        [((*TUNING, "metric"), "quantile_loss:0.9"), (GATE, 9.5), (TASK, "regression")],
        [((*TUNING, "metric"), "project.profit"), ((*TUNING, "direction"), "Minimize")],
        [(TASK, "regression")],
        [((*TUNING, "racing"), 2)],
        [((*TUNING, "stops_when_converged"), True)],
        [((*TUNING, "stops_when_converged"), True), ((*TUNING, "engine"), "in_job")],
        [((*DATA, "repeats"), 7)],
        [((*TUNING, "engine"), "in_job")],
        [((*VALIDATION, "strategy"), "fan_out"), (FAN_OUT, FOLDS)],
    ],
)
def test_what_can_be_searched_is_taken(tmp_path: Path, changes: list[Change]) -> None:
    assert load_settings("prod", write(tmp_path, changed(*changes))).models
