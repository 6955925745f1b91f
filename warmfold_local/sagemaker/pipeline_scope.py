"""The values that a step's expressions see: parameters, execution, steps that have ended."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from warmfold_local.cloud import Cloud, Record
from warmfold_local.engine.s3 import TransferError, split_uri
from warmfold_local.sagemaker.expressions import ExpressionError, follow
from warmfold_local.sagemaker.graph import Steps
from warmfold_local.sagemaker.pipeline_checks import property_files


@dataclass
class ExecutionScope:
    """One execution's values; ``outputs`` grows as its steps end. Files are read as its role."""

    cloud: Cloud
    role_arn: str | None
    steps: Steps
    parameters: Mapping[str, Any]
    variables: Mapping[str, str]
    outputs: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def parameter(self, name: str) -> Any:
        return _named(self.parameters, name, "parameter")

    def execution(self, name: str) -> str:
        if name == "CurrentDateTime":
            return self.cloud.now().isoformat()
        return str(_named(self.variables, name, "execution variable"))

    def step(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = _named(self.outputs, name, "finished step")
        return found

    def property_file(self, step: str, name: str) -> Any:
        declared = _named(property_files(self.steps[step]), name, f"property file of {step}")
        path = f"ProcessingOutputConfig.Outputs['{declared['OutputName']}'].S3Output.S3Uri"
        folder = str(follow(self.step(step), path)).rstrip("/")
        return self.json_object(f"{folder}/{declared['FilePath']}")

    def json_object(self, uri: str) -> Any:
        """Raises ``ExpressionError`` if the object is not there, or is not JSON."""
        try:
            bucket, key = split_uri(uri)
            answer = (
                self.cloud.acting_as(self.role_arn).client("s3").get_object(Bucket=bucket, Key=key)
            )
            return json.loads(answer["Body"].read())
        except (TransferError, ClientError) as error:
            raise ExpressionError(f"property file {uri} cannot be read: {error}") from error
        except ValueError as error:
            raise ExpressionError(f"property file {uri} is not JSON") from error


def execution_variables(record: Record) -> dict[str, str]:
    """``Execution.X`` of an execution, from what Describe answers of it and its pipeline."""
    return {
        "StartDateTime": record["CreationTime"].isoformat(),
        "PipelineName": record["_pipeline_name"],
        "PipelineArn": record["PipelineArn"],
        "PipelineExecutionId": record["_id"],
        "PipelineExecutionArn": record["PipelineExecutionArn"],
    }


def _named(values: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in values:
        raise ExpressionError(f"there is no {what} {name!r}")
    return values[name]
