"""For any settings, any deletion and any JSON: what the builder and the validator promise."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.pipeline.examples import GBDT, REFS, SPEC, scoring, step_of, training
from tests.unit.pipeline.strategies import ANY_JSON, specs
from warmfold.pipeline.candidates import CANDIDATE_NAME_LIMIT
from warmfold.pipeline.document import is_expression
from warmfold.pipeline.spec import MODEL_NAME_LIMIT, PipelineSpec
from warmfold.pipeline.training import training_pipeline
from warmfold.pipeline.validate import faults
from warmfold_shapes.constraints import service_model


@given(specs())
@settings(max_examples=60, deadline=None)
def test_any_valid_spec_gives_a_definition_without_faults(spec: PipelineSpec) -> None:
    assert faults(training_pipeline(spec, REFS)) == []


_CREATE = {
    "Processing": "CreateProcessingJob",
    "Training": "CreateTrainingJob",
    "Tuning": "CreateHyperParameterTuningJob",
    "Transform": "CreateTransformJob",
    "Model": "CreateModel",
    "RegisterModel": "CreateModelPackage",
}


def _required(shape: Shape, value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Paths of all the members that AWS's shape requires and ``value`` has."""
    if is_expression(value):
        return
    if isinstance(shape, StructureShape):
        for name in value:
            if name in shape.required_members:
                yield (*path, name)
            yield from _required(shape.members[name], value[name], (*path, name))
    elif isinstance(shape, ListShape):
        for index, item in enumerate(value):
            yield from _required(shape.member, item, (*path, index))
    elif isinstance(shape, MapShape):
        for name, item in value.items():
            yield from _required(shape.value, item, (*path, name))


def _deletable() -> list[tuple[str, tuple[Any, ...]]]:
    found: list[tuple[str, tuple[Any, ...]]] = []
    for name in (
        "BuildFeatures",
        "Tune-gbdt",
        "TrainFinalModel",
        "EvaluateModel",
        "RegisterModel",
        "CreateModel",
        "TransformHoldout",
    ):
        step = step_of(training(), name)
        operation = _CREATE[step["Type"]]
        shape = service_model("sagemaker").operation_model(operation).input_shape
        assert shape is not None
        paths = _required(shape, step["Arguments"], ("Arguments",))
        found += [(name, path) for path in (*paths, ("Name",), ("Type",), ("Arguments",))]
    return found


@given(st.sampled_from(_deletable()))
@settings(max_examples=60, deadline=None)
def test_a_deleted_required_member_is_always_caught(case: tuple[str, tuple[Any, ...]]) -> None:
    name, path = case
    definition = training()
    node = step = step_of(definition, name)
    for part in path[:-1]:
        node = node[part]
    del node[path[-1]]

    found = faults(definition)

    label = step.get("Name")
    assert any(fault.step == label or (label is None and fault.path == "Name") for fault in found)


@given(ANY_JSON)
@settings(max_examples=150, deadline=None)
def test_arbitrary_json_gives_faults_and_never_an_exception(value: Any) -> None:
    assert faults(value)


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of a document."""
    items: Any = node.items() if isinstance(node, dict) else enumerate(node)
    for key, child in items:
        yield node, key
        if isinstance(child, dict | list):
            yield from _places(child)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_definition_with_any_part_replaced_never_raises(data: st.DataObject) -> None:
    definition = data.draw(st.sampled_from([training, scoring]))()
    places = list(_places(definition))
    container, key = places[data.draw(st.integers(0, len(places) - 1))]
    container[key] = data.draw(ANY_JSON)

    messages = [str(fault) for fault in faults(definition)]

    assert all(messages)


@pytest.mark.parametrize("value", [{"Get": "Parameters.Day"}, {"Get": "Execution.StartDateTime"}])
def test_an_expression_is_no_request(value: dict[str, str]) -> None:
    definition = scoring()
    definition["Steps"][0]["Arguments"] = value

    (message,) = (str(fault) for fault in faults(definition))

    assert message.startswith("step TransformBatch, Arguments: is an expression. Write the members")


def test_every_deletable_member_is_found() -> None:
    """The strategy above draws from a real choice: steps of all kinds, many members."""
    assert len(_deletable()) > 80


def test_names_at_their_limits_fit_aws() -> None:
    """Step names, and the S3 keys that names end up in."""
    spec = replace(
        SPEC,
        model="m" * MODEL_NAME_LIMIT,
        engine="in_job",
        candidates=(replace(GBDT, name="c" * CANDIDATE_NAME_LIMIT),),
    )
    definition = training_pipeline(spec, REFS)
    run = f"s3://{'b' * 63}/{spec.model}/executions/abcdefghijkl"

    assert faults(definition) == []
    assert max(len(step["Name"]) for step in definition["Steps"]) == 64
    assert len(f"{run}/tuning/{'j' * 63}/output/model.tar.gz") <= 1024
    assert len(f"warmfold-staging-{spec.model}-v999999") <= 63


def test_definitions_share_no_mutable_part() -> None:
    """Whoever changes one definition must not change the next."""
    first, second = training(), training()
    for container, key in list(_places(first)):
        if not isinstance(container[key], dict | list):
            container[key] = "changed"

    assert second == training()
    assert "changed" not in json.dumps(second)
