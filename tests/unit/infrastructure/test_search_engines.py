"""The ways to search and to cross-validate: what each may do, and what it may not."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from config.load import load_settings
from config.settings import Model, Settings
from stacks.translate import pipeline_spec
from tests.unit.example_model import with_the_example_only
from tests.unit.infrastructure.assembly import Assembly, definition, flat, listed, synthesize
from tests.unit.infrastructure.test_monitoring import shown
from warmfold.pipeline.validate import faults
from warmfold_constructs.python_function import SOURCE
from warmfold_lambda.log import NAMESPACE

Synth = Callable[[str], Assembly]


def searching(model: Model, way: str) -> Model:
    """The model with trials that start fold jobs, that race each other, or in one job."""
    tuning, validation = model.tuning, model.cross_validation
    if way == "fan_out":
        changed = dataclasses.replace(validation, strategy="fan_out")
        return dataclasses.replace(model, cross_validation=changed)
    if way == "racing":
        return dataclasses.replace(model, tuning=dataclasses.replace(tuning, racing=1.645))
    return dataclasses.replace(
        model, tuning=dataclasses.replace(tuning, engine="in_job", racing=1.645)
    )


@pytest.fixture(scope="module")
def synth(tmp_path_factory: pytest.TempPathFactory) -> Synth:
    """An assembly of the local environment that searches in one way, synthesized once."""
    made: dict[str, Assembly] = {}

    def get(way: str) -> Assembly:
        if way not in made:
            settings = with_the_example_only(load_settings("local"))
            made[way] = synthesize(_only_training(settings, way), tmp_path_factory.mktemp(way))
        return made[way]

    return get


def _only_training(settings: Settings, way: str) -> Settings:
    models = tuple(searching(model, way) for model in settings.models)
    return dataclasses.replace(settings, models=models)


def trial_statements(assembly: Assembly) -> list[dict[str, Any]]:
    return [s for where, s in assembly.statements() if "-training/RolesTrialRole" in where]


def allowed(statements: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Every action with its statement; an action that stands in two is the last one's."""
    return {action: s for s in statements for action in listed(s["Action"])}


@pytest.mark.parametrize("way", ["fan_out", "racing", "in_job"])
def test_the_deployed_definition_is_valid_for_every_way_to_search(synth: Synth, way: str) -> None:
    assert faults(definition(synth(way).stack("training"))) == []


def test_spot_capacity_reaches_the_jobs_that_ask_for_it_and_no_others() -> None:
    model = with_the_example_only(load_settings("local")).models[0]
    final = dataclasses.replace(model.jobs.final, spot=True, spot_max_wait_seconds=1200)
    spot = dataclasses.replace(model, jobs=dataclasses.replace(model.jobs, final=final))
    spec = pipeline_spec(searching(spot, "in_job"))
    assert spec.final.spot_max_wait_seconds == 1200
    assert spec.search is not None
    assert spec.search.spot_max_wait_seconds is None


def test_a_trial_that_starts_no_folds_may_call_nothing_of_sagemaker(
    synth: Synth, local: Assembly
) -> None:
    for assembly in (local, synth("racing"), synth("in_job")):
        assert not [a for a in allowed(trial_statements(assembly)) if a.startswith("sagemaker:")]


def test_a_trial_starts_folds_without_network_on_its_own_machine_and_as_one_role(
    synth: Synth,
) -> None:
    create = allowed(trial_statements(synth("fan_out")))["sagemaker:CreateTrainingJob"]
    assert flat(create["Resource"]).endswith(":training-job/????????????-Tune-*-fold-*")
    condition = create["Condition"]
    assert condition["Bool"] == {"sagemaker:NetworkIsolation": "true"}
    assert condition["ForAllValues:StringEquals"] == {"sagemaker:InstanceTypes": ["ml.m5.large"]}
    assert condition["NumericLessThanEqualsIfExists"] == {"sagemaker:KeepAlivePeriod": 600}
    assert list(condition["StringEquals"]) == ["aws:RequestTag/warmfold:fold-role"]


