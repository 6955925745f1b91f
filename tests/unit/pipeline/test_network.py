"""Where the jobs and models of a pipeline have their network interfaces."""

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.pipeline.examples import REFS, SPEC, step_of, training
from warmfold.pipeline.network import in_network
from warmfold.pipeline.spec import JobNetwork, PipelineSpec
from warmfold.pipeline.training import training_pipeline
from warmfold.pipeline.validate import faults

NETWORK = JobNetwork(
    subnet_ids=("subnet-1", "subnet-2"),
    security_group_ids=("sg-1",),
    encrypt_between_instances=True,
)
PLACED = {
    "Subnets": [{"Get": "Parameters.SubnetId1"}, {"Get": "Parameters.SubnetId2"}],
    "SecurityGroupIds": [{"Get": "Parameters.SecurityGroupId1"}],
}


def placed(spec: PipelineSpec = SPEC, network: JobNetwork | None = NETWORK) -> dict[str, Any]:
    return training_pipeline(spec, replace(REFS, network=network))


@pytest.mark.parametrize("spec", [SPEC, replace(SPEC, engine="in_job")])
def test_a_definition_in_a_network_is_valid(spec: PipelineSpec) -> None:
    assert faults(placed(spec)) == []


def test_ids_are_parameters_with_the_environments_values() -> None:
    given = {p["Name"]: p["DefaultValue"] for p in placed()["Parameters"] if "Id" in p["Name"]}
    assert given == {"SubnetId1": "subnet-1", "SubnetId2": "subnet-2", "SecurityGroupId1": "sg-1"}


@pytest.mark.parametrize(
    "name,path",
    [
        ("BuildFeatures", ("NetworkConfig",)),
        ("EvaluateModel", ("NetworkConfig",)),
        ("Tune-gbdt", ("TrainingJobDefinition",)),
        ("TrainFinalModel", ()),
    ],
)
def test_a_job_has_the_network_where_its_api_has_it(name: str, path: tuple[str, ...]) -> None:
    place = step_of(placed(), name)["Arguments"]
    for part in path:
        place = place[part]
    assert place["VpcConfig"] == PLACED
    assert place["EnableInterContainerTrafficEncryption"] is True
    assert place["EnableNetworkIsolation"] is True


def test_a_search_in_one_job_and_the_model_of_a_branch_lie_in_it_too() -> None:
    definition = placed(replace(SPEC, engine="in_job"))
    assert step_of(definition, "Search-gbdt")["Arguments"]["VpcConfig"] == PLACED
    model = step_of(definition, "CreateModel")["Arguments"]
    assert model["VpcConfig"] == PLACED
    assert "EnableInterContainerTrafficEncryption" not in model


def test_steps_that_run_no_machine_of_their_own_are_left_as_they_are() -> None:
    before, after = training(), placed()
    for name in ("SelectBestTrial", "TransformHoldout", "RegisterModel"):
        assert step_of(before, name) == step_of(after, name)


def test_without_a_network_nothing_changes() -> None:
    assert placed(network=None) == training()
    assert in_network(training()["Steps"], None) == training()["Steps"]
