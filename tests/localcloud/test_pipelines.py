"""Pipelines on the running local cloud: real processing containers, Lambda, S3 and registry."""

import io
import json
import sys
import time
import zipfile

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.conftest import ROLE, RunningCloud, wait_for
from tests.localcloud.pipeline_aids import (
    FUNCTION,
    TINY_JOB,
    Deployed,
    check,
    get,
    limit,
    processing,
)

pytestmark = pytest.mark.localcloud


@pytest.fixture(scope="module")
def image(cloud: RunningCloud) -> str:
    return cloud.add_image("tiny-job", "v1", [sys.executable, "-I", str(TINY_JOB)])


@pytest.fixture(scope="module")
def bucket(cloud: RunningCloud) -> str:
    name = f"pipelines-{time.time_ns()}"
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=name)
    for index, numbers in enumerate((b"1\n2\n", b"4\n")):
        s3.put_object(Bucket=name, Key=f"raw/{index}.txt", Body=numbers)
    return name


@pytest.fixture(scope="module")
def function_arn(cloud: RunningCloud) -> str:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("limit.py", FUNCTION)
    made = cloud.client("lambda").create_function(
        FunctionName=f"limit-{time.time_ns()}",
        Runtime="python3.12",
        Role=ROLE,
        Handler="limit.handle",
        Code={"ZipFile": archive.getvalue()},
        Timeout=30,
    )
    return str(made["FunctionArn"])


@pytest.fixture(scope="module")
def group(cloud: RunningCloud) -> str:
    name = f"pipelines-{time.time_ns()}"
    cloud.client("sagemaker").create_model_package_group(ModelPackageGroupName=name)
    return name


@pytest.fixture(scope="module")
def deployed(
    cloud: RunningCloud, image: str, bucket: str, function_arn: str, group: str
) -> Deployed:
    steps = [processing(image, bucket, "sum"), limit(function_arn), check(group, image, bucket)]
    return Deployed(cloud, bucket, steps)


def test_a_pipeline_runs_containers_and_functions_and_registers_what_passes(
    cloud: RunningCloud, deployed: Deployed
) -> None:
    arn = deployed.start()

    execution, steps = deployed.end(arn), deployed.steps(arn)

    assert execution["PipelineExecutionStatus"] == "Succeeded", execution.get("FailureReason")
    assert {name: step["StepStatus"] for name, step in steps.items()} == dict.fromkeys(
        ("Evaluate", "Limit", "Check", "Register"), "Succeeded"
    )
    package = cloud.client("sagemaker").describe_model_package(
        ModelPackageName=steps["Register"]["Metadata"]["RegisterModel"]["Arn"]
    )
    identifier = arn.rpartition("/")[2]
    assert package["CustomerMetadataProperties"] == {
        "label": f"limit for {identifier}",
        "score": "7.0",
    }
    job = cloud.client("sagemaker").describe_processing_job(
        ProcessingJobName=steps["Evaluate"]["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    )
    assert job["ProcessingJobName"].startswith(f"pipelines-{identifier}-Evaluate-")


def test_a_parameter_at_the_start_changes_which_branch_runs(deployed: Deployed) -> None:
    arn = deployed.start(Limit="6.6")

    execution, steps = deployed.end(arn), deployed.steps(arn)

    assert execution["PipelineExecutionStatus"] == "Failed"
    assert "the score is only 7.0" in execution["FailureReason"]
    assert steps["Check"]["Metadata"]["Condition"]["Outcome"] == "False"
    assert "Register" not in steps


def test_an_error_in_a_function_is_the_executions_reason(deployed: Deployed) -> None:
    execution = deployed.end(deployed.start(Limit="-1"))
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert "the limit is negative" in execution["FailureReason"]


def test_a_container_that_fails_ends_the_execution(
    cloud: RunningCloud, image: str, bucket: str
) -> None:
    pipeline = Deployed(cloud, bucket, [processing(image, bucket, "fail")])
    arn = pipeline.start()
    execution = pipeline.end(arn)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert "AlgorithmError" in pipeline.steps(arn)["Evaluate"]["FailureReason"]
    assert "exit code: 1" in execution["FailureReason"]


def test_stopping_an_execution_ends_its_container(
    cloud: RunningCloud, image: str, bucket: str
) -> None:
    pipeline = Deployed(cloud, bucket, [processing(image, bucket, "sleep")])
    arn = pipeline.start()
    wait_for(lambda: pipeline.steps(arn).get("Evaluate", {}).get("Metadata"), "the job was made")

    cloud.client("sagemaker").stop_pipeline_execution(PipelineExecutionArn=arn)

    assert pipeline.end(arn)["PipelineExecutionStatus"] == "Stopped"
    step = pipeline.steps(arn)["Evaluate"]
    assert step["StepStatus"] == "Stopped"
    job = cloud.client("sagemaker").describe_processing_job(
        ProcessingJobName=step["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    )
    assert job["ProcessingJobStatus"] == "Stopped"


def test_a_definition_from_s3_is_deployed(cloud: RunningCloud, bucket: str) -> None:
    step = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "enough"}}
    body = {"Version": "2020-12-01", "Steps": [step]}
    cloud.client("s3").put_object(Bucket=bucket, Key="pipeline.json", Body=json.dumps(body))
    sagemaker, name = cloud.client("sagemaker"), f"p-{time.time_ns()}"
    location = {"Bucket": bucket, "ObjectKey": "pipeline.json"}

    sagemaker.create_pipeline(
        PipelineName=name, RoleArn=ROLE, PipelineDefinitionS3Location=location
    )

    found = sagemaker.describe_pipeline(PipelineName=name)
    assert json.loads(found["PipelineDefinition"]) == body
    sagemaker.delete_pipeline(PipelineName=name)
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.describe_pipeline(PipelineName=name)


def test_a_faulty_definition_is_refused_by_name_and_place(
    cloud: RunningCloud, image: str, bucket: str
) -> None:
    step = processing(image, bucket, "sum")
    step["Arguments"]["RoleArn"] = get("Parameters.Role")
    with pytest.raises(ClientError) as caught:
        Deployed(cloud, bucket, [step])
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    message = caught.value.response["Error"]["Message"]
    assert "Step Evaluate: Arguments.RoleArn: there is no parameter 'Role'" in message
