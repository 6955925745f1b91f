"""From an approval to a stack update."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from config.load import load_settings
from deploy_model.orders import parse_orders
from stacks.platform import add_stacks, feature_flags
from tests.unit.infrastructure.assembly import Assembly, flat, listed
from tests.unit.lambdas.deploy_model_aids import BEFORE
from warmfold_local.alarms import judge


def rule_on(assembly: Assembly, source: str) -> dict[str, Any]:
    """The one rule for events of a source."""
    rules = assembly.stack("delivery").of_type("AWS::Events::Rule").values()
    (found,) = [
        rule["Properties"]
        for rule in rules
        if rule["Properties"].get("EventPattern", {}).get("source") == [source]
    ]
    return dict(found)


def function(assembly: Assembly, handler: str) -> dict[str, Any]:
    functions = assembly.stack("delivery").of_type("AWS::Lambda::Function").values()
    (found,) = [f["Properties"] for f in functions if f["Properties"]["Handler"] == handler]
    return dict(found)


DEPLOY, PROBE = "deploy_model.handler.handle", "probe_endpoint.handler.handle"


def test_a_change_of_approval_of_this_models_packages_reaches_the_queue(prod: Assembly) -> None:
    rule = rule_on(prod, "aws.sagemaker")
    assert rule["EventPattern"] == {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelPackageGroupName": ["warmfold-prod-german-credit"]},
    }
    (target,) = rule["Targets"]
    assert target["Arn"]["Fn::GetAtt"][0].startswith("PromotionQueue")
    assert "DeadLetterConfig" in target


def test_lost_events_are_made_up_for(prod: Assembly, local: Assembly) -> None:
    for assembly, expression in ((prod, "rate(15 minutes)"), (local, "rate(1 hour)")):
        (rule,) = [
            rule["Properties"]
            for rule in assembly.stack("delivery").of_type("AWS::Events::Rule").values()
            if rule["Properties"]["Targets"][0].get("Input")
        ]
        assert rule["ScheduleExpression"] == expression
        assert rule["Targets"][0]["Input"] == '{"reconcile":true}'


def approvals(template: Mapping[str, Any]) -> dict[str, Any]:
    """The queue of approvals, out of a delivery stack's resources."""
    (queue,) = [
        resource["Properties"]
        for resource in template.values()
        if resource["Type"] == "AWS::SQS::Queue" and "RedrivePolicy" in resource["Properties"]
    ]
    return dict(queue)


