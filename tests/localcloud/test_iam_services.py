"""IAM in force where services act: functions, stacks, schedules, rules; and what is remembered."""

import io
import json
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.localcloud.conftest import RunningCloud, policy, wait_for
from tests.localcloud.iam_aids import (
    ACCOUNT,
    BUCKET,
    READ,
    Roles,
    model,
    refused,
    roles_of,
    statement,
)
from warmfold_local.access.client import usage
from warmfold_local.access.report import report

pytestmark = pytest.mark.localcloud


@pytest.fixture
def roles(cloud: RunningCloud) -> Roles:
    return roles_of(cloud)


def test_nobody_gives_a_function_a_role_that_he_may_not_pass(roles: Roles) -> None:
    strong = roles.make("strong", statement("*"), service="lambda.amazonaws.com")
    functions = roles.client(roles.make("caller", statement("lambda:*")), "lambda")
    code, message = refused(
        lambda: functions.create_function(
            FunctionName=roles.prefix,
            Runtime="python3.12",
            Handler="who.handle",
            Code={"ZipFile": b"zip"},
            Role=strong,
        )
    )
    assert code == "AccessDeniedException"
    assert f"iam:PassRole on resource: {strong}" in message


def test_a_boundary_is_honoured_also_of_a_role_that_a_stack_makes(roles: Roles) -> None:
    boundary = roles.iam.create_policy(
        PolicyName=f"{roles.prefix}-boundary",
        PolicyDocument=policy(Action="s3:List*", Resource="*"),
    )["Policy"]["Arn"]
    by_hand = roles.make("bounded", READ, PermissionsBoundary=boundary)
    properties = {
        "RoleName": f"{roles.prefix}-stack",
        "AssumeRolePolicyDocument": json.loads(
            policy(Action="sts:AssumeRole", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
        ),
        "Policies": [
            {"PolicyName": "own", "PolicyDocument": {"Version": "2012-10-17", "Statement": [READ]}}
        ],
        "PermissionsBoundary": boundary,
    }
    template = {"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}}}
    cloudformation = roles.cloud.client("cloudformation")
    cloudformation.create_stack(
        StackName=f"{roles.prefix}-stack",
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=f"{roles.prefix}-stack", WaiterConfig={"Delay": 1}
    )
    for role in (by_hand, f"arn:aws:iam::{ACCOUNT}:role/{roles.prefix}-stack"):
        s3 = roles.client(role, "s3")
        assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"]
        code, message = refused(
            lambda: s3.get_object(Bucket=BUCKET, Key="in/x")  # noqa: B023
        )
        assert code == "AccessDenied"
        assert message.endswith("no permissions boundary allows the s3:GetObject action")


WHO_AM_I = """
import boto3
def handle(event, context):
    return boto3.client("sts").get_caller_identity()["Arn"]
"""


def test_a_function_has_its_own_roles_credentials(roles: Roles) -> None:
    role = roles.make("function", service="lambda.amazonaws.com")
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("who.py", WHO_AM_I)
    functions = roles.cloud.client("lambda")
    made = {
        "FunctionName": roles.prefix,
        "Runtime": "python3.12",
        "Handler": "who.handle",
        "Code": {"ZipFile": package.getvalue()},
        "Timeout": 30,
    }
    job = roles.make("job")
    assert refused(lambda: functions.create_function(Role=job, **made)) == (
        "InvalidParameterValueException",
        "The role defined for the function cannot be assumed by Lambda.",
    )
    functions.create_function(Role=role, **made)
    answer = json.loads(functions.invoke(FunctionName=roles.prefix)["Payload"].read())
    name = role.rpartition("/")[2]
    assert answer == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{roles.prefix}"


def test_cloudformation_works_as_the_stacks_role(roles: Roles) -> None:
    role = roles.make(
        "stack", statement("sagemaker:DescribeModel"), service="cloudformation.amazonaws.com"
    )
    properties = {key: value for key, value in model(roles, role).items() if key != "ModelName"}
    template = {"Resources": {"Model": {"Type": "AWS::SageMaker::Model", "Properties": properties}}}
    cloudformation = roles.cloud.client("cloudformation")
    stack = {"StackName": f"{roles.prefix}-stack", "TemplateBody": json.dumps(template)}
    code, message = refused(lambda: cloudformation.create_stack(RoleARN=roles.make("job"), **stack))
    assert (code, "is invalid or cannot be assumed" in message) == ("ValidationError", True)
    cloudformation.create_stack(RoleARN=role, OnFailure="DO_NOTHING", **stack)

    def failed() -> Any:
        found = cloudformation.describe_stack_events(StackName=stack["StackName"])
        return [e for e in found["StackEvents"] if e["ResourceStatus"] == "CREATE_FAILED"]

    reasons = " ".join(event.get("ResourceStatusReason", "") for event in wait_for(failed, "fail"))
    assert "is not authorized to perform: sagemaker:CreateModel" in reasons
    assert "AWSCloudFormation" in reasons


def test_a_schedule_delivers_with_its_role_and_a_rule_by_the_queues_policy(roles: Roles) -> None:
    """Neither is delivered: both refusals are remembered."""
    sqs = roles.cloud.client("sqs")
    url = sqs.create_queue(QueueName=roles.prefix)["QueueUrl"]
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{roles.prefix}"
    role = roles.make("schedule", service="scheduler.amazonaws.com")
    due = datetime.now(UTC) + timedelta(seconds=1)
    roles.cloud.client("scheduler").create_schedule(
        Name=roles.prefix,
        ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": queue, "RoleArn": role, "Input": "{}"},
    )
    events = roles.cloud.client("events")
    events.put_rule(Name=roles.prefix, EventPattern=json.dumps({"source": [roles.prefix]}))
    events.put_targets(Rule=roles.prefix, Targets=[{"Id": "queue", "Arn": queue}])
    events.put_events(Entries=[{"Source": roles.prefix, "DetailType": "x", "Detail": "{}"}])

    def denied() -> set[str]:
        found = report(usage(roles.cloud.settings))
        return {use.role for use in found for each in use.denied if each.resource == queue}

    both = {role.rpartition("/")[2], "events.amazonaws.com"}
    wait_for(lambda: denied() == both, "both refusals")
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_only_the_owner_reads_what_was_recorded(roles: Roles) -> None:
    role = roles.make("reader", statement("*"))
    found = roles.client(role, "sagemaker")
    found.meta.events.register(
        "before-sign.*",
        lambda request, **_: setattr(request, "url", f"{request.url}_warmfold/iam"),
    )
    assert refused(found.list_models)[0] == "AccessDenied"


def test_the_report_is_printed_by_role(roles: Roles) -> None:
    role = roles.make("reported", READ)
    roles.client(role, "s3").list_objects_v2(Bucket=BUCKET)
    state_dir = roles.cloud.settings.state_dir
    command = [sys.executable, "-m", "warmfold.cli", "--state-dir", str(state_dir)]
    command += ["local", "iam-report", "--role", f"{roles.prefix}-reported"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"used        s3:ListBucket  arn:aws:s3:::{BUCKET}" in text
    assert "never used  s3:GetObject  *  [own#0]" in text
    as_json = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    (found,) = json.loads(as_json.stdout)
    assert found["used"][0]["resources"] == [f"arn:aws:s3:::{BUCKET}"]
