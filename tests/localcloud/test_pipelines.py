"""Pipelines on the running local cloud: real processing containers, Lambda, S3 and registry."""

import io
import json
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.conftest import ROLE, RunningCloud, wait_for

pytestmark = pytest.mark.localcloud

TINY_JOB = Path(__file__).with_name("tiny_job.py")
FUNCTION = """
def handle(event, context):
    if event["limit"] < 0:
        raise ValueError("the limit is negative")
    return {"limit": event["limit"] + 0.5, "label": "limit for " + event["execution"]}
"""


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


def get(path: str) -> dict[str, str]:
    return {"Get": path}


def processing(image: str, bucket: str, mode: str) -> dict[str, Any]:
    execution = get("Execution.PipelineExecutionId")
    target = {"Std:Join": {"On": "/", "Values": [f"s3://{bucket}", execution, "evaluation"]}}
    mounted = {
        "InputName": "raw",
        "S3Input": {
            "S3Uri": get("Parameters.InputUri"),
            "LocalPath": "/opt/ml/processing/input/raw",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
        },
    }
    output = {
        "OutputName": "evaluation",
        "S3Output": {
            "S3Uri": target,
            "LocalPath": "/opt/ml/processing/output/evaluation",
            "S3UploadMode": "EndOfJob",
        },
    }
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    return {
        "Name": "Evaluate",
        "Type": "Processing",
        "Arguments": {
            "AppSpecification": {"ImageUri": image, "ContainerArguments": [mode]},
            "ProcessingInputs": [mounted],
            "ProcessingOutputConfig": {"Outputs": [output]},
            "ProcessingResources": {"ClusterConfig": cluster},
            "RoleArn": ROLE,
        },
        "PropertyFiles": [
            {
                "PropertyFileName": "Evaluation",
                "OutputName": "evaluation",
                "FilePath": "evaluation.json",
            }
        ],
    }


def limit(function_arn: str) -> dict[str, Any]:
    return {
        "Name": "Limit",
        "Type": "Lambda",
        "FunctionArn": function_arn,
        "Arguments": {
            "limit": get("Parameters.Limit"),
            "execution": get("Execution.PipelineExecutionId"),
        },
        "OutputParameters": [
            {"OutputName": "limit", "OutputType": "Float"},
            {"OutputName": "label", "OutputType": "String"},
        ],
    }


def check(group: str, image: str, bucket: str) -> dict[str, Any]:
    file = get("Steps.Evaluate.PropertyFiles.Evaluation")
    score = {"Std:JsonGet": {"PropertyFile": file, "Path": "metrics.score"}}
    container = {"Image": image, "ModelDataUrl": f"s3://{bucket}/model.tar.gz"}
    register = {
        "Name": "Register",
        "Type": "RegisterModel",
        "Arguments": {
            "ModelPackageGroupName": group,
            "ModelApprovalStatus": "PendingManualApproval",
            "InferenceSpecification": {
                "Containers": [container],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            "CustomerMetadataProperties": {
                "label": get("Steps.Limit.OutputParameters['label']"),
                "score": {"Std:Join": {"On": "", "Values": [score]}},
            },
        },
    }
    message = {"Std:Join": {"On": " ", "Values": ["the score is only", score]}}
    refuse = {"Name": "Refuse", "Type": "Fail", "Arguments": {"ErrorMessage": message}}
    reached = {
        "Type": "GreaterThanOrEqualTo",
        "LeftValue": score,
        "RightValue": get("Steps.Limit.OutputParameters['limit']"),
    }
    arguments = {"Conditions": [reached], "IfSteps": [register], "ElseSteps": [refuse]}
    return {"Name": "Check", "Type": "Condition", "Arguments": arguments}


class Deployed:
    """A deployed pipeline, started and looked at through boto3."""

    def __init__(self, cloud: RunningCloud, bucket: str, steps: list[dict[str, Any]]) -> None:
        self.sagemaker = cloud.client("sagemaker")
        self.name = f"p-{time.time_ns()}"
        parameters = [
            {"Name": "InputUri", "Type": "String", "DefaultValue": f"s3://{bucket}/raw/"},
            {"Name": "Limit", "Type": "Float", "DefaultValue": 6.0},
        ]
        body = {"Version": "2020-12-01", "Parameters": parameters, "Steps": steps}
        self.sagemaker.create_pipeline(
            PipelineName=self.name, RoleArn=ROLE, PipelineDefinition=json.dumps(body)
        )

    def start(self, **parameters: str) -> str:
        listed = [{"Name": name, "Value": value} for name, value in parameters.items()]
        answer = self.sagemaker.start_pipeline_execution(
            PipelineName=self.name, PipelineParameters=listed
        )
        return str(answer["PipelineExecutionArn"])

    def describe(self, arn: str) -> dict[str, Any]:
        found: dict[str, Any] = self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        return found

    def end(self, arn: str) -> dict[str, Any]:
        running = ("Executing", "Stopping")
        wait_for(
            lambda: self.describe(arn)["PipelineExecutionStatus"] not in running, "it ended", 60
        )
        return self.describe(arn)

    def steps(self, arn: str) -> dict[str, dict[str, Any]]:
        listed = self.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)
        return {step["StepName"]: step for step in listed["PipelineExecutionSteps"]}


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
