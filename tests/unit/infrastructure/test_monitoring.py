"""Who is told of what: alarms, failed executions, the budget; and what the dashboards show."""

import json
import re
from typing import Any

import pytest

from config.load import REPOSITORY
from tests.unit.infrastructure.assembly import Assembly, flat
from warmfold_lambda.log import DIMENSION, NAMESPACE

TOPIC = "arn:aws:sns:eu-west-1:333333333333:warmfold-prod-alerts"
# SageMaker developer guide, "Amazon SageMaker AI metrics in Amazon CloudWatch".
AWS_METRICS = {
    "AWS/Sagemaker/ModelBuildingPipeline": {
        "ExecutionStarted",
        "ExecutionSucceeded",
        "ExecutionFailed",
        "ExecutionStopped",
        "ExecutionDuration",
        "StepDuration",
    },
    "AWS/SageMaker": {
        "Invocations",
        "InvocationsPerInstance",
        "InvocationModelErrors",
        "Invocation4XXErrors",
        "ModelLatency",
        "OverheadLatency",
    },
    "/aws/sagemaker/Endpoints": {"CPUUtilization", "MemoryUtilization"},
}


def test_every_stack_with_an_alarm_is_deployed_after_the_topic(prod: Assembly) -> None:
    monitoring = prod.stack("monitoring").name
    after = {monitoring}
    for _ in prod.templates:
        for name, artifact in prod.manifest["artifacts"].items():
            if after & set(artifact.get("dependencies", [])):
                after.add(name)
    alarmed = [
        name
        for name, template in prod.templates.items()
        if template.of_type("AWS::CloudWatch::Alarm")
    ]
    assert len(alarmed) > 1
    assert set(alarmed) <= after


def test_every_alarm_tells_the_topic_when_it_goes_off_and_when_it_is_over(prod: Assembly) -> None:
    alarms = [
        alarm["Properties"]
        for template in prod.templates.values()
        for alarm in template.of_type("AWS::CloudWatch::Alarm").values()
    ]
    assert len(alarms) >= 6
    for alarm in alarms:
        assert [flat(arn) for arn in alarm["AlarmActions"]] == [TOPIC]
        assert [flat(arn) for arn in alarm["OKActions"]] == [TOPIC]


def test_the_topic_that_alarms_name_is_the_one_that_is_made(prod: Assembly) -> None:
    topic = prod.stack("monitoring").only("AWS::SNS::Topic")["Properties"]
    assert topic["TopicName"] == TOPIC.rpartition(":")[2]
    key = prod.stack("monitoring").of_type("AWS::KMS::Key")
    assert topic["KmsMasterKeyId"]["Fn::GetAtt"][0] in key


def test_only_alarms_and_rules_may_publish_and_only_with_tls(prod: Assembly) -> None:
    template = prod.stack("monitoring")
    policy = template.only("AWS::SNS::TopicPolicy")["Properties"]["PolicyDocument"]
    allowed = [s for s in policy["Statement"] if s["Effect"] == "Allow"]
    publishers = {"cloudwatch.amazonaws.com", "events.amazonaws.com"}
    assert {statement["Principal"]["Service"] for statement in allowed} == publishers
    (denied,) = [s for s in policy["Statement"] if s["Effect"] == "Deny"]
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    key = template.only("AWS::KMS::Key")["Properties"]["KeyPolicy"]["Statement"]
    services = {s["Principal"].get("Service") for s in key} - {None}
    assert services == publishers


@pytest.mark.parametrize(
    "detail_type,member",
    [
        (
            "SageMaker Model Building Pipeline Execution Status Change",
            "currentPipelineExecutionStatus",
        ),
        ("SageMaker Model Building Pipeline Execution Step Status Change", "currentStepStatus"),
    ],
)
def test_failures_of_this_environments_pipelines_are_told(
    prod: Assembly, detail_type: str, member: str
) -> None:
    rules = [
        rule["Properties"]
        for rule in prod.stack("monitoring").of_type("AWS::Events::Rule").values()
        if rule["Properties"]["EventPattern"]["detail-type"] == [detail_type]
    ]
    (rule,) = rules
    detail = rule["EventPattern"]["detail"]
    assert detail[member] == ["Failed"]
    (pipelines,) = detail["pipelineArn"]
    prefix = flat(pipelines["prefix"])
    assert prefix == "arn:aws:sagemaker:eu-west-1:333333333333:pipeline/warmfold-prod-"


def test_nobody_is_written_to_and_nothing_is_budgeted_where_no_address_is_given(
    local: Assembly,
) -> None:
    template = local.stack("monitoring")
    assert template.of_type("AWS::SNS::Subscription") == {}
    assert template.of_type("AWS::Budgets::Budget") == {}


def test_the_budget_warns_before_and_when_it_is_expected_to_be_spent(prod: Assembly) -> None:
    budget = prod.stack("monitoring").only("AWS::Budgets::Budget")["Properties"]
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 2000, "Unit": "USD"}
    told = budget["NotificationsWithSubscribers"]
    when = [(n["Notification"]["NotificationType"], n["Notification"]["Threshold"]) for n in told]
    assert when == [("ACTUAL", 80), ("FORECASTED", 100)]
    addresses = {s["Address"] for each in told for s in each["Subscribers"]}
    assert addresses == {"ml-platform@example.com"}


def metrics(assembly: Assembly) -> list[list[Any]]:
    """Namespace, name and dimensions of every metric on the model's dashboard."""
    dashboard = assembly.stack("monitoring").only("AWS::CloudWatch::Dashboard")
    body = re.sub("<[^>]*>", "region", flat(dashboard["Properties"]["DashboardBody"]))
    found = [m for w in json.loads(body)["widgets"] for m in w["properties"]["metrics"]]
    return [metric for metric in found if isinstance(metric[0], str)]


def shown(assembly: Assembly) -> set[tuple[str, str]]:
    return {(metric[0], metric[1]) for metric in metrics(assembly)}


def test_a_dashboard_shows_only_metrics_that_aws_or_our_functions_make(local: Assembly) -> None:
    sources = (REPOSITORY / "lambda_src").rglob("*.py")
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    ours = {name for namespace, name in shown(local) if namespace == NAMESPACE}
    assert ours
    assert [name for name in ours if not re.search(rf"\b{name}\b", code)] == []
    others = {(namespace, name) for namespace, name in shown(local) if namespace != NAMESPACE}
    assert others == {(space, name) for space, names in AWS_METRICS.items() for name in names}


def test_folds_are_shown_only_where_they_are_jobs(local: Assembly) -> None:
    assert not [name for _, name in shown(local) if "Fold" in name]


def test_our_metrics_are_named_by_the_group_that_the_functions_know(local: Assembly) -> None:
    named = {(each[2], each[3]) for each in metrics(local) if each[0] == NAMESPACE}
    assert named == {(DIMENSION, "warmfold-local-german-credit")}


def test_the_search_is_shown_by_the_steps_that_do_it(local: Assembly) -> None:
    steps = {each[5] for each in metrics(local) if each[1] == "StepDuration"}
    assert steps == {"Tune-gbdt", "Tune-linear"}
