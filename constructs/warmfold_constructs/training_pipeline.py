"""The training pipeline: the pure definition as a CloudFormation resource, with its own role."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from warmfold.pipeline.spec import JobNetwork
from warmfold.pipeline.validate import require_valid
from warmfold_constructs.best_training_job import TUNING_JOBS
from warmfold_constructs.job_network import job_conditions, model_conditions
from warmfold_constructs.policies import allow, allow_passing, arn, new_role, sagemaker_principal

# What SageMaker calls the jobs of a pipeline's steps.
PIPELINE_JOBS = "pipelines-*"
_NAMED_LATER = "SageMaker names the jobs of a pipeline's steps when an execution reaches them."

_JOBS = (
    ("processing-job", "ProcessingJob", PIPELINE_JOBS),
    ("training-job", "TrainingJob", PIPELINE_JOBS),
    ("hyper-parameter-tuning-job", "HyperParameterTuningJob", TUNING_JOBS),
    ("transform-job", "TransformJob", PIPELINE_JOBS),
)


class PipelineRole(Construct):
    """What SageMaker Pipelines acts as: starts, watches and stops the jobs of its steps.

    It can register models, but neither approve nor deploy them. What it starts or creates has to
    lie in ``network``, if there is one.
    """

    def __init__(
        self, scope: Construct, id: str, *, description: str, network: JobNetwork | None
    ) -> None:
        super().__init__(scope, id)
        self._network = network
        self.role = new_role(
            self, "Role", description=description, assumed_by=sagemaker_principal(self)
        )

    @property
    def arn(self) -> str:
        return self.role.role_arn

    def grant_jobs(self, *resources: str) -> None:
        """Create, describe, stop and tag jobs of these kinds, as ``training-job``."""
        for resource, noun, names in _JOBS:
            if resource not in resources:
                continue
            jobs = [arn(self, "sagemaker", resource, names)]
            self._allow_creating(noun, jobs)
            actions = [f"sagemaker:{verb}{noun}" for verb in ("Describe", "Stop")]
            if resource == "hyper-parameter-tuning-job":
                # A Tuning step's properties are also those of this operation's answer.
                actions.append(f"sagemaker:ListTrainingJobsFor{noun}")
            allow(self.role, [*actions, "sagemaker:AddTags"], jobs, because=_NAMED_LATER)

    def _allow_creating(self, noun: str, jobs: Sequence[str]) -> None:
        """A transform is where its model is, and its request names no network."""
        bound = {} if noun == "TransformJob" else job_conditions(self._network)
        allow(self.role, [f"sagemaker:Create{noun}"], jobs, conditions=bound)

    def grant_models(self) -> None:
        """Create the models of CreateModel steps."""
        models = [arn(self, "sagemaker", "model", PIPELINE_JOBS)]
        bound = model_conditions(self._network)
        allow(self.role, ["sagemaker:CreateModel"], models, conditions=bound)
        allow(
            self.role,
            ["sagemaker:DescribeModel", "sagemaker:AddTags"],
            models,
            because=_NAMED_LATER,
        )

    def grant_passing(self, role_arns: Sequence[str]) -> None:
        """Hand exactly these roles to SageMaker."""
        allow_passing(self.role, role_arns, to_service="sagemaker.amazonaws.com")

    def grant_results(self, bucket: s3.IBucket, prefix: str, key: kms.IKey) -> None:
        """Read what a step wrote, for a condition."""
        allow(
            self.role,
            ["s3:GetObject"],
            [bucket.arn_for_objects(f"{prefix}*")],
            because="Results of an execution, which is named when it starts.",
        )
        allow(self.role, ["kms:Decrypt"], [key.key_arn])


class Pipeline(Construct):
    """A SageMaker pipeline from a definition, whose strings may be tokens.

    Raises ``DefinitionError`` at synth if SageMaker would refuse the definition.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        description: str,
        definition: dict[str, Any],
        role: PipelineRole,
    ) -> None:
        super().__init__(scope, id)
        require_valid(definition)
        self.name = name
        self.arn = arn(self, "sagemaker", "pipeline", name)
        pipeline = sagemaker.CfnPipeline(
            self,
            "Pipeline",
            pipeline_name=name,
            pipeline_display_name=name,
            pipeline_description=description,
            pipeline_definition={
                "PipelineDefinitionBody": Stack.of(self).to_json_string(definition)
            },
            role_arn=role.arn,
        )
        # Without this, the first execution can begin before its role may do anything.
        pipeline.node.add_dependency(role)
