"""The training and scoring pipelines as they are deployed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from aws_cdk import App, Stack

from config.images import Kind, content_tag
from config.load import REPOSITORY, load_settings
from tests.unit.example_model import model_named
from tests.unit.infrastructure.assembly import Assembly, definition
from warmfold.pipeline.validate import faults
from warmfold_constructs.container_image import BuiltImage


@pytest.mark.parametrize("ending", ["training", "batch"])
def test_the_deployed_definition_is_valid(prod: Assembly, local: Assembly, ending: str) -> None:
    for assembly in (prod, local):
        assert faults(definition(assembly.stack(ending))) == []


def test_roles_stand_in_parameters_so_that_the_steps_are_plain(prod: Assembly) -> None:
    found = definition(prod.stack("training"))
    assert "arn:aws:iam" not in json.dumps(found["Steps"])
    roles = [p for p in found["Parameters"] if p["Name"].endswith("RoleArn")]
    assert len({role["DefaultValue"] for role in roles}) == 4


def test_images_are_named_by_their_content(prod: Assembly) -> None:
    model = model_named(load_settings("prod"))
    defaults = {
        parameter["Name"]: parameter.get("DefaultValue")
        for parameter in definition(prod.stack("training"))["Parameters"]
    }
    kinds: dict[str, Kind] = {"TrainerImage": "trainer", "ServerImage": "server"}
    for parameter, kind in kinds.items():
        tag = content_tag(REPOSITORY, kind, model.name, REPOSITORY / model.project)
        host = "333333333333.dkr.ecr.eu-west-1.amazonaws.com"
        assert defaults[parameter] == f"{host}/warmfold-prod-{kind}:{tag}"


def test_development_builds_its_images_for_sagemakers_machines(
    assembly: Callable[[str], Assembly],
) -> None:
    training = assembly("dev").stack("training")
    path = assembly("dev").folder / f"{training.name}.assets.json"
    images = json.loads(path.read_text(encoding="utf-8"))["dockerImages"].values()
    sources = [image["source"] for image in images]
    assert {source["dockerFile"] for source in sources} == {
        "trainer/Dockerfile",
        "server/Dockerfile",
    }
    for source in sources:
        assert source["platform"] == "linux/amd64"
        assert source["dockerOutputs"] == ["type=docker"]
        project = REPOSITORY / "examples" / "german_credit"
        assert source["dockerBuildContexts"] == {"project": str(project)}


def built_uri(project: Path, content_tag: str) -> object:
    stack = Stack(App(), "Stack")
    image = BuiltImage(stack, "Image", kind="trainer", project=project, content_tag=content_tag)
    return stack.resolve(image.uri)


def test_a_built_image_is_named_by_content_and_not_by_the_checkouts_folder(tmp_path: Path) -> None:
    here = built_uri(tmp_path / "here", "project-1")
    assert built_uri(tmp_path / "there", "project-1") == here
    assert built_uri(tmp_path / "here", "project-2") != here


def test_the_pipeline_waits_for_its_roles_policy(prod: Assembly) -> None:
    template = prod.stack("training")
    depends_on = template.only("AWS::SageMaker::Pipeline")["DependsOn"]
    assert any(name.startswith("PipelineRoleDefaultPolicy") for name in depends_on)


def test_settings_of_an_environment_reach_its_pipeline(prod: Assembly) -> None:
    model = model_named(load_settings("prod"))
    found = definition(prod.stack("training"))
    tunings = [step["Arguments"] for step in found["Steps"] if step["Type"] == "Tuning"]
    assert len(tunings) == len(model.candidates) > 1
    tuning = tunings[-1]
    limits = tuning["HyperParameterTuningJobConfig"]["ResourceLimits"]
    assert limits["MaxNumberOfTrainingJobs"] == model.tuning.max_trials
    assert limits["MaxParallelTrainingJobs"] == model.tuning.parallel_trials
    machines = tuning["TrainingJobDefinition"]["ResourceConfig"]
    assert machines["InstanceType"] == model.jobs.trial.instance_type
    assert "KeepAlivePeriodInSeconds" not in machines
