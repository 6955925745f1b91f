"""Where alarms and failures are told: one topic of an environment, and who reads it."""

from collections.abc import Sequence

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from warmfold_constructs.policies import arn

_EXECUTION = "SageMaker Model Building Pipeline Execution Status Change"
_STEP = "SageMaker Model Building Pipeline Execution Step Status Change"
# An alert that comes a day late helps nobody; EventBridge's own default.
_MAXIMUM_EVENT_AGE_HOURS = 24


class Alerts(Construct):
    """An encrypted topic for CloudWatch's alarms and EventBridge's rules of this account.

    Each of ``email_addresses`` gets a message with a link that confirms the subscription.
    """

    def __init__(
        self, scope: Construct, id: str, *, topic_name: str, email_addresses: Sequence[str]
    ) -> None:
        super().__init__(scope, id)
        # Its own key: who may send alerts has no use of the one that encrypts data. Nothing that
        # it encrypts is kept.
        self.key = kms.Key(
            self,
            "Key",
            description=f"Messages of {topic_name}",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.topic = sns.Topic(
            self, "Topic", topic_name=topic_name, master_key=self.key, enforce_ssl=True
        )
        self._let_alarms_publish()
        for address in email_addresses:
            self.topic.add_subscription(subscriptions.EmailSubscription(address))

    def on_failed_pipelines(self, name_prefix: str) -> None:
        """Tell of every execution, and every step, that fails of pipelines with such names."""
        pipelines = events.Match.prefix(arn(self, "sagemaker", "pipeline", name_prefix))
        step = events.EventField.from_path("$.detail.stepName")
        execution = events.EventField.from_path("$.detail.pipelineExecutionArn")
        for id, detail_type, member, text in (
            (
                "ExecutionFailed",
                _EXECUTION,
                "currentPipelineExecutionStatus",
                f"Failed: {execution}",
            ),
            ("StepFailed", _STEP, "currentStepStatus", f"Step {step} failed: {execution}"),
        ):
            events.Rule(
                self,
                id,
                description=f"{detail_type}: Failed",
                event_pattern=events.EventPattern(
                    source=["aws.sagemaker"],
                    detail_type=[detail_type],
                    detail={member: ["Failed"], "pipelineArn": pipelines},
                ),
                targets=[
                    targets.SnsTopic(
                        self.topic,
                        message=events.RuleTargetInput.from_text(text),
                        max_event_age=Duration.hours(_MAXIMUM_EVENT_AGE_HOURS),
                    )
                ],
            )

    def _let_alarms_publish(self) -> None:
        """The topic's policy and its key's; the rules' targets add their own, without conditions:
        EventBridge supports none here (EventBridge user guide, "Troubleshooting")."""
        self.topic.grant_publish(
            iam.ServicePrincipal(
                "cloudwatch.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )


def notify(topic: sns.ITopic, *alarms: cloudwatch.Alarm) -> None:
    """Tell the topic when an alarm goes off, and when it is over."""
    told = actions.SnsAction(topic)
    for alarm in alarms:
        alarm.add_alarm_action(told)
        alarm.add_ok_action(told)
