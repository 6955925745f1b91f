"""Queues between an event and a function: nothing that fails is lost without a trace."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from warmfold_constructs.acknowledge import QUEUE, accept, acknowledge

_DEAD_LETTER_RETENTION_DAYS = 14


def dead_letter_queue(scope: Construct, id: str) -> sqs.Queue:
    """Where messages end that nobody could handle; kept as long as SQS keeps anything."""
    queue = sqs.Queue(
        scope,
        id,
        # With a key of ours, EventBridge and Scheduler would need a grant on it to deliver.
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=Duration.days(_DEAD_LETTER_RETENTION_DAYS),
    )
    acknowledge(queue, {"SQS3": "It is the dead-letter queue."})
    accept(queue, QUEUE)
    return queue


def dead_letter_alarm(queue: sqs.Queue, *, description: str) -> cloudwatch.Alarm:
    """Goes off with the first message, and is over when somebody has dealt with them all."""
    return cloudwatch.Alarm(
        queue,
        "NotEmpty",
        alarm_description=description,
        metric=queue.metric_approximate_number_of_messages_visible(
            period=Duration.minutes(5), statistic="Maximum"
        ),
        threshold=0,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        evaluation_periods=1,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )


def work_queue(
    scope: Construct, id: str, *, dead_letters: sqs.IQueue, visibility_seconds: int, attempts: int
) -> sqs.Queue:
    """A queue whose messages come back ``attempts`` times, ``visibility_seconds`` apart."""
    queue = sqs.Queue(
        scope,
        id,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        visibility_timeout=Duration.seconds(visibility_seconds),
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=attempts),
    )
    accept(queue, QUEUE)
    return queue
