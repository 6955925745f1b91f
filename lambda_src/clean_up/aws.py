"""The AWS calls but S3's: stacks, pipelines' executions, models, model packages, log groups."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from clean_up.logic import EXECUTING, RUNNING, Clock, is_batch_model

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import PipelineExecutionSummaryTypeDef

_POLL_SECONDS = 5.0


@dataclass(frozen=True)
class Stacks:
    """The stack that asks."""

    cloudformation: CloudFormationClient

    def status(self, stack_id: str) -> str:
        (stack,) = self.cloudformation.describe_stacks(StackName=stack_id)["Stacks"]
        return stack["StackStatus"]


@dataclass(frozen=True)
class LogGroups:
    """Log groups that a service made by itself."""

    logs: Any  # its stubs are not among the requirements

    def delete(self, name: str) -> int:
        """Whether there was one, as 0 or 1."""
        try:
            self.logs.delete_log_group(logGroupName=name)
        except ClientError as error:
            if error.response["Error"].get("Code") != "ResourceNotFoundException":
                raise
            return 0
        return 1


@dataclass(frozen=True)
class Models:
    """SageMaker's pipelines, models and model packages. Each raises ``LambdaError`` when the
    function's time is over."""

    sagemaker: SageMakerClient
    clock: Clock

    def stop_executions(self, pipeline: str) -> int:
        """Until none runs any more; how many were stopped. A pipeline that is gone has none."""
        stopped: set[str] = set()
        while running := self._running(pipeline):
            self.clock.require(f"{len(running)} executions of {pipeline} have stopped")
            for execution in running:
                arn = execution["PipelineExecutionArn"]
                if execution["PipelineExecutionStatus"] == EXECUTING and arn not in stopped:
                    self._stop(pipeline, arn)
                    stopped.add(arn)
            self.clock.wait(_POLL_SECONDS)
        return len(stopped)

    def delete_models_of(self, pipeline: str) -> int:
        """The models that executions made in a step."""
        deleted = 0
        for execution in self._executions(pipeline):
            self.clock.require(f"all models of {pipeline} are deleted")
            for name in self._made_by(execution["PipelineExecutionArn"]):
                deleted += self._delete_model(name)
        return deleted

    def delete_batch_models(self, prefix: str) -> int:
        pages = self.sagemaker.get_paginator("list_models").paginate(NameContains=f"{prefix}-v")
        names = [model["ModelName"] for page in pages for model in page["Models"]]
        deleted = 0
        for name in (name for name in names if is_batch_model(name, prefix)):
            self.clock.require(f"all models {prefix}-v* are deleted")
            deleted += self._delete_model(name)
        return deleted

    def delete_packages(self, group: str) -> int:
        """Every version of a group. A group that is gone has none."""
        pages = self.sagemaker.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=group
        )
        try:
            arns = [
                summary["ModelPackageArn"]
                for page in pages
                for summary in page["ModelPackageSummaryList"]
            ]
        except ClientError as error:
            if not _unknown(error):
                raise
            return 0
        for arn in arns:
            self.clock.require(f"all versions of {group} are deleted")
            self.sagemaker.delete_model_package(ModelPackageName=arn)
        return len(arns)

    def _running(self, pipeline: str) -> list[PipelineExecutionSummaryTypeDef]:
        return [
            execution
            for execution in self._executions(pipeline)
            if execution["PipelineExecutionStatus"] in RUNNING
        ]

    def _executions(self, pipeline: str) -> list[PipelineExecutionSummaryTypeDef]:
        pages = self.sagemaker.get_paginator("list_pipeline_executions").paginate(
            PipelineName=pipeline
        )
        try:
            return [each for page in pages for each in page["PipelineExecutionSummaries"]]
        except ClientError as error:
            if not _unknown(error):
                raise
            return []

    def _stop(self, pipeline: str, arn: str) -> None:
        """Unless it has ended since it was listed."""
        try:
            self.sagemaker.stop_pipeline_execution(
                PipelineExecutionArn=arn, ClientRequestToken=sha256(arn.encode()).hexdigest()
            )
        except ClientError:
            if arn in {each["PipelineExecutionArn"] for each in self._running(pipeline)}:
                raise

    def _made_by(self, execution_arn: str) -> list[str]:
        pages = self.sagemaker.get_paginator("list_pipeline_execution_steps").paginate(
            PipelineExecutionArn=execution_arn
        )
        steps = [step for page in pages for step in page["PipelineExecutionSteps"]]
        arns = [step.get("Metadata", {}).get("Model", {}).get("Arn", "") for step in steps]
        return [arn.rpartition("/")[2] for arn in arns if arn]

    def _delete_model(self, name: str) -> int:
        """Whether there was one, as 0 or 1."""
        try:
            self.sagemaker.delete_model(ModelName=name)
        except ClientError as error:
            if not _unknown(error):
                raise
            return 0
        return 1


def _unknown(error: ClientError) -> bool:
    """``ResourceNotFound``, or the ``ValidationException`` that older operations answer."""
    code = error.response["Error"].get("Code", "")
    message = error.response["Error"].get("Message", "").lower()
    absent = ("could not find", "not found", "does not exist")
    return code == "ResourceNotFound" or (
        code == "ValidationException" and any(words in message for words in absent)
    )
