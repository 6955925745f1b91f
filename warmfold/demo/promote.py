"""Approval, the endpoint that follows from it, and an answer of that endpoint."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from config.names import ModelNames
from warmfold.errors import RunFailedError, WarmfoldError
from warmfold.runs.aws import Aws
from warmfold.runs.versions import registered
from warmfold.runs.wait import wait_for

# Blue/green on AWS bakes for minutes; a local endpoint is up in a few seconds.
_LOCAL_TIMEOUT_SECONDS = 120.0
_AWS_TIMEOUT_SECONDS = 3600.0
_STACK_FAILED = ("ROLLBACK_COMPLETE", "FAILED")
# CloudFormation updates from none of these (user guide, "Stack status codes"): promotion waits.
_STUCK = {"UPDATE_ROLLBACK_FAILED", "ROLLBACK_FAILED", "ROLLBACK_COMPLETE", "DELETE_FAILED"}


def find_package(aws: Aws, group: str, version: int | None = None) -> str:
    """ARN of a version, by default the newest one that awaits approval.

    Raises ``WarmfoldError`` naming the versions that there are.
    """
    packages = registered(aws.client("sagemaker"), group)
    wanted = [
        package
        for package in packages
        if package["ModelPackageVersion"] == version
        or (version is None and package["ModelApprovalStatus"] == "PendingManualApproval")
    ]
    if not wanted:
        known = ", ".join(
            f"{p['ModelPackageVersion']} ({p['ModelApprovalStatus']})"
            for p in sorted(packages, key=lambda p: p["ModelPackageVersion"])
        )
        what = "no version awaits approval" if version is None else f"there is no version {version}"
        raise WarmfoldError(f"{what} in {group}: it has {known or 'no versions'}")
    arn: str = max(wanted, key=lambda p: p["ModelPackageVersion"])["ModelPackageArn"]
    return arn


def approve(aws: Aws, package_arn: str, reason: str) -> None:
    """Approve a version; the deployment follows from the event, not from this call."""
    aws.client("sagemaker").update_model_package(
        ModelPackageArn=package_arn, ModelApprovalStatus="Approved", ApprovalDescription=reason
    )


def last_update(aws: Aws, stack: str) -> datetime | None:
    """When the stack's last update began; ``None`` if it was never updated."""
    began: datetime | None = _described(aws, stack).get("LastUpdatedTime")
    return began


def _described(aws: Aws, stack: str) -> dict[str, Any]:
    found: dict[str, Any] = aws.client("cloudformation").describe_stacks(StackName=stack)
    described: dict[str, Any] = found["Stacks"][0]
    return described


def wait_until_serving(
    aws: Aws, endpoint: str, package_arn: str, stack: str, *, after: datetime | None = None
) -> None:
    """Return once the endpoint is InService with this version.

    ``after`` is `last_update` before the version was asked for: that update's failure is not this
    one's. Raises ``RunFailedError`` if it or its stack fails, or nothing happens for long.
    """
    wait_for(
        lambda: _serving(aws, endpoint, package_arn, stack, after),
        what=f"deployment of {package_arn.rsplit(':', 1)[-1]} to endpoint {endpoint}",
        timeout_seconds=_timeout_seconds(aws),
        poll_seconds=aws.poll_seconds,
        hint=endpoint_log(aws),
    )


def wait_until_shadowed(
    aws: Aws, names: ModelNames, ordered: Callable[[], bool], *, after: datetime | None
) -> None:
    """Return once the serving stack holds what was ``ordered`` and has settled, as
    `wait_until_serving` does."""

    def settled() -> bool | None:
        _require_healthy(aws, names.serving_stack, after)
        if not ordered():
            return None
        # Looked at after the parameter: an update that begins in between is not over.
        status = _described(aws, names.serving_stack)["StackStatus"]
        return True if status.endswith("_COMPLETE") else None

    wait_for(
        settled,
        what=f"the shadow of endpoint {names.endpoint}",
        timeout_seconds=_timeout_seconds(aws),
        poll_seconds=aws.poll_seconds,
        hint=endpoint_log(aws),
    )


