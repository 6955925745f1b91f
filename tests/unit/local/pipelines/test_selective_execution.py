"""Selective execution: which subsets may run, and where their inputs come from."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.local.pipelines.aids import (
    Jobs,
    condition,
    create,
    definition,
    describe,
    finished,
    get,
    processing,
    start,
    steps,
    training,
)
from warmfold_local.cloud import Cloud
from warmfold_local.errors import ResourceNotFound, ValidationError
from warmfold_local.sagemaker.graph import Step, dependencies
from warmfold_local.sagemaker.pipeline_selection import select

ARTIFACTS = "Steps.Train.ModelArtifacts.S3ModelArtifacts"
CHAIN = definition(
    processing("Build"),
    training("Train", DependsOn=["Build"]),
    processing("Evaluate", uri=get(ARTIFACTS)),
    processing("After", DependsOn=["Evaluate"]),
)


def selected(source: str | None, *names: str) -> dict[str, Any]:
    config: dict[str, Any] = {"SelectedSteps": [{"StepName": name} for name in names]}
    if source is not None:
        config["SourcePipelineExecutionArn"] = source
    return {"SelectiveExecutionConfig": config, "ClientRequestToken": "s" * 32}


def first_run(cloud: Cloud) -> str:
    create(cloud, CHAIN)
    arn = start(cloud)
    finished(cloud, arn)
    return arn


def test_only_selected_steps_run_on_the_outputs_of_the_source(cloud: Cloud, jobs: Jobs) -> None:
    source = first_run(cloud)
    before = len(jobs.requests)
    arn = start(cloud, **selected(source, "Evaluate"))
    assert finished(cloud, arn)["PipelineExecutionStatus"] == "Succeeded"
    made = [request for name, request in jobs.requests[before:] if name.startswith("Create")]
    assert ["Evaluate" in request["ProcessingJobName"] for request in made] == [True]
    artifact = next(r for r in jobs.records.values() if "TrainingJobName" in r)
    uri = made[0]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
    assert uri == artifact["ModelArtifacts"]["S3ModelArtifacts"]
    listed = steps(cloud, arn)
    assert set(listed) == {"Train", "Evaluate"}
    taken = {"SourcePipelineExecutionArn": source}
    assert listed["Train"]["SelectiveExecutionResult"] == taken
    assert "SelectiveExecutionResult" not in listed["Evaluate"]
    config = describe(cloud, arn)["SelectiveExecutionConfig"]
    assert config["SourcePipelineExecutionArn"] == source


def test_a_first_step_needs_no_source(cloud: Cloud, jobs: Jobs) -> None:
    create(cloud, CHAIN)
    arn = start(cloud, **selected(None, "Build", "Train"))
    finished(cloud, arn)
    assert set(steps(cloud, arn)) == {"Build", "Train"}


@pytest.mark.parametrize(
    "names, text",
    [
        (["Evaluate"], "SourcePipelineExecutionArn is required: .* Train"),
        (["Build", "Evaluate"], "step Train lies between selected steps"),
        (["Nothing"], "there is no step Nothing"),
    ],
)
def test_subsets_that_cannot_run_are_refused(
    cloud: Cloud, jobs: Jobs, names: list[str], text: str
) -> None:
    create(cloud, CHAIN)
    with pytest.raises(ValidationError, match=text):
        start(cloud, **selected(None, *names))
    assert jobs.requests == []


def test_the_source_must_have_ended(cloud: Cloud, jobs: Jobs) -> None:
    create(cloud, CHAIN)
    jobs.held.add("Build")
    arn = start(cloud)
    with pytest.raises(ValidationError, match="is Executing"):
        start(cloud, **selected(arn, "Train"))
    jobs.held.clear()
    finished(cloud, arn)


def test_the_source_must_have_what_is_needed(cloud: Cloud, jobs: Jobs) -> None:
    create(cloud, CHAIN)
    jobs.endings["Train"] = ("Failed", "AlgorithmError: no")
    failed = start(cloud)
    finished(cloud, failed)
    jobs.endings.clear()
    with pytest.raises(ValidationError, match="step Train has not succeeded"):
        start(cloud, **selected(failed, "Evaluate"))
    arn = start(cloud, **selected(failed, "Train", "Evaluate"))
    assert finished(cloud, arn)["PipelineExecutionStatus"] == "Succeeded"


def test_the_source_must_exist_and_be_of_the_same_pipeline(cloud: Cloud, jobs: Jobs) -> None:
    source = first_run(cloud)
    with pytest.raises(ResourceNotFound):
        start(cloud, **selected(source[:-1] + "?", "Evaluate"))
    create(cloud, CHAIN, PipelineName="other", ClientRequestToken="o" * 32)
    with pytest.raises(ValidationError, match="not an execution of the pipeline other"):
        start(cloud, PipelineName="other", **selected(source, "Evaluate"))


def test_a_step_of_a_branch_that_was_not_taken_is_refused(cloud: Cloud, jobs: Jobs) -> None:
    check = condition("Check", 1, 2, then=[training("Good")], other=[training("Bad")])
    create(cloud, definition(check))
    source = start(cloud)
    finished(cloud, source)
    with pytest.raises(ValidationError, match="Good stands in the branch that Check did not take"):
        start(cloud, **selected(source, "Good"))
    arn = start(cloud, **selected(source, "Bad"))
    assert finished(cloud, arn)["PipelineExecutionStatus"] == "Succeeded"
    assert steps(cloud, arn)["Bad"]["StepStatus"] == "Succeeded"


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Step]:
    names = [f"S{n}" for n in range(draw(st.integers(1, 7)))]
    found = {}
    for index, name in enumerate(names):
        before = draw(st.lists(st.sampled_from(names[:index]), unique=True)) if index else []
        found[name] = Step(name=name, type="Training", body={"DependsOn": before})
    return found


@given(graph=graphs(), data=st.data())
def test_a_subset_is_refused_exactly_if_a_path_leaves_it_and_comes_back(
    graph: dict[str, Step], data: st.DataObject
) -> None:
    chosen = data.draw(st.sets(st.sampled_from(sorted(graph)), min_size=1))
    config = {"SelectedSteps": [{"StepName": name} for name in chosen]}
    try:
        select(graph, config, None)
        refused = False
    except ValidationError as error:
        refused = "lies between" in error.message
    assert refused == _leaves_and_returns(graph, chosen)


def _leaves_and_returns(graph: dict[str, Step], chosen: set[str]) -> bool:
    """By walking every path forwards, one step at a time."""
    after: dict[str, list[str]] = {name: [] for name in graph}
    for name, before in dependencies(graph).items():
        for other in before:
            after[other].append(name)
    waiting = [(name, False) for name in chosen]
    while waiting:
        name, left = waiting.pop()
        if left and name in chosen:
            return True
        waiting += [(later, name not in chosen) for later in after[name]]
    return False
