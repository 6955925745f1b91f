"""Recorded answers of SageMaker, served by botocore's stubber, which checks their shapes."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from botocore.stub import Stubber

from tests.sessions import shared_session
from warmfold.runs.aws import Aws
from warmfold_contract import metrics

ARN = "arn:aws:sagemaker:us-east-1:000000000000:"
EXECUTION = f"{ARN}pipeline/training/execution/abc123def456"
T0 = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class StubbedAws(Aws):
    """Hands out a stubbed client of SageMaker, and a bucket that holds ``objects`` by their key."""

    stubbed: Any
    objects: Mapping[str, bytes] = field(default_factory=dict)
    absent: str = "NoSuchKey"

    def client(self, service: str) -> Any:
        assert service in ("sagemaker", "s3")
        return self.stubbed if service == "sagemaker" else self

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - boto3's words
        assert Bucket == "bucket"
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": self.absent, "Message": Key}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Key])}


def stubbed(
    answers: Sequence[tuple[str, dict[str, Any]]], objects: Mapping[str, bytes] | None = None
) -> tuple[StubbedAws, Stubber]:
    """An ``Aws`` that gets exactly these answers, in this order."""
    session = shared_session()
    client = session.client("sagemaker")
    stubber = Stubber(client)
    for operation, answer in answers:
        stubber.add_response(operation, answer)
    stubber.activate()
    return StubbedAws(
        session=session, environment="dev", stubbed=client, objects=objects or {}
    ), stubber


def execution(status: str = "Executing", **more: Any) -> tuple[str, dict[str, Any]]:
    return "describe_pipeline_execution", {
        "PipelineArn": f"{ARN}pipeline/training",
        "PipelineExecutionArn": EXECUTION,
        "PipelineExecutionStatus": status,
        "CreationTime": T0,
        "LastModifiedTime": T0,
        **more,
    }


def steps(*raw: dict[str, Any], token: str | None = None) -> tuple[str, dict[str, Any]]:
    answer: dict[str, Any] = {"PipelineExecutionSteps": list(raw)}
    return "list_pipeline_execution_steps", answer | ({"NextToken": token} if token else {})


def step(name: str, kind: str, status: str = "Succeeded", **more: Any) -> dict[str, Any]:
    return {
        "StepName": name,
        "StepStatus": status,
        "StartTime": T0,
        "Metadata": {kind: {"Arn": f"{ARN}{kind.lower()}/job-of-{name}"}},
        **more,
    }


def tuning_job(folds: int = 3) -> tuple[str, dict[str, Any]]:
    """The description of the job that step ``Tune-gbdt`` made."""
    return "describe_hyper_parameter_tuning_job", {
        "HyperParameterTuningJobName": "job-of-Tune-gbdt",
        "HyperParameterTuningJobArn": f"{ARN}hyper-parameter-tuning-job/job-of-Tune-gbdt",
        "HyperParameterTuningJobStatus": "InProgress",
        "CreationTime": T0,
        "TrainingJobStatusCounters": {},
        "ObjectiveStatusCounters": {},
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {
                "Type": "Maximize",
                "MetricName": metrics.OBJECTIVE,
            },
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 12, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {
                "ContinuousParameterRanges": [
                    {
                        "Name": "learning_rate",
                        "MinValue": "0.01",
                        "MaxValue": "0.3",
                        "ScalingType": "Logarithmic",
                    }
                ],
                "IntegerParameterRanges": [
                    {"Name": "num_leaves", "MinValue": "4", "MaxValue": "64"}
                ],
                "CategoricalParameterRanges": [{"Name": "boosting", "Values": ["gbdt", "goss"]}],
            },
        },
        "TrainingJobDefinition": {
            "AlgorithmSpecification": {
                "TrainingInputMode": "File",
                "MetricDefinitions": metrics.metric_definitions(folds),
            },
            "RoleArn": "arn:aws:iam::000000000000:role/trial",
            "OutputDataConfig": {"S3OutputPath": "s3://bucket/tuning"},
            "StoppingCondition": {},
        },
    }


def trial_summaries(*names: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return "list_training_jobs_for_hyper_parameter_tuning_job", {
        "TrainingJobSummaries": [
            {
                "TrainingJobName": name,
                "TrainingJobArn": f"{ARN}training-job/{name}",
                "CreationTime": T0,
                "TrainingJobStatus": "InProgress",
                "TunedHyperParameters": {"learning_rate": "0.05"},
                **more,
            }
            for name in names
        ]
    }


def training_job(name: str, status: str, values: dict[str, float]) -> tuple[str, dict[str, Any]]:
    return "describe_training_job", {
        "TrainingJobName": name,
        "TrainingJobArn": f"{ARN}training-job/{name}",
        "ModelArtifacts": {"S3ModelArtifacts": "s3://bucket/model.tar.gz"},
        "TrainingJobStatus": status,
        "SecondaryStatus": "Training",
        "StoppingCondition": {},
        "CreationTime": T0,
        "TrainingStartTime": T0,
        "FinalMetricDataList": [
            {"MetricName": key, "Value": value, "Timestamp": T0} for key, value in values.items()
        ],
    }
