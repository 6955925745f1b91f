"""From approval to a serving endpoint: what is waited for, and what ends the wait."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from tests.sessions import shared_session
from tests.unit.runs.answers import ARN, T0
from warmfold.demo import promote
from warmfold.errors import RunFailedError, WarmfoldError
from warmfold.runs.aws import Aws

ENDPOINT, CONFIG, MODEL = "credit", "credit-config", "credit-model"
GROUP, STACK = "credit", "credit-serving"
PACKAGE = f"{ARN}model-package/credit/2"


class StubbedClients(Aws):
    """One stubbed client a service."""

    def client(self, service: str) -> Any:
        return self.__dict__["clients"][service]


@pytest.fixture
def aws() -> tuple[Aws, Callable[[str], Stubber]]:
    session = shared_session()
    made = StubbedClients(session=session, environment="local")
    clients = {
        name: session.client(name) for name in ("sagemaker", "sagemaker-runtime", "cloudformation")
    }
    made.__dict__["clients"] = clients

    def stub(service: str) -> Stubber:
        stubber = Stubber(clients[service])
        stubber.activate()
        return stubber

    return made, stub


def endpoint(status: str, **more: Any) -> dict[str, Any]:
    return {
        "EndpointName": ENDPOINT,
        "EndpointArn": f"{ARN}endpoint/{ENDPOINT}",
        "EndpointConfigName": CONFIG,
        "EndpointStatus": status,
        "CreationTime": T0,
        "LastModifiedTime": T0,
        **more,
    }


def serving(sagemaker: Stubber, package: str) -> None:
    """The endpoint's configuration and model, which name the package."""
    sagemaker.add_response(
        "describe_endpoint_config",
        {
            "EndpointConfigName": CONFIG,
            "EndpointConfigArn": f"{ARN}endpoint-config/{CONFIG}",
            "CreationTime": T0,
            "ProductionVariants": [{"VariantName": "primary", "ModelName": MODEL}],
        },
    )
    sagemaker.add_response(
        "describe_model",
        {
            "ModelName": MODEL,
            "ModelArn": f"{ARN}model/{MODEL}",
            "CreationTime": T0,
            "Containers": [{"ModelPackageName": package}],
        },
    )


def stack(cloudformation: Stubber, status: str, **members: Any) -> None:
    described = {"StackName": STACK, "CreationTime": T0, "StackStatus": status, **members}
    cloudformation.add_response("describe_stacks", {"Stacks": [described]})


Stubbed = tuple[Aws, Callable[[str], Stubber]]


def test_an_endpoint_serves_once_it_is_in_service_with_that_very_version(aws: Stubbed) -> None:
    made, stub = aws
    sagemaker, cloudformation = stub("sagemaker"), stub("cloudformation")
    sagemaker.add_client_error(
        "describe_endpoint", "ValidationException", f'Could not find endpoint "{ENDPOINT}".'
    )
    stack(cloudformation, "UPDATE_IN_PROGRESS")
    sagemaker.add_response("describe_endpoint", endpoint("Updating"))
    sagemaker.add_response("describe_endpoint", endpoint("InService"))
    serving(sagemaker, f"{ARN}model-package/credit/1")
    stack(cloudformation, "UPDATE_IN_PROGRESS")
    sagemaker.add_response("describe_endpoint", endpoint("InService"))
    serving(sagemaker, PACKAGE)
    promote.wait_until_serving(made, ENDPOINT, PACKAGE, STACK)
    sagemaker.assert_no_pending_responses()


def test_an_endpoint_that_failed_ends_the_wait_with_its_reason(aws: Stubbed) -> None:
    made, stub = aws
    failed = endpoint("Failed", FailureReason="The container did not pass the ping health check.")
    stub("sagemaker").add_response("describe_endpoint", failed)
    with pytest.raises(RunFailedError, match="ping health check"):
        promote.wait_until_serving(made, ENDPOINT, PACKAGE, STACK)


def test_a_rolled_back_deployment_ends_the_wait_with_what_failed(aws: Stubbed) -> None:
    made, stub = aws
    sagemaker, cloudformation = stub("sagemaker"), stub("cloudformation")
    sagemaker.add_response("describe_endpoint", endpoint("InService"))
    serving(sagemaker, f"{ARN}model-package/credit/1")
    stack(cloudformation, "UPDATE_ROLLBACK_COMPLETE")
    event = {"StackId": STACK, "EventId": "1", "StackName": STACK, "Timestamp": T0}
    cloudformation.add_response(
        "describe_stack_events",
        {
            "StackEvents": [
                {
                    **event,
                    "LogicalResourceId": "Model",
                    "ResourceStatus": "UPDATE_FAILED",
                    "ResourceStatusReason": "no such image",
                }
            ]
        },
    )
    with pytest.raises(RunFailedError, match="credit-serving failed: Model: no such image"):
        promote.wait_until_serving(made, ENDPOINT, PACKAGE, STACK)


