"""The search by itself, without jobs: ranges, scaling, strategies, repeatability, failures."""

import math
from collections.abc import Callable
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.local.tuning_support import RANGES, continuous
from warmfold_local.sagemaker.tuning_ranges import ParameterRange, parse_ranges
from warmfold_local.sagemaker.tuning_search import (
    GridSearch,
    Prior,
    Resource,
    Search,
    Suggestion,
    default_seed,
)

Objective = Callable[[dict[str, str]], float]


def search_of(ranges: dict[str, Any], strategy: str = "Random", **options: Any) -> Search:
    given_options = {"maximize": True, "trials": 40, "seed": 1, **options}
    return Search(parse_ranges(ranges, {}), strategy=strategy, **given_options)


def asked(search: Search | GridSearch) -> Suggestion:
    suggestion = search.ask()
    assert suggestion is not None
    return suggestion


def best_after(strategy: str, ranges: dict[str, Any], objective: Objective, seed: int) -> float:
    search = search_of(ranges, strategy, maximize=False, seed=seed)
    scores = []
    for _ in range(40):
        suggestion = asked(search)
        scores.append(objective(suggestion.hyperparameters))
        search.tell(suggestion, scores[-1])
    return min(scores)


PLANE = {
    "ContinuousParameterRanges": [
        continuous("x", "-5", "5", "Linear"),
        continuous("rate", "0.00001", "1", "Logarithmic"),
    ],
    "IntegerParameterRanges": [continuous("n", "1", "100", "Linear")],
}


def bowl(values: dict[str, str]) -> float:
    """A bowl with its bottom, 0, at x = 1, rate = 0.001, n = 70."""
    rate = (math.log10(float(values["rate"])) + 3) / 5
    return ((float(values["x"]) - 1) / 10) ** 2 + rate**2 + ((int(values["n"]) - 70) / 99) ** 2


def test_bayesian_finds_a_better_optimum_than_random() -> None:
    """Over ten seeds the best of 40 trials lies at most half as high above the bottom."""
    bayesian = fmean(best_after("Bayesian", PLANE, bowl, seed) for seed in range(10))
    drawn = fmean(best_after("Random", PLANE, bowl, seed) for seed in range(10))
    assert bayesian < 0.5 * drawn


def mean_distance(strategy: str) -> float:
    """How far from the optimum the later half of 40 suggestions lies, over five seeds."""
    distances = []
    for seed in range(5):
        ranges = {"ContinuousParameterRanges": [continuous("x", "0", "1")]}
        search = search_of(ranges, strategy, seed=seed)
        for number in range(40):
            suggestion = asked(search)
            distance = abs(float(suggestion.hyperparameters["x"]) - 0.3)
            search.tell(suggestion, -distance)
            distances += [distance] if number >= 20 else []
    return fmean(distances)


def test_the_bayesian_search_learns_from_scores() -> None:
    assert mean_distance("Bayesian") < 0.6 * mean_distance("Random")


def test_parallel_suggestions_differ() -> None:
    search = search_of(RANGES, "Bayesian")
    for _ in range(12):
        search.tell(asked(search), 0.5)
    assert len({asked(search).hyperparameters["x"] for _ in range(10)}) == 10


@pytest.mark.parametrize("strategy", ["Bayesian", "Random", "Hyperband"])
def test_a_seed_repeats_a_search_failures_included(strategy: str) -> None:
    drawn = []
    for seed in (3, 3, 4):
        search = search_of(RANGES, strategy, seed=seed)
        suggestions = []
        for number in range(15):
            suggestion = asked(search)
            suggestions.append(suggestion.hyperparameters)
            x = float(suggestion.hyperparameters["x"])
            search.tell(suggestion, None if number % 4 == 3 else x)
        drawn.append(suggestions)
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("strategy", ["Bayesian", "Random", "Hyperband"])
def test_a_search_goes_on_if_every_trial_fails(strategy: str) -> None:
    search = search_of(RANGES, strategy, trials=8)
    for _ in range(12):
        search.tell(asked(search), None)
    assert asked(search).hyperparameters["kind"] in ("a", "b")


