"""Which run is reported on, and what is said of one that the gate refused."""

import io
import json
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from tests.sessions import shared_session
from tests.unit.report.builders import evaluation_values, run, tuning
from tests.unit.runs.answers import ARN, T0, step, steps, stubbed
from warmfold.errors import WarmfoldError
from warmfold.report import gate
from warmfold.report.collect import newest_evaluated
from warmfold.runs.aws import Aws

PIPELINE = "training"


def execution_arn(name: str) -> str:
    return f"{ARN}pipeline/{PIPELINE}/execution/{name}"


def listed(**states: str) -> tuple[str, dict[str, Any]]:
    """Newest first."""
    return "list_pipeline_executions", {
        "PipelineExecutionSummaries": [
            {
                "PipelineExecutionArn": execution_arn(name),
                "PipelineExecutionStatus": state,
                "StartTime": T0,
            }
            for name, state in states.items()
        ]
    }


def test_the_newest_run_with_a_model_is_taken_and_what_is_newer_is_told() -> None:
    aws, stubber = stubbed(
        [
            listed(newest000000="Executing", middle000000="Failed", oldest000000="Succeeded"),
            steps(step("BuildFeatures", "ProcessingJob", "Executing")),
            steps(step("EvaluateModel", "ProcessingJob", "Failed")),
            steps(
                step("EvaluateModel", "ProcessingJob"),
                step("RegisterRejectedModel", "RegisterModel"),
            ),
        ]
    )
    arn, newer = newest_evaluated(aws, PIPELINE)
    assert arn == execution_arn("oldest000000")
    assert newer == ["newest000000 (Executing)", "middle000000 (Failed)"]
    stubber.assert_no_pending_responses()


def test_runs_of_which_none_has_a_model_have_a_remedy() -> None:
    failed = steps(step("BuildFeatures", "ProcessingJob", "Failed"))
    aws, _ = stubbed([listed(newest000000="Failed"), failed])
    with pytest.raises(WarmfoldError, match=r"newest000000 \(Failed\); start .*`warmfold run`"):
        newest_evaluated(aws, PIPELINE)


def test_a_pipeline_that_was_never_started_has_a_remedy() -> None:
    aws, _ = stubbed([listed()])
    with pytest.raises(WarmfoldError, match="never started: start it with `warmfold run`"):
        newest_evaluated(aws, PIPELINE)


@dataclass(frozen=True, kw_only=True)
class Clients(Aws):
    """One stubbed client a service."""

    clients: dict[str, Any]

    def client(self, service: str) -> Any:
        return self.clients[service]


@pytest.mark.parametrize(
    "maximize, side, bound",
    [(True, "below the minimum", "at least"), (False, "above the maximum", "at most")],
)
def test_a_refused_model_is_told_with_its_score_and_the_limit(
    maximize: bool, side: str, bound: str
) -> None:
    session = shared_session()
    clients = {name: session.client(name) for name in ("sagemaker", "s3")}
    sagemaker, s3 = Stubber(clients["sagemaker"]), Stubber(clients["s3"])
    output = {
        "OutputName": "evaluation",
        "S3Output": {"S3Uri": "s3://bucket/evaluation/", "S3UploadMode": "EndOfJob"},
    }
    described = {
        "ProcessingJobName": "job",
        "ProcessingJobArn": f"{ARN}processing-job/job",
        "ProcessingJobStatus": "Completed",
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": "ml.m5.large",
                "VolumeSizeInGB": 10,
            }
        },
        "AppSpecification": {"ImageUri": "image"},
        "CreationTime": T0,
        "ProcessingOutputConfig": {"Outputs": [output]},
    }
    sagemaker.add_response("describe_processing_job", described)
    sagemaker.add_response(
        "list_pipeline_parameters_for_execution",
        {"PipelineParameters": [{"Name": "MinimumScore", "Value": "0.9"}]},
    )
    body = json.dumps(evaluation_values()).encode()
    s3.add_response("get_object", {"Body": StreamingBody(io.BytesIO(body), len(body))})
    with sagemaker, s3:
        aws = Clients(session=session, environment="dev", clients=clients)
        error = gate.refusal(aws, run((), tunings=(tuning((), maximize=maximize),)))
    assert str(error) == (
        f"the gate failed: the hold-out score is {side}: AUC is 0.7812, and {bound} "
        "0.9 is asked for; the model is registered as Rejected"
    )