def test_the_rollback_of_an_earlier_update_does_not_end_the_wait(aws: Stubbed) -> None:
    made, stub = aws
    sagemaker, cloudformation = stub("sagemaker"), stub("cloudformation")
    for package in (f"{ARN}model-package/credit/1", PACKAGE):
        sagemaker.add_response("describe_endpoint", endpoint("InService"))
        serving(sagemaker, package)
    for _ in range(2):
        stack(cloudformation, "UPDATE_ROLLBACK_COMPLETE", LastUpdatedTime=T0)
    before = promote.last_update(made, STACK)
    promote.wait_until_serving(made, ENDPOINT, PACKAGE, STACK, after=before)
    sagemaker.assert_no_pending_responses()


def test_a_stack_that_nothing_can_update_ends_the_wait_with_the_remedy(aws: Stubbed) -> None:
    made, stub = aws
    sagemaker, cloudformation = stub("sagemaker"), stub("cloudformation")
    sagemaker.add_response("describe_endpoint", endpoint("InService"))
    serving(sagemaker, f"{ARN}model-package/credit/1")
    for _ in range(2):
        stack(cloudformation, "UPDATE_ROLLBACK_FAILED", LastUpdatedTime=T0)
    before = promote.last_update(made, STACK)
    match = r"UPDATE_ROLLBACK_FAILED, .*continue-update-rollback"
    with pytest.raises(RunFailedError, match=match):
        promote.wait_until_serving(made, ENDPOINT, PACKAGE, STACK, after=before)


def versions(sagemaker: Stubber, *states: str) -> None:
    summaries = [
        {
            "ModelPackageArn": f"{ARN}model-package/{GROUP}/{number}",
            "ModelPackageVersion": number,
            "ModelApprovalStatus": state,
            "ModelPackageStatus": "Completed",
            "CreationTime": T0,
        }
        for number, state in enumerate(states, 1)
    ]
    sagemaker.add_response("list_model_packages", {"ModelPackageSummaryList": summaries})


def test_the_newest_version_that_awaits_approval_is_found(aws: Stubbed) -> None:
    made, stub = aws
    pending = "PendingManualApproval"
    versions(stub("sagemaker"), pending, pending, "Rejected", "Approved")
    assert promote.find_package(made, GROUP) == PACKAGE


def test_a_version_can_be_named(aws: Stubbed) -> None:
    made, stub = aws
    versions(stub("sagemaker"), "Approved", "Rejected")
    assert promote.find_package(made, GROUP, 2) == PACKAGE


@pytest.mark.parametrize(
    "version, words", [(None, "no version awaits approval"), (9, "there is no version 9")]
)
def test_what_there_is_is_told_if_it_is_not_found(
    aws: Stubbed, version: int | None, words: str
) -> None:
    made, stub = aws
    versions(stub("sagemaker"), "Approved", "Rejected")
    with pytest.raises(WarmfoldError, match=words) as raised:
        promote.find_package(made, GROUP, version)
    assert "1 (Approved), 2 (Rejected)" in str(raised.value)


def test_an_endpoint_that_is_not_there_yet_is_explained_with_the_remedy(aws: Stubbed) -> None:
    made, stub = aws
    stub("sagemaker-runtime").add_client_error(
        "invoke_endpoint", "ValidationError", f"Endpoint {ENDPOINT} of account 0 not found."
    )
    with pytest.raises(
        WarmfoldError, match=r"no model is approved: .*`warmfold approve`"
    ) as raised:
        promote.score(made, ENDPOINT, [{"a": 1}])
    assert not isinstance(raised.value, RunFailedError)


def test_any_other_refusal_of_the_endpoint_is_passed_on(aws: Stubbed) -> None:
    made, stub = aws
    stub("sagemaker-runtime").add_client_error(
        "invoke_endpoint", "ValidationError", "1 validation error detected", http_status_code=400
    )
    with pytest.raises(ClientError, match="1 validation error"):
        promote.score(made, ENDPOINT, [{"a": 1}])