@pytest.mark.parametrize("seed", range(4))
def test_the_bayesian_search_keeps_away_from_where_trials_fail(seed: int) -> None:
    search = search_of(
        {"ContinuousParameterRanges": [continuous("x", "0", "1")]}, "Bayesian", seed=seed
    )
    late = []
    for number in range(40):
        suggestion = asked(search)
        x = float(suggestion.hyperparameters["x"])
        search.tell(suggestion, None if x > 0.7 else -abs(x - 0.2))
        late += [x] if number >= 20 else []
    assert abs(fmean(late) - 0.2) < 0.15


FINITE = st.floats(-1e300, 1e300, allow_nan=False)
POSITIVE = st.floats(5e-324, 1e300)
BELOW_ONE = st.floats(0, 1, exclude_max=True)
WHOLE = st.integers(-(2**53), 2**53)
NATURAL = st.integers(1, 2**53)
RANGE_KINDS = st.one_of(
    st.tuples(st.just("Continuous"), st.just("Linear"), FINITE, FINITE),
    st.tuples(st.just("Continuous"), st.just("Auto"), FINITE, FINITE),
    st.tuples(st.just("Continuous"), st.just("Logarithmic"), POSITIVE, POSITIVE),
    st.tuples(st.just("Continuous"), st.just("ReverseLogarithmic"), BELOW_ONE, BELOW_ONE),
    st.tuples(st.just("Integer"), st.just("Linear"), WHOLE, WHOLE),
    st.tuples(st.just("Integer"), st.just("Auto"), WHOLE, WHOLE),
    st.tuples(st.just("Integer"), st.just("Logarithmic"), NATURAL, NATURAL),
)


@settings(deadline=None)
@given(RANGE_KINDS, st.sampled_from(["Random", "Bayesian"]), st.integers(0, 2**32))
def test_every_value_lies_in_its_range_and_survives_as_text(
    kind: tuple[str, str, float, float], strategy: str, seed: int
) -> None:
    name, scaling, one, other = kind
    low, high = sorted((one, other))
    ranges = {f"{name}ParameterRanges": [continuous("x", repr(low), repr(high), scaling)]}
    (parsed,) = parse_ranges(ranges, {})
    search = search_of(ranges, strategy, seed=seed)
    number = int if name == "Integer" else float
    for _ in range(6):
        suggestion = asked(search)
        text = suggestion.hyperparameters["x"]
        assert low <= number(text) <= high
        assert (str if name == "Integer" else repr)(number(text)) == text
        drawn = parsed.drawn(text)
        assert drawn is not None
        assert math.isclose(float(parsed.text(drawn)), float(text), rel_tol=1e-9, abs_tol=1e-15)
        search.tell(suggestion, 0.0)


@given(st.lists(st.text(max_size=256), min_size=1, max_size=30, unique=True), st.integers(0, 99))
def test_a_category_is_one_of_its_values_as_written(values: list[str], seed: int) -> None:
    ranges = {"CategoricalParameterRanges": [{"Name": "kind", "Values": values}]}
    search = search_of(ranges, seed=seed)
    assert asked(search).hyperparameters["kind"] in values


def test_a_grid_tries_every_combination_once() -> None:
    ranges = {
        "CategoricalParameterRanges": [
            {"Name": "a", "Values": ["1", "2"]},
            {"Name": "b", "Values": ["x", "y", "z"]},
        ]
    }
    grid = GridSearch(parse_ranges(ranges, {}))
    drawn = [asked(grid).hyperparameters for _ in range(6)]
    assert drawn == [{"a": a, "b": b} for a in ("1", "2") for b in ("x", "y", "z")]
    assert grid.ask() is None


