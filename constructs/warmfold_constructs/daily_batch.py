"""The daily schedule, and the function that starts a day's scoring run."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy, Stack, TimeZone
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from warmfold.pipeline.spec import JobNetwork
from warmfold_constructs.job_network import model_conditions
from warmfold_constructs.model_registry import grant_read
from warmfold_constructs.policies import allow, allow_passing, arn, new_role, role_arn
from warmfold_constructs.python_function import PythonFunction
from warmfold_constructs.queue import dead_letter_queue

_TIMEOUT_SECONDS = 60
# A run that starts hours late would score yesterday's decisions.
_MAXIMUM_EVENT_AGE_HOURS = 6
_RETRIES = 5


@dataclass(frozen=True, kw_only=True)
class Daily:
    """``hour`` and ``minute`` on the clock of ``time_zone``, daylight saving included."""

    hour: int
    minute: int
    time_zone: str
    flexible_window_minutes: int


@dataclass(frozen=True, kw_only=True)
class BatchNames:
    """What is known by name: to the function that starts a run, and to its operators.

    ``network`` is where that function's models are.
    """

    model: str
    model_package_group: str
    model_role: str
    model_prefix: str
    scoring_pipeline: str
    schedule: str
    schedule_group: str
    network: JobNetwork | None = None


class DailyBatch(Construct):
    """Once a day: EventBridge Scheduler starts the function, the function starts the pipeline."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        names: BatchNames,
        daily: Daily,
        bucket: s3.IBucket,
        key: kms.IKey,
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, id)
        self.start = PythonFunction(
            self,
            "Start",
            package="start_batch_scoring",
            description=f"Starts the batch scoring of a day for {names.model}",
            environment=_environment(self, names, daily, bucket),
            timeout_seconds=_TIMEOUT_SECONDS,
            log_retention_days=log_retention_days,
            key=key,
        )
        self._allow_start(names, bucket)
        group = scheduler.ScheduleGroup(
            self,
            "Group",
            schedule_group_name=names.schedule_group,
            # It holds nothing but the schedule; kept, its name would refuse the next deployment.
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.dead_letters = dead_letter_queue(self, "DeadLetters")
        self._schedule(names, daily, group)

    def _allow_start(self, names: BatchNames, bucket: s3.IBucket) -> None:
        role = self.start.role
        grant_read(role, names.model_package_group)
        models = [arn(self, "sagemaker", "model", f"{names.model_prefix}-v*")]
        because = "One SageMaker model per version of the model package group."
        bound = model_conditions(names.network)
        allow(role, ["sagemaker:CreateModel"], models, conditions=bound)
        allow(role, ["sagemaker:DescribeModel"], models, because=because)
        allow_passing(
            role, [role_arn(self, names.model_role)], to_service="sagemaker.amazonaws.com"
        )
        allow(
            role,
            ["sagemaker:StartPipelineExecution"],
            [arn(self, "sagemaker", "pipeline", names.scoring_pipeline)],
        )
        allow(
            role,
            ["s3:ListBucket"],
            [bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": [f"{names.model}/batch/input/*"]}},
        )

    def _schedule(
        self, names: BatchNames, daily: Daily, group: scheduler.IScheduleGroup
    ) -> scheduler.Schedule:
        target = targets.LambdaInvoke(
            self.start.function,
            input=scheduler.ScheduleTargetInput.from_object(
                {"scheduled_time": scheduler.ContextAttribute.scheduled_time}
            ),
            role=self._scheduler_role(group, self.dead_letters),
            dead_letter_queue=self.dead_letters,
            retry_attempts=_RETRIES,
            max_event_age=Duration.hours(_MAXIMUM_EVENT_AGE_HOURS),
        )
        return scheduler.Schedule(
            self,
            "Schedule",
            schedule_name=names.schedule,
            schedule_group=group,
            description=f"Daily batch scoring of {names.model}",
            schedule=scheduler.ScheduleExpression.cron(
                hour=str(daily.hour),
                minute=str(daily.minute),
                time_zone=TimeZone.of(daily.time_zone),
            ),
            time_window=_window(daily.flexible_window_minutes),
            target=target,
        )

    def _scheduler_role(
        self, group: scheduler.IScheduleGroup, dead_letters: sqs.IQueue
    ) -> iam.IRole:
        """Invokes the function and nothing else; the CDK's own would invoke any version of it."""
        role = new_role(
            self,
            "SchedulerRole",
            description="EventBridge Scheduler, daily batch scoring",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={
                    "StringEquals": {
                        "aws:SourceAccount": Stack.of(self).account,
                        "aws:SourceArn": group.schedule_group_arn,
                    }
                },
            ),
        )
        self.start.grant_invoke(role)
        allow(role, ["sqs:SendMessage"], [dead_letters.queue_arn])
        return role.without_policy_updates()


def _window(minutes: int) -> scheduler.TimeWindow:
    if minutes == 0:
        return scheduler.TimeWindow.off()
    return scheduler.TimeWindow.flexible(Duration.minutes(minutes))


def _environment(
    scope: Construct, names: BatchNames, daily: Daily, bucket: s3.IBucket
) -> Mapping[str, str]:
    return {
        **_network(names.network),
        "MODEL_NAME": names.model,
        "MODEL_NAME_PREFIX": names.model_prefix,
        "MODEL_PACKAGE_GROUP_NAME": names.model_package_group,
        "SCORING_PIPELINE_NAME": names.scoring_pipeline,
        "BUCKET_NAME": bucket.bucket_name,
        "MODEL_ROLE_ARN": role_arn(scope, names.model_role),
        "TIME_ZONE": daily.time_zone,
    }


def _network(network: JobNetwork | None) -> Mapping[str, str]:
    if network is None:
        return {}
    return {
        "SUBNET_IDS": ",".join(network.subnet_ids),
        "SECURITY_GROUP_IDS": ",".join(network.security_group_ids),
    }