def _timeout_seconds(aws: Aws) -> float:
    return _AWS_TIMEOUT_SECONDS if aws.state_dir is None else _LOCAL_TIMEOUT_SECONDS


def endpoint_log(aws: Aws) -> str:
    if aws.state_dir is None:
        return "CloudWatch log group /aws/sagemaker/Endpoints/…"
    return str(aws.state_dir / "jobs" / "endpoint")


def _serving(
    aws: Aws, endpoint: str, package_arn: str, stack: str, after: datetime | None
) -> bool | None:
    client = aws.client("sagemaker")
    try:
        found = client.describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        if "Could not find" not in str(error):
            raise
        _require_healthy(aws, stack, after)
        return None
    if found["EndpointStatus"] == "Failed":
        reason = found.get("FailureReason", "no reason was given")
        raise RunFailedError(f"endpoint {endpoint}", reason, endpoint_log(aws))
    if found["EndpointStatus"] != "InService":
        return None
    if package_arn in _served_packages(client, found["EndpointConfigName"]):
        return True
    _require_healthy(aws, stack, after)
    return None


def _served_packages(client: Any, endpoint_config: str) -> set[str]:
    config = client.describe_endpoint_config(EndpointConfigName=endpoint_config)
    models = (
        client.describe_model(ModelName=variant["ModelName"])
        for variant in config["ProductionVariants"]
    )
    return {
        container["ModelPackageName"]
        for model in models
        for container in [model.get("PrimaryContainer", {}), *model.get("Containers", [])]
        if "ModelPackageName" in container
    }


def _require_healthy(aws: Aws, stack: str, after: datetime | None) -> None:
    """Raises ``RunFailedError`` if an update of the serving stack was rolled back since, or none
    can begin."""
    found = _described(aws, stack)
    status = found["StackStatus"]
    before = after is not None and found.get("LastUpdatedTime") == after
    if before and status in _STUCK:
        raise RunFailedError(
            f"update of stack {stack}",
            f"it is {status}, from which CloudFormation does not update: mend it "
            "(continue-update-rollback, or delete and deploy again); the next reconcile goes on",
        )
    if before or not status.endswith(_STACK_FAILED):
        return
    events = aws.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    reasons = [
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
        for event in events
        if event["ResourceStatus"].endswith("FAILED")
    ]
    raise RunFailedError(f"update of stack {stack}", "; ".join(reasons) or status)


def invocation(endpoint: str, applicants: list[dict[str, Any]]) -> dict[str, str]:
    """What InvokeEndpoint is asked for the applicants' scores."""
    return {
        "EndpointName": endpoint,
        "ContentType": "application/json",
        "Accept": "application/json",
        "Body": json.dumps({"instances": applicants}),
    }


def score(aws: Aws, endpoint: str, applicants: list[dict[str, Any]]) -> list[float]:
    """The endpoint's scores, in the order of the applicants.

    Raises ``WarmfoldError`` with the endpoint's own words if it refuses them.
    """
    try:
        client = aws.client("sagemaker-runtime")
        answer = client.invoke_endpoint(**invocation(endpoint, applicants))
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ValidationError" and "not found" in str(error):
            raise WarmfoldError(
                f"endpoint {endpoint} does not exist yet, because no model is approved: approve "
                "one with `warmfold approve`, which waits until the endpoint serves it"
            ) from error
        if code != "ModelError":
            raise
        said = error.response.get("OriginalMessage", str(error))
        raise WarmfoldError(f"endpoint {endpoint} refused the applicants: {said}") from error
    predictions = json.loads(answer["Body"].read())["predictions"]
    return [float(prediction["score"]) for prediction in predictions]
