"""Requests to an endpoint around the clock: alarms without traffic prove nothing about a canary."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from constructs import Construct

from warmfold_constructs.policies import allow, arn
from warmfold_constructs.python_function import PythonFunction

# Below the schedule's period; a round of probes that nobody answers takes 42 s (the package's
# ROUND_SECONDS).
TIMEOUT_SECONDS = 50

# A prober that runs every minute is missed after so many periods of five.
_MISSED_PERIODS = 3


class EndpointProber(Construct):
    """A function that sends ``probes_per_minute`` rows without any value to an endpoint.

    It may invoke this endpoint, and nothing else. Before the first model there is no endpoint,
    and it does nothing.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        endpoint: str,
        probes_per_minute: int,
        log_retention_days: int,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        self.function = PythonFunction(
            self,
            "Function",
            package="probe_endpoint",
            description=f"Gives alarms of {endpoint} something to see",
            environment={"ENDPOINT_NAME": endpoint, "PROBES": str(probes_per_minute)},
            timeout_seconds=TIMEOUT_SECONDS,
            log_retention_days=log_retention_days,
            key=key,
        )
        allow(
            self.function.role,
            ["sagemaker:InvokeEndpoint"],
            [arn(self, "sagemaker", "endpoint", endpoint)],
        )
        events.Rule(
            self,
            "EveryMinute",
            description=f"Probes {endpoint}",
            schedule=events.Schedule.rate(Duration.minutes(1)),
            # The next minute has probes of its own: nothing is made up for.
            targets=[targets.LambdaFunction(self.function.function, retry_attempts=0)],
        )

    def silence_alarm(self, description: str) -> cloudwatch.Alarm:
        """Goes off if the prober has not run for a quarter of an hour: its rule is switched off, or
        nobody lets it invoke the function. What it does not do then, no other alarm sees."""
        return cloudwatch.Alarm(
            self,
            "Silence",
            alarm_description=description,
            metric=self.function.function.metric_invocations(
                period=Duration.minutes(5), statistic="Sum"
            ),
            threshold=1,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            evaluation_periods=_MISSED_PERIODS,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        )
