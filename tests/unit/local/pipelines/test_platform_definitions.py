"""The platform's own pipelines on the local cloud, and the Lambdas at their two ends.

What the definition hands to a function is held here against what the function reads.
"""

import json
from datetime import date
from typing import Any

import pytest

from best_training_job.handler import parse as parse_selection
from publish_predictions.handler import parse as parse_publication
from start_batch_scoring.logic import plan_run
from tests.unit.local.pipelines.aids import (
    Jobs,
    body,
    create,
    finished,
    script_operation,
    start,
    steps,
    stub,
)
from tests.unit.pipeline import examples
from warmfold_local.cloud import Cloud

EVALUATION = {
    "score": 0.79,
    "registration": {
        "algorithm": "lightgbm",
        "calibration": "platt",
        "champion": "compared",
        "champion_version": "3",
        "cv_score": "0.78",
        "cv_score_std": "0.02",
        "data_fingerprint": "abc",
        "difference_to_champion": "-0.010000",
        "fold_hash": "def",
        "metric": "auc",
        "rounds": "120",
        "score": "0.79",
        "task": "classification",
        "wheel_sha256": "0" * 64,
    },
}


@pytest.fixture
def payloads(cloud: Cloud) -> list[dict[str, Any]]:
    """What the functions are invoked with; each answers as the best-job function does."""
    stubber = stub(cloud, "lambda")
    answer = {
        "selection_uri": "s3://b/selection",
        "champion_uri": "s3://b/champion",
        "trial_output_uri": "s3://b/tuning/t/output/output.tar.gz",
        "training_job_name": "t",
        "score": 0.8,
    }
    stubber.add_response("invoke", {"StatusCode": 200, "Payload": body(answer)})
    taken: list[dict[str, Any]] = []

    def take(params: dict[str, Any], **_: Any) -> None:
        taken.append(json.loads(params["Payload"]))

    stubber.client.meta.events.register("provide-client-params.lambda.Invoke", take)
    return taken


@pytest.fixture
def registered(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The packages that are registered; models can be made too."""
    made: list[dict[str, Any]] = []
    arn = cloud.arn("model-package/warmfold-dev-german-credit/1")

    def register(_: Cloud, request: dict[str, Any]) -> dict[str, Any]:
        made.append(request)
        return {"ModelPackageArn": arn}

    described = {"ModelPackageArn": arn, "ModelPackageStatus": "Completed"}
    script_operation(monkeypatch, "CreateModelPackage", register)
    script_operation(monkeypatch, "DescribeModelPackage", lambda _, request: described)
    script_operation(monkeypatch, "CreateModel", lambda _, r: {"ModelArn": cloud.arn("model/m")})
    script_operation(
        monkeypatch, "DescribeModel", lambda _, request: {"ModelName": request["ModelName"]}
    )
    return made


@pytest.mark.parametrize(
    "minimum, approval, last",
    [
        ("0.7", "PendingManualApproval", "TransformHoldout"),
        ("0.9", "Rejected", "RegisterRejectedModel"),
    ],
)
def test_the_training_pipeline_runs_to_its_end(
    cloud: Cloud,
    jobs: Jobs,
    payloads: list[dict[str, Any]],
    registered: list[dict[str, Any]],
    minimum: str,
    approval: str,
    last: str,
) -> None:
    evaluation = stub(cloud, "s3")
    for _ in range(40):
        evaluation.add_response("get_object", {"Body": body(EVALUATION)})
    create(cloud, json.dumps(examples.training()))

    execution = finished(cloud, arn := start(cloud, {"MinimumScore": minimum}))

    assert execution.get("FailureReason") is None
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    assert last in steps(cloud, arn)
    (package,) = registered
    assert package["ModelApprovalStatus"] == approval
    assert package["CustomerMetadataProperties"]["pipeline_execution_arn"] == arn
    request = parse_selection(payloads[0])
    tuned = jobs.created("HyperParameterTuningJob")[0]["HyperParameterTuningJobName"]
    assert [candidate.job_name for candidate in request.candidates] == [tuned]
    assert request.output_uri.endswith(f"/executions/{arn.rpartition('/')[2]}/selection")


def test_the_scoring_pipeline_takes_what_the_schedule_gives_and_hands_on_the_run(
    cloud: Cloud, jobs: Jobs, payloads: list[dict[str, Any]]
) -> None:
    create(cloud, json.dumps(examples.scoring()))
    planned = plan_run("warmfold-dev-artifacts", "german-credit", date(2026, 3, 2))

    execution = finished(cloud, arn := start(cloud, planned.parameters("german-credit-v3")))

    assert execution["PipelineExecutionStatus"] == "Succeeded"
    request = parse_publication(payloads[0])
    identifier = arn.rpartition("/")[2]
    assert request.execution_id == identifier
    assert request.output_uri == f"{planned.output_uri}run={identifier}"
    assert request.manifest_uri == planned.manifest_uri
    job = jobs.created("TransformJob")[0]
    assert job["ModelName"] == "german-credit-v3"
    assert job["TransformOutput"]["S3OutputPath"] == f"{request.output_uri}/"
