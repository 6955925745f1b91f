"""What a plan estimates, recommends and prints."""

import dataclasses
import itertools
from pathlib import Path

import pytest

from config.load import load_settings
from config.settings import Candidate, Compute, FanOut, Model
from tests.unit.example_model import model_named
from warmfold.errors import WarmfoldError
from warmfold.plan.data_size import DataSize, size_of
from warmfold.plan.options import Option, Plan, changed, plan_of, recommended
from warmfold.plan.text import as_text
from warmfold.plan.work import TRAINING, cores_of, trials_of
from warmfold_local.modelled.parameters import ParameterError, by_name


def model() -> Model:
    return model_named(load_settings("prod"))


def with_candidates(candidates: tuple[Candidate, ...]) -> Model:
    return dataclasses.replace(model(), candidates=candidates)


def size(rows: int, columns: int = 50) -> DataSize:
    return DataSize(rows=rows, columns=columns, source="as given")


def by_way(plan: Plan) -> dict[tuple[str, str], Option]:
    return {(option.engine, option.strategy): option for option in plan.options}


def wall_seconds(option: Option) -> float:
    assert option.outcome is not None
    return option.outcome.wall_seconds


def on(instance_type: str) -> Compute:
    return dataclasses.replace(model().jobs.trial, instance_type=instance_type)


def test_a_trial_takes_longer_with_more_rows_columns_and_folds() -> None:
    known = by_name(TRAINING)
    small = trials_of(model(), size(10_000), known)["gbdt"]
    assert trials_of(model(), size(100_000), known)["gbdt"].seconds > 2 * small.seconds
    assert trials_of(model(), size(10_000, columns=500), known)["gbdt"].seconds > 2 * small.seconds
    data = dataclasses.replace(model().data, repeats=2)
    twice = trials_of(dataclasses.replace(model(), data=data), size(10_000), known)["gbdt"]
    assert twice.seconds == pytest.approx(2 * small.seconds)


def test_small_data_is_searched_in_one_job_because_starts_cost_more_than_training() -> None:
    option, reason = recommended(plan_of(model(), size(10_000)))
    assert (option.engine, option.strategy) == ("in_job", "in_job")
    assert "job starts cost more" in reason


def test_big_data_is_spread_over_machines() -> None:
    plan = plan_of(model(), size(20_000_000))
    option, _ = recommended(plan)
    assert option.engine == "amt"
    assert wall_seconds(option) < wall_seconds(by_way(plan)["in_job", "in_job"])


def test_jobs_are_counted_as_the_pipeline_starts_them() -> None:
    tuning, candidates = model().tuning, len(model().candidates)
    ways = by_way(plan_of(model(), size(10_000)))
    counts = {way: option.outcome.jobs for way, option in ways.items() if option.outcome}
    trials = candidates * tuning.max_trials
    assert counts["amt", "in_job"] == trials
    assert counts["amt", "fan_out"] == trials * (1 + model().data.folds)
    assert counts["in_job", "in_job"] == candidates


@pytest.mark.parametrize("rows", [1_000, 5_000_000])
def test_a_candidate_more_never_shortens_the_search_or_lowers_its_cost(rows: int) -> None:
    every = model().candidates
    assert len(every) > 1
    for order in (every, every[::-1]):
        growing = [order[:count] for count in range(1, len(order) + 1)]
        plans = [by_way(plan_of(with_candidates(some), size(rows))) for some in growing]
        for before, after in itertools.pairwise(plans):
            for way, option in before.items():
                assert wall_seconds(after[way]) >= wall_seconds(option)
                assert after[way].cost_dollars > option.cost_dollars


def test_the_slowest_candidate_sets_the_wall_time_and_each_costs_what_it_costs_alone() -> None:
    together = by_way(plan_of(model(), size(1_000_000)))
    alone = [by_way(plan_of(with_candidates((c,)), size(1_000_000))) for c in model().candidates]
    assert len({wall_seconds(each["in_job", "in_job"]) for each in alone}) > 1
    for way, option in together.items():
        assert wall_seconds(option) == max(wall_seconds(each[way]) for each in alone)
        costs = sum(each[way].cost_dollars for each in alone)
        assert option.cost_dollars == pytest.approx(costs)
        assert option.outcome is not None
        billed = sum(sum(o.billed_seconds.values()) for e in alone if (o := e[way].outcome))
        assert sum(option.outcome.billed_seconds.values()) == pytest.approx(billed)


