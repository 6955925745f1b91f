"""Alerts on a local cloud: an alarm and a failed execution reach who has subscribed."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest
from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch

from tests.localcloud.conftest import ROLE, RunningCloud, policy, wait_for
from tests.localcloud.synth_aids import template
from warmfold_constructs.alerts import Alerts, notify
from warmfold_constructs.model_dashboard import ModelDashboard, Watched

pytestmark = pytest.mark.localcloud


def build(stack: Stack, name: str) -> None:
    """The topic, its rules, one alarm and a dashboard."""
    alerts = Alerts(stack, "Alerts", topic_name=name, email_addresses=["team@example.com"])
    alerts.on_failed_pipelines(f"{name}-")
    metric = cloudwatch.Metric(namespace="tests", metric_name="errors")
    alarm = cloudwatch.Alarm(
        stack, "Alarm", alarm_name=name, metric=metric, threshold=1, evaluation_periods=1
    )
    notify(alerts.topic, alarm)
    watched = Watched(
        model_package_group=name,
        training_pipeline=f"{name}-training",
        scoring_pipeline=f"{name}-scoring",
        search_steps=["Tune-gbdt"],
        folds_are_jobs=True,
        endpoint=name,
        variant="primary",
    )
    ModelDashboard(stack, "Dashboard", name=name, watched=watched)


@dataclass(frozen=True)
class Told:
    """A deployed topic of a name, and a queue that has subscribed to it."""

    cloud: RunningCloud
    name: str
    queue_url: str
    received: list[str] = field(default_factory=list)

    def message(self, about: str) -> str:
        """The first message with the text in it."""

        def received() -> str | None:
            answer = self.cloud.client("sqs").receive_message(
                QueueUrl=self.queue_url, MaxNumberOfMessages=10
            )
            texts = [str(json.loads(m["Body"])["Message"]) for m in answer.get("Messages", [])]
            self.received.extend(texts)
            return next((text for text in self.received if about in text), None)

        message: str = wait_for(received, f"a message about {about}")
        return message


@pytest.fixture(scope="module")
def told(cloud: RunningCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    name = f"alerts-{time.time_ns()}"
    folder, account = tmp_path_factory.mktemp("synth"), cloud.settings.account
    body = json.dumps(template(folder, account, partial(build, name=name)))
    formation = cloud.client("cloudformation")
    formation.create_stack(StackName=name, TemplateBody=body, RoleARN=ROLE)

    def created() -> bool:
        status = formation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        assert not re.search("ROLLBACK|FAILED", status), status
        return bool(status == "CREATE_COMPLETE")

    wait_for(created, "the stack is there")
    topic = f"arn:aws:sns:us-east-1:{cloud.settings.account}:{name}"
    everybody = {
        "Policy": policy(
            Action="sqs:SendMessage", Resource="*", Principal={"Service": "sns.amazonaws.com"}
        )
    }
    url = cloud.client("sqs").create_queue(QueueName=name, Attributes=everybody)["QueueUrl"]
    queue = f"arn:aws:sqs:us-east-1:{cloud.settings.account}:{name}"
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    yield Told(cloud, name, url)
    formation.delete_stack(StackName=name)


def test_an_alarm_that_goes_off_is_told(told: Told) -> None:
    told.cloud.client("cloudwatch").set_alarm_state(
        AlarmName=told.name, StateValue="ALARM", StateReason="a test"
    )
    assert json.loads(told.message('"ALARM"'))["AlarmName"] == told.name


def test_an_execution_that_fails_is_told_and_another_environments_is_not(told: Told) -> None:
    sagemaker = told.cloud.client("sagemaker")
    step = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "enough"}}
    body = json.dumps({"Version": "2020-12-01", "Parameters": [], "Steps": [step]})

    def fail(pipeline: str) -> str:
        sagemaker.create_pipeline(PipelineName=pipeline, PipelineDefinition=body, RoleArn=ROLE)
        started = sagemaker.start_pipeline_execution(PipelineName=pipeline)
        return str(started["PipelineExecutionArn"])

    fail(f"other-{told.name}")
    arn = fail(f"{told.name}-training")
    assert told.message("Failed: ").strip('"') == f"Failed: {arn}"


def test_the_dashboard_is_there(told: Told) -> None:
    found = told.cloud.client("cloudwatch").get_dashboard(DashboardName=told.name)
    assert len(json.loads(found["DashboardBody"])["widgets"]) > 8
