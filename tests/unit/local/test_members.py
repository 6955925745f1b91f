"""No member of a Create request is ignored without a word: acted on, kept, or refused by name."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape

from tests.unit.local.members_acted_on import ACTED_ON
from warmfold_local.errors import UnsupportedOperation
from warmfold_local.sagemaker.members import RECORDED, REFUSED, refuse_members
from warmfold_shapes.constraints import service_model

Case = tuple[str, str]


def input_shape(operation: str) -> Any:
    return service_model("sagemaker").operation_model(operation).input_shape


def leaves(shape: Shape, path: str = "") -> Iterator[str]:
    """Every member that has a value of its own, lists by their items."""
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            yield from leaves(member, f"{path}.{name}" if path else name)
    elif isinstance(shape, ListShape) and isinstance(shape.member, StructureShape):
        yield from leaves(shape.member, f"{path}[]")
    else:
        yield path


def covers(table: str, member: str) -> bool:
    return member == table or member.startswith((f"{table}.", f"{table}[]"))


def paths(table: dict[str, tuple[str, ...]]) -> list[Case]:
    return [(operation, path) for operation, found in table.items() for path in found]


@pytest.mark.parametrize("operation", sorted(REFUSED))
def test_every_member_that_botocore_knows_has_one_place(operation: str) -> None:
    tables = {"acted on": ACTED_ON, "recorded": RECORDED, "refused": REFUSED}
    for member in leaves(input_shape(operation)):
        places = [
            name
            for name, table in tables.items()
            if any(covers(path, member) for path in table[operation])
        ]
        assert len(places) == 1, f"{operation} {member}: {places}"


@pytest.mark.parametrize("operation, path", [*paths(ACTED_ON), *paths(RECORDED)])
def test_no_place_is_made_up(operation: str, path: str) -> None:
    assert any(covers(path, member) for member in leaves(input_shape(operation))), path


@pytest.mark.parametrize("operation, path", paths(REFUSED))
def test_what_is_not_offered_is_refused_by_name(operation: str, path: str) -> None:
    request = holding(input_shape(operation), path.split("."))
    with pytest.raises(UnsupportedOperation) as refused:
        refuse_members(operation, request)
    assert refused.value.message == (
        f"the local cloud does not support the member {path} of {operation}"
    )


@pytest.mark.parametrize(
    "operation, request_",
    [
        ("CreateTrainingJob", {"EnableManagedSpotTraining": False}),
        ("CreateTrainingJob", {"RemoteDebugConfig": {"EnableRemoteDebug": False}}),
        ("CreateTrainingJob", {"DebugRuleConfigurations": []}),
        ("CreateEndpointConfig", {"ProductionVariants": [{"EnableSSMAccess": False}]}),
    ],
)
def test_what_switches_nothing_on_may_be_there(operation: str, request_: dict[str, Any]) -> None:
    refuse_members(operation, request_)


@pytest.mark.parametrize(
    "operation, path", [case for case in paths(RECORDED) if "Definitions[]" not in case[1]]
)
def test_what_is_recorded_is_given_back_by_describe(operation: str, path: str) -> None:
    """The answer's shape has it, so that what the record keeps is not lost on the way."""
    described = operation.replace("Create", "Describe")
    shape: Any = service_model("sagemaker").operation_model(described).output_shape
    assert any(covers(path, member) for member in leaves(shape)), path


def holding(shape: Shape, path: list[str]) -> Any:
    """A request with something at a path; it need not be valid otherwise."""
    if not path:
        return something(shape)
    assert isinstance(shape, StructureShape)
    name, items = path[0].removesuffix("[]"), path[0].endswith("[]")
    member: Any = shape.members[name]
    inner = holding(member.member if items else member, path[1:])
    return {name: [inner] if items else inner}


def something(shape: Shape) -> Any:
    if isinstance(shape, StructureShape):
        return {name: something(member) for name, member in list(shape.members.items())[:1]}
    if isinstance(shape, ListShape):
        return [something(shape.member)]
    if isinstance(shape, MapShape):
        return {"key": "value"}
    return {"boolean": True, "integer": 1, "long": 1, "float": 1.0}.get(shape.type_name, "text")