def test_folds_as_jobs_are_refused_with_those_of_the_other_models() -> None:
    tuning = dataclasses.replace(model().tuning, parallel_trials=5)
    fan_out = FanOut(keep_alive_seconds=300, folds_at_once=18, own_fold=False)
    validation = dataclasses.replace(model().cross_validation, fan_out=fan_out)
    own = dataclasses.replace(
        with_candidates(model().candidates[:1]), tuning=tuning, cross_validation=validation
    )
    other = dataclasses.replace(changed(own, "amt", "fan_out"), name="other")

    assert by_way(plan_of(own, size(10_000)))["amt", "fan_out"].outcome is not None
    ways = by_way(plan_of(own, size(10_000), [other]))
    assert "models make 180 fold jobs at once" in ways["amt", "fan_out"].refused
    assert ways["amt", "in_job"].outcome is not None


def test_a_way_that_the_configuration_does_not_allow_says_why() -> None:
    without = dataclasses.replace(model(), jobs=dataclasses.replace(model().jobs, search=None))
    refused = by_way(plan_of(without, size(10_000)))["in_job", "in_job"]
    assert refused.outcome is None
    assert "jobs.search is missing" in refused.refused
    assert "not possible: jobs.search is missing" in as_text(plan_of(without, size(10_000)))
    validation = dataclasses.replace(model().cross_validation, fan_out=None)
    bare = dataclasses.replace(model(), cross_validation=validation)
    assert "fan_out] is missing" in by_way(plan_of(bare, size(10_000)))["amt", "fan_out"].refused


def test_a_plan_does_not_depend_on_what_is_configured_now() -> None:
    now, other = plan_of(model(), size(9_999)), changed(model(), "in_job", "in_job")
    assert plan_of(other, size(9_999)).options == now.options


def test_the_text_names_the_choice_and_every_figure_with_its_source() -> None:
    plan = plan_of(model(), size(10_000))
    text = as_text(plan)
    assert 'tuning.engine = "in_job", cross_validation.strategy = "in_job"' in text
    assert text.count("<- recommended") == 1
    for parameter in plan.assumptions:
        assert f"{parameter.name} = " in text
        assert f"[{parameter.source}; {parameter.dated}]" in text


def test_only_figures_that_were_used_are_printed() -> None:
    alone = dataclasses.replace(model(), candidates=model().candidates[:1])
    names = {parameter.name for parameter in plan_of(alone, size(10_000)).assumptions}
    assert "lightgbm_seconds_per_round" in names
    assert not {name for name in names if name.startswith(("linear", "xgboost"))}
    assert {name for name in names if name.startswith("price.")} == {"price.ml.c5.xlarge"}


@pytest.mark.parametrize(
    "instance_type,cores",
    [("ml.t3.medium", 2), ("ml.m5.large", 2), ("ml.c5.xlarge", 4), ("ml.m5.12xlarge", 48)],
)
def test_the_size_of_an_instance_type_says_its_cores(instance_type: str, cores: int) -> None:
    assert cores_of(on(instance_type)) == cores


def test_a_machine_without_known_cores_or_price_is_named() -> None:
    with pytest.raises(ParameterError, match=r"ml\.x2\.metal"):
        cores_of(on("ml.x2.metal"))
    jobs = dataclasses.replace(model().jobs, trial=on("ml.r7i.xlarge"))
    with pytest.raises(ParameterError, match=r"no price for ml\.r7i\.xlarge"):
        plan_of(dataclasses.replace(model(), jobs=jobs), size(10_000))


def test_rows_and_columns_are_counted_without_header_target_and_blank_lines(
    tmp_path: Path,
) -> None:
    file = tmp_path / "data.csv"
    file.write_text('\ufeffa,b,target\n1,"two\nlines",0\n2,x,1\n\n', encoding="utf-8")
    assert size_of(file) == DataSize(rows=2, columns=2, source=str(file))


@pytest.mark.parametrize("content", [b"", b"a,b\n", b"a\n1\n", b"a,b\n1,\xff\n"])
def test_a_file_that_is_no_table_is_refused_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "data.csv"
    file.write_bytes(content)
    with pytest.raises(WarmfoldError, match="--rows and --columns"):
        size_of(file)


@pytest.mark.parametrize("name", ["data.parquet", "data.PARQUET"])
def test_parquet_is_refused_as_what_it_is(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(b"PAR1\xff")
    with pytest.raises(WarmfoldError) as caught:
        size_of(file)
    remedy = "plan reads CSV only: give the size with --rows and --columns"
    assert str(caught.value) == f"{file}: {remedy}"
