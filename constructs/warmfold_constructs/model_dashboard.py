"""What a model does and how it is, on one page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

# SageMaker developer guide, "Amazon SageMaker AI metrics in Amazon CloudWatch".
_PIPELINES = "AWS/Sagemaker/ModelBuildingPipeline"
_INVOCATIONS = "AWS/SageMaker"
_INSTANCES = "/aws/sagemaker/Endpoints"
# The platform's functions' own, named by the model package group (`warmfold_lambda.log`).
_OWN = "warmfold"
_WIDTH = 8
_PERIOD = Duration.minutes(5)
_DAY = Duration.days(1)


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What the metrics are named by. ``search_steps`` are those that try a candidate's trials."""

    model_package_group: str
    training_pipeline: str
    scoring_pipeline: str
    search_steps: Sequence[str]
    folds_are_jobs: bool
    endpoint: str
    variant: str


class ModelDashboard(Construct):
    """Executions, search, batch and endpoint of one model, a row each.

    Everything is known by name, so that it may be deployed before what it shows.
    """

    def __init__(self, scope: Construct, id: str, *, name: str, watched: Watched) -> None:
        super().__init__(scope, id)
        self._watched = watched
        folds = [self._folds()] if watched.folds_are_jobs else []
        cloudwatch.Dashboard(
            self,
            "Default",
            dashboard_name=name,
            widgets=[
                self._pipelines(),
                self._search(),
                *folds,
                self._batch(),
                self._endpoint(),
            ],
        )

    def _pipelines(self) -> list[cloudwatch.IWidget]:
        watched = self._watched
        return [
            *(
                _graph(
                    f"{title}: executions",
                    [
                        _metric(_PIPELINES, f"Execution{outcome}", {"PipelineName": name}, "Sum")
                        for outcome in ("Started", "Succeeded", "Failed", "Stopped")
                    ],
                )
                for title, name in (
                    ("Training", watched.training_pipeline),
                    ("Batch scoring", watched.scoring_pipeline),
                )
            ),
            _graph(
                "Duration of executions (ms)",
                [
                    _metric(_PIPELINES, "ExecutionDuration", {"PipelineName": name}, "Maximum")
                    for name in (watched.training_pipeline, watched.scoring_pipeline)
                ],
            ),
        ]

    def _search(self) -> list[cloudwatch.IWidget]:
        steps = [
            {"PipelineName": self._watched.training_pipeline, "StepName": step}
            for step in self._watched.search_steps
        ]
        return [
            _graph(
                "Duration of the search by candidate (ms)",
                [_metric(_PIPELINES, "StepDuration", step, "Maximum") for step in steps],
            ),
            _graph(
                "Trials",
                self._own("TrialsCompleted", "TrialsWithoutResult", statistic="Sum"),
                self._own("TrialSeconds", statistic="Average"),
            ),
        ]

    def _folds(self) -> list[cloudwatch.IWidget]:
        return [
            _graph(
                "Fold jobs, and those that took over a warm machine",
                self._own("FoldJobs", "FoldJobsOnWarmMachines", statistic="Sum"),
                self._own("FoldSeconds", statistic="Average"),
            ),
            _graph(
                "Fold jobs and pools that a trial left behind",
                self._own("FoldsStopped", "PoolsEnded", statistic="Sum"),
            ),
        ]

    def _batch(self) -> list[cloudwatch.IWidget]:
        failed = {"PipelineName": self._watched.scoring_pipeline}
        return [
            _graph("Batch: rows scored", self._own("BatchRecords", statistic="Sum", period=_DAY)),
            _graph(
                "Batch: days that were not scored",
                [
                    *self._own("DaysWithoutData", "DaysWithoutModel", statistic="Sum", period=_DAY),
                    _metric(_PIPELINES, "ExecutionFailed", failed, "Sum", _DAY),
                ],
            ),
        ]

    def _endpoint(self) -> list[cloudwatch.IWidget]:
        return [
            _graph(
                "Endpoint: latency (µs)",
                [
                    *(self._invoked("ModelLatency", each) for each in ("Average", "p99")),
                    self._invoked("OverheadLatency", "Average"),
                ],
            ),
            _graph(
                "Endpoint: requests and errors",
                [
                    self._invoked(name, "Sum")
                    for name in ("Invocations", "InvocationModelErrors", "Invocation4XXErrors")
                ],
            ),
            _graph(
                "Endpoint: instances, and their use (%)",
                [self._instance_count()],
                [self._used(name) for name in ("CPUUtilization", "MemoryUtilization")],
            ),
        ]

    @property
    def _variant(self) -> Mapping[str, str]:
        return {"EndpointName": self._watched.endpoint, "VariantName": self._watched.variant}

    def _invoked(self, name: str, statistic: str) -> cloudwatch.Metric:
        return _metric(_INVOCATIONS, name, self._variant, statistic)

    def _used(self, name: str) -> cloudwatch.Metric:
        return _metric(_INSTANCES, name, self._variant, "Average")

    def _instance_count(self) -> cloudwatch.MathExpression:
        # Each request counts as 1/instances in InvocationsPerInstance.
        return cloudwatch.MathExpression(
            expression="invocations / share",
            using_metrics={
                "invocations": self._invoked("Invocations", "Sum"),
                "share": self._invoked("InvocationsPerInstance", "Sum"),
            },
            label="Instances that answered",
            period=_PERIOD,
        )

    def _own(
        self, *names: str, statistic: str, period: Duration = _PERIOD
    ) -> list[cloudwatch.Metric]:
        group = {"ModelPackageGroupName": self._watched.model_package_group}
        return [_metric(_OWN, name, group, statistic, period) for name in names]


def _graph(
    title: str,
    left: Sequence[cloudwatch.IMetric],
    right: Sequence[cloudwatch.IMetric] = (),
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=[*left], right=[*right], width=_WIDTH)


def _metric(
    namespace: str,
    name: str,
    dimensions: Mapping[str, str],
    statistic: str,
    period: Duration = _PERIOD,
) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map=dict(dimensions),
        statistic=statistic,
        period=period,
    )
