"""Pipelines of a container, a function and a condition, and what they need."""

import json
import time
from pathlib import Path
from typing import Any

from tests.localcloud.conftest import ROLE, RunningCloud, wait_for

TINY_JOB = Path(__file__).with_name("tiny_job.py")
FUNCTION = """
def handle(event, context):
    if event["limit"] < 0:
        raise ValueError("the limit is negative")
    return {"limit": event["limit"] + 0.5, "label": "limit for " + event["execution"]}
"""


def get(path: str) -> dict[str, str]:
    return {"Get": path}


def mounted(input_uri: Any, output_uri: Any) -> dict[str, Any]:
    """A processing job's input and output, as the tiny job reads and writes them."""
    raw = {
        "InputName": "raw",
        "S3Input": {
            "S3Uri": input_uri,
            "LocalPath": "/opt/ml/processing/input/raw",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
        },
    }
    evaluation = {
        "OutputName": "evaluation",
        "S3Output": {
            "S3Uri": output_uri,
            "LocalPath": "/opt/ml/processing/output/evaluation",
            "S3UploadMode": "EndOfJob",
        },
    }
    return {
        "ProcessingInputs": [raw],
        "ProcessingOutputConfig": {"Outputs": [evaluation]},
    }


def processing(image: str, bucket: str, mode: str) -> dict[str, Any]:
    execution = get("Execution.PipelineExecutionId")
    target = {"Std:Join": {"On": "/", "Values": [f"s3://{bucket}", execution, "evaluation"]}}
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    return {
        "Name": "Evaluate",
        "Type": "Processing",
        "Arguments": {
            "AppSpecification": {"ImageUri": image, "ContainerArguments": [mode]},
            **mounted(get("Parameters.InputUri"), target),
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
