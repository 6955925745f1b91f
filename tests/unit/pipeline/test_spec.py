"""Settings that no pipeline can be made of are refused with place, value and remedy."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.pipeline.examples import GBDT, MACHINE, SPEC
from warmfold.errors import WarmfoldError
from warmfold.pipeline.candidates import Candidate, FanOut, Range, SpecError
from warmfold.pipeline.spec import (
    MAX_FOLDS,
    Compute,
    PipelineSpec,
    ScoringSpec,
    has_instance_storage,
)

SPOT = Compute(instance_type="ml.m5.large", spot_max_wait_seconds=3600)
FAN_OUT = FanOut(keep_alive_seconds=600, folds_at_once=5, own_fold=False)

_SPANS = {str(index): Range(kind="integer", minimum=1, maximum=2) for index in range(31)}


def _spec(**changes: Any) -> Callable[[], PipelineSpec]:
    return lambda: replace(SPEC, **changes)


def _candidate(**changes: Any) -> Callable[[], Candidate]:
    return lambda: replace(GBDT, **changes)


def _range(kind: Any, low: float | None, high: float | None, **more: Any) -> Callable[[], Range]:
    return lambda: Range(kind=kind, minimum=low, maximum=high, **more)


@pytest.mark.parametrize(
    "make, words",
    [
        (_spec(folds=1), ("folds is 1", f"{MAX_FOLDS} of all repeats")),
        (_spec(folds=36), ("folds is 36",)),
        (_spec(folds=6, repeats=6), ("repeats 6",)),
        (_spec(repeats=0), ("repeats 0",)),
        (_spec(assignment="time", repeats=2), ("time orders rows in one way only",)),
        (_spec(metric="project.profit"), ("'project.profit'", "Maximize or Minimize")),
        (_spec(metric="quantile_loss:2"), ("quantile",)),
        (_spec(engine="auto"), ("'auto'", "amt or in_job")),
        (_spec(engine="in_job", search=None), ("search has no machine",)),
        (_spec(engine="in_job", fan_out=FAN_OUT), ("trains its folds itself",)),
        (_spec(racing=0.0), ("racing is 0.0",)),
        (_spec(racing=float("inf")), ("racing is inf",)),
        (_spec(fan_out=replace(FAN_OUT, folds_at_once=34)), ("102 fold jobs", "100 at most")),
        (lambda: replace(FAN_OUT, keep_alive_seconds=3601), ("keep_alive_seconds is 3601",)),
        (lambda: replace(FAN_OUT, folds_at_once=0), ("folds_at_once is 0",)),
        (_candidate(task="ranking"), ("'ranking'", "classification or regression")),
        (_spec(holdout_fraction=0.0), ("holdout_fraction is 0.0",)),
        (_spec(holdout_fraction=1.0), ("holdout_fraction is 1.0",)),
        (_spec(seed=-1), ("seed is -1",)),
        (_spec(metric="accuracy"), ("'accuracy'", "auc")),
        (_spec(strategy="Grid"), ("'Grid'", "Bayesian or Random")),
        (
            _spec(strategy="Random", stops_when_converged=True),
            ("stops_when_converged with strategy Random",),
        ),
        (_spec(parallel_trials=13), ("parallel_trials is 13", "(12)")),
        (_spec(parallel_trials=0), ("parallel_trials is 0",)),
        (_spec(candidates=()), ("at least one",)),
        (_spec(candidates=(GBDT, GBDT)), ("each name once",)),
        (_spec(minimum_score=float("nan")), ("minimum_score is nan",)),
        (_spec(realtime_instance_types=()), ("realtime_instance_types is empty",)),
        (_spec(model="German Credit"), ("'German Credit'", "lower-case")),
        (_spec(model="m" * 39), ("38 characters",)),
        (lambda: ScoringSpec(model="x_y", transform=MACHINE), ("'x_y'",)),
        (lambda: Compute(instance_type="m5.large"), ("'m5.large'", "ml.")),
        (lambda: Compute(instance_type="ml.m5.large", instance_count=0), ("instance_count is 0",)),
        (lambda: Compute(instance_type="ml.m5.large", volume_gib=0), ("volume_gib is 0",)),
        (
            lambda: replace(SPOT, max_runtime_seconds=3601),
            ("spot_max_wait_seconds is 3600", "3601"),
        ),
        (_spec(trial=SPOT), ("trial has spot_max_wait_seconds", "search and final")),
        (_candidate(name="two words"), ("'two words'", "letters")),
        (_candidate(name="c" * 60), ("57 characters",)),
        (_candidate(ranges={}), ("tunes 0",)),
        (_candidate(ranges=_SPANS), ("tunes 31",)),
        (_candidate(static={str(i): "1" for i in range(100, 184)}), ("101 hyperparameters",)),
        (_candidate(static={"num_leaves": "31"}), ("num_leaves is both",)),
        (_candidate(static={"warmfold_seed": "1"}), ("warmfold_seed is the platform's",)),
        (_range("integer", 5, 5), ("minimum 5 is not below",)),
        (_range("integer", 9, 5), ("minimum 9 is not below",)),
        (_range("integer", 0.5, 5), ("whole numbers",)),
        (_range("continuous", None, 5), ("both minimum and maximum",)),
        (_range("continuous", 0, float("inf")), ("finite",)),
        (_range("continuous", 0, 1, scaling="Logarithmic"), ("above 0",)),
        (_range("continuous", 0, 1, scaling="ReverseLogarithmic"), ("[0, 1)",)),
        (_range("integer", 0, 1, scaling="ReverseLogarithmic"), ("continuous",)),
        (_range("continuous", 0, 1, scaling="log"), ("'log'", "Logarithmic")),
        (_range("continuous", 0, 1, values=("a",)), ("has values",)),
        (_range("categorical", None, None), ("0 values",)),
        (_range("categorical", None, None, values=("a", "a")), ("repeat",)),
        (_range("categorical", 1, None, values=("a",)), ("minimum or maximum",)),
    ],
)
def test_bad_settings_are_refused(make: Callable[[], object], words: tuple[str, ...]) -> None:
    with pytest.raises(SpecError) as raised:
        make()

    assert isinstance(raised.value, WarmfoldError)
    assert all(word in str(raised.value) for word in words), str(raised.value)


def test_all_faults_of_a_spec_are_listed_at_once() -> None:
    with pytest.raises(SpecError) as raised:
        replace(SPEC, folds=1, seed=-1, metric="x")

    assert len(str(raised.value).splitlines()) == 3


def test_max_folds_is_what_the_forty_metrics_leave() -> None:
    assert MAX_FOLDS == 35


@pytest.mark.parametrize(
    "instance_type, expected",
    [
        ("ml.m5.large", False),
        ("ml.c6i.xlarge", False),
        ("ml.p3.2xlarge", False),
        ("ml.t3.medium", False),
        ("ml.m5d.large", True),
        ("ml.c6id.xlarge", True),
        ("ml.r5dn.large", True),
        ("ml.g4dn.xlarge", True),
        ("ml.g5.xlarge", True),
        ("ml.p4d.24xlarge", True),
    ],
)
def test_families_with_local_disks_are_known(instance_type: str, expected: bool) -> None:
    assert has_instance_storage(instance_type) is expected
