"""What all stacks have in common, and what comes out of them."""

from collections.abc import Callable

import pytest

from tests.unit.infrastructure.assembly import Assembly, flat

OUTPUTS = {
    "monitoring": {"AlertsTopicArn"},
    "storage": {"BucketName"},
    "training": {"PipelineName", "RawDataUri", "RunDataUri", "ModelPackageGroupName"},
    "serving": {"EndpointName"},
    "delivery": {"ApproverPolicyArn", "DeployFunctionName", "QueueUrl"},
    "batch": {
        "ScheduleName",
        "ScheduleGroupName",
        "ScoringPipelineName",
        "BatchInputUri",
        "BatchOutputUri",
    },
}
BUCKET = "s3://warmfold-local-000000000000-us-east-1/german-credit"


def test_an_environment_has_three_stacks_and_four_for_each_model(local: Assembly) -> None:
    assert set(local.templates) == {
        "warmfold-local-images",
        "warmfold-local-monitoring",
        "warmfold-local-storage",
        "warmfold-local-german-credit-training",
        "warmfold-local-german-credit-serving",
        "warmfold-local-german-credit-delivery",
        "warmfold-local-german-credit-batch",
    }


@pytest.mark.parametrize("ending", OUTPUTS)
def test_outputs_have_the_keys_that_others_read(local: Assembly, ending: str) -> None:
    outputs = local.stack(ending).content["Outputs"]
    assert {key for key, output in outputs.items() if "Export" not in output} == OUTPUTS[ending]


def test_outputs_say_where_data_belongs(local: Assembly) -> None:
    training = local.stack("training").content["Outputs"]
    batch = local.stack("batch").content["Outputs"]
    assert flat(training["RawDataUri"]["Value"]) == f"{BUCKET}/raw/"
    assert flat(training["RunDataUri"]["Value"]) == f"{BUCKET}/raw-runs/"
    assert flat(batch["BatchInputUri"]["Value"]) == f"{BUCKET}/batch/input/"
    assert flat(batch["BatchOutputUri"]["Value"]) == f"{BUCKET}/batch/output/"


@pytest.mark.parametrize(
    "environment,protected", [("local", False), ("dev", False), ("staging", True), ("prod", True)]
)
def test_stacks_are_protected_from_deletion_where_it_would_hurt(
    assembly: Callable[[str], Assembly], environment: str, protected: bool
) -> None:
    found = assembly(environment)
    for name in found.templates:
        properties = found.manifest["artifacts"][name]["properties"]
        assert properties.get("terminationProtection", False) is protected


def test_every_stack_carries_the_environments_tags_and_account(prod: Assembly) -> None:
    for name in prod.templates:
        artifact = prod.manifest["artifacts"][name]
        assert artifact["environment"] == "aws://333333333333/eu-west-1"
        assert artifact["properties"]["tags"] == {
            "warmfold:environment": "prod",
            "warmfold:owner": "ml-platform",
        }


def test_synth_asks_for_nothing(prod: Assembly) -> None:
    assert "missing" not in prod.manifest


def test_functions_are_traced_and_their_logs_kept_encrypted(prod: Assembly) -> None:
    functions = [
        (template, function["Properties"])
        for template in prod.templates.values()
        for function in template.of_type("AWS::Lambda::Function").values()
    ]
    assert len(functions) == 6
    for template, function in functions:
        assert function["TracingConfig"] == {"Mode": "Active"}
        group = template.content["Resources"][function["LoggingConfig"]["LogGroup"]["Ref"]]
        assert group["Properties"]["RetentionInDays"] == 365
        assert "KmsKeyId" in group["Properties"]