def test_a_message_comes_back_while_an_update_runs_and_ends_in_a_dead_letter_queue(
    prod: Assembly,
) -> None:
    template = prod.stack("delivery")
    queue = approvals(template.content["Resources"])
    assert queue["VisibilityTimeout"] >= 6 * function(prod, DEPLOY)["Timeout"]
    mapping = template.only("AWS::Lambda::EventSourceMapping")["Properties"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize("timeout_seconds", [600, 3600, 28800])
def test_an_approval_waits_until_the_longest_deployment_has_been_taken_back(
    timeout_seconds: int,
) -> None:
    settings = load_settings("local")
    (model, *_) = settings.models
    slow = replace(model.serving.deployment, timeout_seconds=timeout_seconds)
    app = App(context=feature_flags())
    changed = replace(model, serving=replace(model.serving, deployment=slow))
    add_stacks(app, replace(settings, models=(changed,)))
    stack = app.node.find_child(f"warmfold-local-{model.name}-delivery")
    assert isinstance(stack, Stack)
    queue = approvals(Template.from_stack(stack).to_json()["Resources"])
    # The last time that it is received comes after all the visibility time-outs but one.
    waits_seconds = queue["VisibilityTimeout"] * (queue["RedrivePolicy"]["maxReceiveCount"] - 1)
    assert waits_seconds >= 2 * timeout_seconds + 3600
    # SQS: at most 1,000 times, and a message is kept for four days unless the queue says more.
    assert queue["RedrivePolicy"]["maxReceiveCount"] <= 1000
    assert waits_seconds < 4 * 86400


def test_queues_are_encrypted_and_answer_tls_only(prod: Assembly) -> None:
    for ending in ("delivery", "batch"):
        template = prod.stack(ending)
        queues = template.of_type("AWS::SQS::Queue")
        policies = template.of_type("AWS::SQS::QueuePolicy").values()
        assert all(q["Properties"]["SqsManagedSseEnabled"] is True for q in queues.values())
        denied = {
            queue["Ref"]
            for policy in policies
            for queue in policy["Properties"]["Queues"]
            for s in policy["Properties"]["PolicyDocument"]["Statement"]
            if s["Effect"] == "Deny"
            and s["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        }
        assert denied == set(queues)


def test_the_function_knows_registry_stack_and_role(prod: Assembly) -> None:
    variables = function(prod, DEPLOY)["Environment"]["Variables"]
    assert variables["ORDERS_PARAMETER_NAME"] == "/warmfold-prod-german-credit/promotion"
    assert variables["MODEL_PACKAGE_GROUP_NAME"] == "warmfold-prod-german-credit"
    assert variables["SERVING_STACK_NAME"] == "warmfold-prod-german-credit-serving"
    assert "ServingDeploymentRole" in flat(variables["SERVING_DEPLOYMENT_ROLE_ARN"])


def test_cdk_deploy_may_pass_the_serving_role(prod: Assembly) -> None:
    (policy,) = [
        policy["Properties"]
        for policy in prod.stack("delivery").of_type("AWS::IAM::Policy").values()
        if policy["Properties"]["Roles"] == ["cdk-hnb659fds-deploy-role-333333333333-eu-west-1"]
    ]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert listed(statement["Action"]) == ["iam:PassRole"]


def test_the_serving_stack_is_deployed_after_the_role_it_is_deployed_with(prod: Assembly) -> None:
    assert prod.stack("delivery").name in prod.artifact("serving")["dependencies"]
    assert prod.stack("training").name in prod.artifact("delivery")["dependencies"]


def test_the_end_of_an_update_reaches_the_queue(prod: Assembly) -> None:
    rule = rule_on(prod, "aws.cloudformation")
    assert rule["EventPattern"]["detail-type"] == ["CloudFormation Stack Status Change"]
    detail = rule["EventPattern"]["detail"]
    prefix = flat(detail["stack-id"][0]["prefix"])
    assert prefix.endswith(":stack/warmfold-prod-german-credit-serving/")
    assert detail["status-details"]["status"] == [
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
    ]
    (target,) = rule["Targets"]
    assert target["Arn"]["Fn::GetAtt"][0].startswith("PromotionQueue")
    assert "DeadLetterConfig" in target


def test_the_orders_that_are_deployed_are_to_follow_approvals(prod: Assembly) -> None:
    parameter = prod.stack("delivery").only("AWS::SSM::Parameter")["Properties"]
    assert parameter["Name"] == "/warmfold-prod-german-credit/promotion"
    orders = parse_orders(parameter["Name"], parameter["Value"], BEFORE)
    assert (orders.frozen, orders.version) == (False, None)


def test_the_function_reads_one_parameter_and_looks_at_one_endpoint(prod: Assembly) -> None:
    resources = {
        action: [flat(arn) for arn in listed(statement["Resource"])]
        for where, statement in prod.statements()
        if "-delivery/PromotionDeploy" in where
        for action in listed(statement["Action"])
    }
    (parameter,) = resources["ssm:GetParameter"]
    assert parameter.endswith(":parameter/warmfold-prod-german-credit/promotion")
    (endpoint,) = resources["sagemaker:DescribeEndpoint"]
    assert endpoint.endswith(":endpoint/warmfold-prod-german-credit")


def test_the_endpoints_log_group_is_there_before_it_with_retention_and_key(
    prod: Assembly,
) -> None:
    (group,) = [
        group
        for group in prod.stack("delivery").of_type("AWS::Logs::LogGroup").values()
        if "LogGroupName" in group["Properties"]
    ]
    assert group["Properties"]["LogGroupName"] == (
        "/aws/sagemaker/Endpoints/warmfold-prod-german-credit"
    )
    assert group["Properties"]["RetentionInDays"] == 365
    assert "ArtifactsKey" in str(group["Properties"]["KmsKeyId"])
    # The stack of the endpoint is deployed after it.
    needed = prod.artifact("serving")["dependencies"]
    assert prod.stack("delivery").name in needed


def test_probes_come_every_minute_and_may_do_nothing_else(prod: Assembly) -> None:
    variables = function(prod, PROBE)["Environment"]["Variables"]
    assert variables == {"ENDPOINT_NAME": "warmfold-prod-german-credit", "PROBES": "30"}
    template = prod.stack("delivery")
    (rule,) = [
        rule["Properties"]
        for rule in template.of_type("AWS::Events::Rule").values()
        if rule["Properties"].get("ScheduleExpression") == "rate(1 minute)"
    ]
    assert rule["Targets"][0]["Arn"]["Fn::GetAtt"][0].startswith("ProberFunction")
    allowed = {
        action: [flat(arn) for arn in listed(statement["Resource"])]
        for where, statement in prod.statements()
        if "-delivery/Prober" in where
        for action in listed(statement["Action"])
        if not action.startswith(("logs:", "xray:"))
    }
    (endpoint,) = allowed.pop("sagemaker:InvokeEndpoint")
    assert endpoint.endswith(":endpoint/warmfold-prod-german-credit")
    assert allowed == {}


@pytest.mark.parametrize("silent_minutes, state", [(0, "OK"), (11, "OK"), (16, "ALARM")])
def test_a_prober_that_does_not_run_is_missed_after_a_quarter_of_an_hour(
    prod: Assembly, silent_minutes: int, state: str
) -> None:
    (alarm,) = [
        alarm["Properties"]
        for id, alarm in prod.stack("delivery").of_type("AWS::CloudWatch::Alarm").items()
        if id.startswith("ProberSilence")
    ]
    alarm = dict(alarm)
    (dimension,) = alarm["Dimensions"]
    assert dimension["Value"]["Ref"].startswith("ProberFunction")
    now, last = 1_800_000_000.0 + 299, 1_800_000_000.0 + 299 - 60 * silent_minutes
    alarm["Dimensions"] = []
    judged = judge(alarm, lambda metric, start: 1.0 if start <= last else None, now)
    assert judged.state == state
    assert len(alarm["AlarmActions"]) == 1


def test_without_probes_there_is_no_prober() -> None:
    settings = load_settings("local")
    (model, *_) = settings.models
    quiet = replace(model, delivery=replace(model.delivery, probes_per_minute=0))
    app = App(context=feature_flags())
    add_stacks(app, replace(settings, models=(quiet,)))
    stack = app.node.find_child(f"warmfold-local-{model.name}-delivery")
    assert stack.node.try_find_child("Prober") is None


def test_the_scaler_changes_one_endpoint_and_is_called_by_the_serving_role_only(
    prod: Assembly,
) -> None:
    allowed: dict[str, list[str]] = {}
    callers = set()
    for where, statement in prod.statements():
        for action in listed(statement["Action"]):
            resources = [flat(arn) for arn in listed(statement["Resource"])]
            if "-delivery/Scaler" in where:
                allowed[action] = resources
            if action == "lambda:InvokeFunction" and "ScalerFunction" in str(resources):
                callers.add(where.rpartition("/")[2])
    for action in ("sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities"):
        (endpoint,) = allowed[action]
        assert endpoint.endswith(":endpoint/warmfold-prod-german-credit")
    assert "application-autoscaling:PutScheduledAction" not in allowed
    assert [caller.startswith("ServingDeploymentRole") for caller in callers] == [True]


def test_a_late_second_attempt_never_touches_the_scaling(prod: Assembly) -> None:
    template = prod.stack("delivery")
    (config,) = [
        each["Properties"]
        for each in template.of_type("AWS::Lambda::EventInvokeConfig").values()
        if each["Properties"]["FunctionName"]["Ref"].startswith("ScalerFunction")
    ]
    assert config["MaximumRetryAttempts"] == 0