def hyperband(score: Callable[[float], float]) -> tuple[list[int], list[float]]:
    """Epochs used by each of 60 trials one after the other, and the x of those with all nine."""
    ranges = {"ContinuousParameterRanges": [continuous("x", "0", "1")]}
    search = search_of(ranges, "Hyperband", resource=Resource(least=1, most=9), trials=60)
    used, whole = [], []
    for _ in range(60):
        suggestion = asked(search)
        x, epoch = float(suggestion.hyperparameters["x"]), 1
        while not search.hopeless(suggestion, epoch, score(x)) and epoch < 9:
            epoch += 1
        search.tell(suggestion, score(x))
        used.append(epoch)
        whole += [x] if epoch == 9 else []
    return used, whole


def test_hyperband_spends_its_epochs_on_the_promising() -> None:
    used, whole = hyperband(lambda x: x)
    assert sum(used) < 0.6 * 60 * 9
    assert fmean(whole[10:]) > 0.7
    assert {1, 9} < set(used)


def test_hyperband_stops_nothing_before_its_least_resource() -> None:
    ranges = {"ContinuousParameterRanges": [continuous("x", "0", "1")]}
    search = search_of(ranges, "Hyperband", resource=Resource(least=4, most=27))
    stopped = []
    for number in range(40):
        suggestion = asked(search)
        for epoch in range(1, 28):
            if search.hopeless(suggestion, epoch, float(-number)):
                stopped.append(epoch)
                break
        search.tell(suggestion, float(-number))
    assert stopped
    assert min(stopped) >= 4


def test_priors_with_scores_guide_the_search() -> None:
    ranges = {"ContinuousParameterRanges": [continuous("x", "0", "1")]}
    known = [Prior(hyperparameters={"x": str(i / 40)}, score=-abs(i / 40 - 0.8)) for i in range(40)]
    search = search_of(ranges, "Bayesian", priors=known)
    cold = search_of(ranges, "Bayesian")
    near = [abs(float(asked(search).hyperparameters["x"]) - 0.8) for _ in range(4)]
    far = [abs(float(asked(cold).hyperparameters["x"]) - 0.8) for _ in range(4)]
    assert fmean(near) < 0.5 * fmean(far)


def test_priors_without_scores_are_tried_first() -> None:
    tried = {"x": "0.25", "n": "3", "kind": "b"}
    outside = {"x": "7.5", "n": "3", "kind": "b"}
    unknown = {"x": "0.25", "kind": "b"}
    priors = [Prior(hyperparameters=values) for values in (outside, unknown, tried)]
    search = search_of(RANGES, "Bayesian", priors=priors)
    assert asked(search).hyperparameters == tried
    assert asked(search).hyperparameters != tried


def test_reverse_logarithmic_values_crowd_towards_one() -> None:
    ranges = {"ContinuousParameterRanges": [continuous("x", "0.9", "0.9999", "ReverseLogarithmic")]}
    search = search_of(ranges)
    values = [float(asked(search).hyperparameters["x"]) for _ in range(300)]
    assert all(0.9 <= value <= 0.9999 for value in values)
    assert 0.4 < sum(value > 0.997 for value in values) / 300 < 0.6  # half of the log scale


def test_logarithmic_values_spread_evenly_over_orders_of_magnitude() -> None:
    ranges = {"ContinuousParameterRanges": [continuous("x", "0.0001", "1", "Logarithmic")]}
    search = search_of(ranges)
    values = [float(asked(search).hyperparameters["x"]) for _ in range(300)]
    assert 0.4 < sum(value > 0.01 for value in values) / 300 < 0.6


def test_auto_scaling_is_logarithmic_for_wide_positive_ranges() -> None:
    ranges = [continuous("wide", "0.001", "1"), continuous("narrow", "0.5", "1")]
    (wide, narrow) = parse_ranges({"ContinuousParameterRanges": ranges}, {})
    assert (wide.scaling, narrow.scaling) == ("Logarithmic", "Linear")


def test_integers_are_written_as_integers() -> None:
    assert ParameterRange(name="n", integer=True, low=1, high=9).text(3) == "3"
    assert math.isclose(float(ParameterRange(name="x", low=0, high=1).text(1e-5)), 1e-5)


def test_the_default_seed_is_the_names() -> None:
    assert default_seed("a") == default_seed("a") != default_seed("b")
