"""Template values, typed as the API's shapes want them."""

from typing import Any

import pytest

from warmfold_local.cfn_values import typed
from warmfold_shapes.constraints import service_model, violations


def shape(operation: str) -> Any:
    return service_model("sagemaker").operation_model(operation).input_shape


def test_strings_of_a_template_become_numbers_and_booleans() -> None:
    template = {
        "EndpointConfigName": "config",
        "ProductionVariants": [
            {
                "VariantName": "main",
                "ModelName": "model",
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": "2",
                "InitialVariantWeight": "0.5",
            }
        ],
        "DataCaptureConfig": {"EnableCapture": "True", "InitialSamplingPercentage": "10"},
    }
    request = typed(shape("CreateEndpointConfig"), template)
    variant = request["ProductionVariants"][0]
    assert (variant["InitialInstanceCount"], variant["InitialVariantWeight"]) == (2, 0.5)
    assert request["DataCaptureConfig"] == {"EnableCapture": True, "InitialSamplingPercentage": 10}


def test_numbers_in_a_map_of_strings_become_strings() -> None:
    container = {"Image": "i", "Environment": {"WORKERS": 1, "DEBUG": True}}
    request = typed(shape("CreateModel"), {"ModelName": "m", "PrimaryContainer": container})
    assert request["PrimaryContainer"]["Environment"] == {"WORKERS": "1", "DEBUG": "true"}


@pytest.mark.parametrize("value", ["one", "", "1.5"])
def test_what_is_no_number_is_left_for_validation_to_name(value: str) -> None:
    variant = {"VariantName": "main", "InitialInstanceCount": value}
    request = {"EndpointConfigName": "c", "ProductionVariants": [variant]}
    broken = list(
        violations(shape("CreateEndpointConfig"), typed(shape("CreateEndpointConfig"), request))
    )
    assert [v.path for v in broken] == ["ProductionVariants[0].InitialInstanceCount"]


def test_unknown_members_are_kept_for_validation_to_name() -> None:
    assert typed(shape("CreateModel"), {"ModelNam": "1"}) == {"ModelNam": "1"}