def test_a_trial_passes_the_folds_role_and_no_other(synth: Synth) -> None:
    passing = allowed(trial_statements(synth("fan_out")))["iam:PassRole"]
    (passed,) = listed(passing["Resource"])
    assert passed["Fn::GetAtt"][0].startswith("RolesFoldRole")
    assert passing["Condition"] == {
        "StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}
    }


def test_a_trial_stops_only_folds_of_its_own_role(synth: Synth) -> None:
    stop = allowed(trial_statements(synth("fan_out")))["sagemaker:StopTrainingJob"]
    assert list(stop["Condition"]["StringEquals"]) == ["aws:ResourceTag/warmfold:fold-role"]


def test_a_fold_may_call_neither_sagemaker_nor_iam(synth: Synth) -> None:
    folds = [s for where, s in synth("fan_out").statements() if "-training/RolesFoldRole" in where]
    assert folds
    assert not [a for a in allowed(folds) if a.startswith(("sagemaker:", "iam:"))]


def test_folds_are_swept_only_where_they_are_jobs(synth: Synth, local: Assembly) -> None:
    assert sweeper_statements(synth("fan_out"))
    assert not sweeper_statements(local)
    rules = synth("fan_out").stack("training").of_type("AWS::Events::Rule").values()
    assert [r["Properties"].get("ScheduleExpression") for r in rules] == ["rate(5 minutes)"]


def test_the_sweeper_changes_only_jobs_with_the_tag_of_the_folds_role(synth: Synth) -> None:
    found = allowed(sweeper_statements(synth("fan_out")))
    changing = {"sagemaker:StopTrainingJob", "sagemaker:UpdateTrainingJob"}
    reading = {"Describe", "List"}
    others = {a for a in found if a.startswith("sagemaker:")} - changing
    assert all(any(word in action for word in reading) for action in others)
    for action in changing:
        statement = found[action]
        assert flat(statement["Resource"]).endswith(":training-job/????????????-Tune-*-fold-*")
        (role,) = statement["Condition"]["StringEquals"].values()
        assert list(statement["Condition"]) == ["StringEquals"]
        assert role["Ref"].startswith("RolesFoldRole")


def test_a_sweep_that_fails_is_told(synth: Synth) -> None:
    (alarm,) = synth("fan_out").stack("training").of_type("AWS::CloudWatch::Alarm").values()
    named = {m["Id"] for m in alarm["Properties"]["Metrics"] if "MetricStat" in m}
    assert named == {"errors", "warnings"}
    assert flat(alarm["Properties"]["AlarmActions"][0]).endswith(":warmfold-local-alerts")


def test_what_becomes_of_folds_is_shown_and_counted(synth: Synth) -> None:
    ours = {name for namespace, name in shown(synth("fan_out")) if namespace == NAMESPACE}
    folds = {"FoldJobs", "FoldJobsOnWarmMachines", "FoldSeconds", "FoldsStopped", "PoolsEnded"}
    assert folds <= ours
    sources = [path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py")]
    assert [name for name in folds if not any(name in source for source in sources)] == []
    best = [s for where, s in synth("fan_out").statements() if "/BestTrainingJob" in where]
    assert "sagemaker:ListTrainingJobs" in allowed(best)


def sweeper_statements(assembly: Assembly) -> list[dict[str, Any]]:
    return [s for where, s in assembly.statements() if "/FoldSweeper" in where]


@pytest.mark.parametrize(
    "way,folder", [("fan_out", "folds"), ("racing", "incumbents"), ("in_job", "checkpoints")]
)
def test_trials_read_no_more_of_what_they_wrote_than_they_have_to(
    synth: Synth, way: str, folder: str
) -> None:
    read = {
        flat(arn).partition("executions/*/")[2]
        for statement in trial_statements(synth(way))
        if "s3:GetObject" in listed(statement["Action"])
        for arn in listed(statement["Resource"])
    }
    assert read == {"features/train/*", f"tuning/{folder}/*"}


def test_there_is_a_role_for_folds_only_if_folds_are_jobs(synth: Synth) -> None:
    with_folds = [where for where in synth("fan_out").roles() if "RolesFoldRole" in where]
    without = [where for where in synth("in_job").roles() if "RolesFoldRole" in where]
    assert (len(with_folds), len(without)) == (1, 0)
