"""The training pipeline: the pure definition as a CloudFormation resource, with its own role."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from aws_cdk import Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from warmfold.pipeline.spec import JobNetwork
from warmfold.pipeline.tags import PIPELINE_TAG, tagged
from warmfold.pipeline.validate import require_valid
from warmfold_constructs.job_limits import arguments_of, fixed
from warmfold_constructs.job_names import PIPELINE_JOBS, TUNING_JOBS
from warmfold_constructs.job_network import (
    Conditions,
    job_conditions,
    model_conditions,
    together,
)
from warmfold_constructs.policies import allow, allow_passing, arn, new_role, sagemaker_principal

_NAMED_LATER = "SageMaker names the jobs of a pipeline's steps when an execution reaches them."


class _Job(NamedTuple):
    """What a step of type ``step`` starts: its resource, and what its operations call it."""

    step: str
    resource: str
    noun: str
    names: str = PIPELINE_JOBS


_JOBS = (
    _Job("Processing", "processing-job", "ProcessingJob"),
    _Job("Training", "training-job", "TrainingJob"),
    _Job("Tuning", "hyper-parameter-tuning-job", "HyperParameterTuningJob", TUNING_JOBS),
    _Job("Transform", "transform-job", "TransformJob"),
)


class PipelineRole(Construct):
    """What SageMaker Pipelines acts as: starts, watches and stops the jobs of its steps.

    It can register models, but neither approve nor deploy them. What it starts or creates has the
    tag of ``pipeline``, and has to lie in ``network``, if there is one.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        pipeline: str,
        description: str,
        network: JobNetwork | None,
    ) -> None:
        super().__init__(scope, id)
        self._network = network
        self._pipeline = pipeline
        self.role = new_role(
            self, "Role", description=description, assumed_by=sagemaker_principal(self)
        )

    @property
    def arn(self) -> str:
        return self.role.role_arn

    def grant_jobs(self, definition: dict[str, Any], key: kms.IKey) -> None:
        """Create the jobs of the definition's steps, as it has them, and describe and stop them."""
        for job in _JOBS:
            requests = arguments_of(definition["Steps"], job.step)
            if not requests:
                continue
            jobs = [arn(self, "sagemaker", job.resource, job.names)]
            # A transform is where its model is, and its request names no network.
            placed = {} if job.step == "Transform" else job_conditions(self._network)
            self._allow_creating(job.noun, jobs, together(fixed(requests, key.key_arn), placed))
            looks = [f"sagemaker:Describe{job.noun}"]
            if job.step == "Tuning":
                # A Tuning step's properties are also those of this operation's answer.
                looks.append(f"sagemaker:ListTrainingJobsFor{job.noun}")
            allow(self.role, looks, jobs, because=_NAMED_LATER)
            own = {"StringEquals": self._tag("Resource")}
            # Pipelines tags jobs with their execution, maybe after it has created them.
            actions = [f"sagemaker:Stop{job.noun}", "sagemaker:AddTags"]
            allow(self.role, actions, jobs, conditions=own)

    def grant_models(self) -> None:
        """Create the models of CreateModel steps."""
        models = [arn(self, "sagemaker", "model", PIPELINE_JOBS)]
        self._allow_creating("Model", models, model_conditions(self._network))
        allow(self.role, ["sagemaker:DescribeModel"], models, because=_NAMED_LATER)

    def _allow_creating(self, noun: str, made: Sequence[str], bound: Conditions) -> None:
        """With the pipeline's tag, which is put on what is being made and on nothing else's."""
        create = f"Create{noun}"
        tag = {"StringEquals": self._tag("Request")}
        allow(self.role, [f"sagemaker:{create}"], made, conditions=together(bound, tag))
        new = {"StringEquals": {"sagemaker:TaggingAction": create}}
        allow(self.role, ["sagemaker:AddTags"], made, conditions=together(tag, new))

    def _tag(self, of: str) -> dict[str, str]:
        return {f"aws:{of}Tag/{PIPELINE_TAG}": self._pipeline}

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

    Jobs and models get a tag with the pipeline's name, by which its role may stop them.

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
        definition = tagged(definition, name)
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
