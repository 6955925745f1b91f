"""When is an endpoint in trouble? The alarms that roll a deployment back."""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from warmfold_constructs.serving_names import AlarmNames

_NAMESPACE = "AWS/SageMaker"
_MICROSECONDS_PER_MILLISECOND = 1000


@dataclass(frozen=True, kw_only=True)
class AlarmLimits:
    """Above these, over ``evaluation_minutes`` in a row, a deployment is rolled back."""

    error_rate_percent: float
    latency_milliseconds: int
    evaluation_minutes: int


class EndpointAlarms(Construct):
    """Error rate and latency of one variant.

    Names are literals: the endpoint refers to its alarms, so that the alarms cannot refer to the
    endpoint. They may exist before it; without data they are quiet.
    """

    def __init__(
        self, scope: Construct, id: str, *, endpoint: str, variant: str, limits: AlarmLimits
    ) -> None:
        super().__init__(scope, id)
        self._dimensions = {"EndpointName": endpoint, "VariantName": variant}
        self._minutes = limits.evaluation_minutes
        self.error_rate = self._alarm(
            "ErrorRate",
            name=AlarmNames(endpoint).error_rate,
            description="Share of requests that the model's container did not answer with 2xx",
            metric=self._error_rate_percent(),
            threshold=limits.error_rate_percent,
        )
        self.latency = self._alarm(
            "Latency",
            name=AlarmNames(endpoint).latency,
            description="Average time that the model's container takes, in microseconds",
            metric=self._metric("ModelLatency", "Average"),
            threshold=limits.latency_milliseconds * _MICROSECONDS_PER_MILLISECOND,
        )

    @property
    def alarms(self) -> tuple[cloudwatch.Alarm, ...]:
        return (self.error_rate, self.latency)

    @property
    def names(self) -> list[str]:
        """For the endpoint's rollback; references, so that the alarms are made first."""
        return [alarm.alarm_name for alarm in self.alarms]

    def _error_rate_percent(self) -> cloudwatch.MathExpression:
        # InvocationModelErrors also counts time-outs and broken connections. The container's 500
        # reaches the caller as a 424, so that Invocation5XXErrors would not see it.
        return cloudwatch.MathExpression(
            expression="IF(invocations > 0, 100 * errors / invocations, 0)",
            using_metrics={
                "errors": self._metric("InvocationModelErrors", "Sum"),
                "invocations": self._metric("Invocations", "Sum"),
            },
            label="Error rate (%)",
            period=Duration.minutes(1),
        )

    def _metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=_NAMESPACE,
            metric_name=name,
            dimensions_map=self._dimensions,
            statistic=statistic,
            period=Duration.minutes(1),
        )

    def _alarm(
        self,
        id: str,
        *,
        name: str,
        description: str,
        metric: cloudwatch.IMetric,
        threshold: float,
    ) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            id,
            alarm_name=name,
            alarm_description=description,
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=self._minutes,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
