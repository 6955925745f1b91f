"""`warmfold shadow`: a stack with room for a shadow, the function that deploys, and an operator."""

import json
from typing import Any

import pytest

from tests.localcloud.conftest import wait_for
from tests.localcloud.test_faults_promotion import PARAMETER, Delivery, serving_template
from tests.localcloud.test_operators import (
    NAMES,
    approved,
    operated,  # noqa: F401 - a fixture
    warmfold,
)

pytestmark = pytest.mark.localcloud

SHADOW = "ShadowModelPackageArn"


def with_room() -> dict[str, Any]:
    """The serving stack of the tests, with a shadow as the platform's stack has it."""
    body = serving_template()
    resources = body["Resources"]
    resources["Endpoint"]["Properties"]["EndpointName"] = NAMES.endpoint
    model = json.loads(json.dumps(resources["Model"]))
    model["Properties"]["Containers"] = [{"ModelPackageName": {"Ref": SHADOW}}]
    resources["ShadowModel"] = {**model, "Condition": "Shadowed"}
    variant = {
        "VariantName": "main-shadow",
        "ModelName": {"Fn::GetAtt": ["ShadowModel", "ModelName"]},
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1,
    }
    resources["Config"]["Properties"]["ShadowProductionVariants"] = {
        "Fn::If": ["Shadowed", [variant], {"Ref": "AWS::NoValue"}]
    }
    given = [{"Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]} for name in (PARAMETER, SHADOW)]
    return {
        **body,
        "Parameters": {**body["Parameters"], SHADOW: {"Type": "String", "Default": ""}},
        "Conditions": {"Shadowed": {"Fn::And": given}},
    }


def shadows(place: Delivery) -> list[str]:
    described = place.sagemaker.describe_endpoint(EndpointName=NAMES.endpoint)
    return [each["VariantName"] for each in described.get("ShadowProductionVariants", [])]


def give_room(place: Delivery) -> None:
    place.stack.cloudformation.update_stack(
        StackName=place.stack.name,
        TemplateBody=json.dumps(with_room()),
        Parameters=[{"ParameterKey": PARAMETER, "UsePreviousValue": True}],
    )
    wait_for(place.stack.settled, "the stack has room for a shadow")


def test_an_operator_has_requests_copied_to_a_second_version_and_ends_it(
    operated: Delivery,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    operated.converge(approved(operated, "two"))
    assert warmfold(operated, "shadow", "1") == 2
    assert "has no room for a shadow" in capsys.readouterr().err
    give_room(operated)
    assert shadows(operated) == []
    assert warmfold(operated, "shadow", "2") == 2
    assert "answers the requests already" in capsys.readouterr().err
    assert warmfold(operated, "shadow", "9") == 2
    assert "is not approved (approved: 1, 2)" in capsys.readouterr().err

    assert warmfold(operated, "shadow", "1") == 0
    assert "copies requests to version 1" in capsys.readouterr().out
    assert shadows(operated) == ["main-shadow"]
    assert (operated.served(), operated.reconcile()) == ("two", "unchanged")
    operated.converge(approved(operated, "three"))  # promotion goes on beside it
    assert (operated.served(), shadows(operated)) == ("three", ["main-shadow"])

    assert warmfold(operated, "shadow", "off") == 0
    assert (operated.served(), shadows(operated)) == ("three", [])
