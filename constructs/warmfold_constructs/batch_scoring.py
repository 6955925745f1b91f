"""The scoring pipeline: transform the day's input, then publish its manifest."""

from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from warmfold.pipeline.scoring import scoring_pipeline
from warmfold.pipeline.spec import ScoringRefs, ScoringSpec
from warmfold_constructs.policies import allow
from warmfold_constructs.python_function import PythonFunction
from warmfold_constructs.training_pipeline import Pipeline, PipelineRole

# Longer than a listing of a thousand output files takes, shorter than a Lambda step may last.
_TIMEOUT_SECONDS = 300


class BatchScoring(Construct):
    """Pipeline, its role, and the function that switches the day's manifest at the end."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        pipeline_name: str,
        model_package_group: str,
        spec: ScoringSpec,
        bucket: s3.IBucket,
        key: kms.IKey,
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, id)
        self.publish = PythonFunction(
            self,
            "Publish",
            package="publish_predictions",
            description="Publishes a finished run of batch scoring",
            environment={"MODEL_PACKAGE_GROUP_NAME": model_package_group},
            timeout_seconds=_TIMEOUT_SECONDS,
            log_retention_days=log_retention_days,
            key=key,
        )
        self._allow_publishing(bucket, f"{spec.model}/batch/output/", key)
        refs = ScoringRefs(
            kms_key_arn=key.key_arn,
            bucket_name=bucket.bucket_name,
            publish_function_arn=self.publish.arn,
        )
        definition = scoring_pipeline(spec, refs)
        role = self._role(pipeline_name, spec.model)
        role.grant_jobs(definition, key)
        self.pipeline = Pipeline(
            self,
            "Pipeline",
            name=pipeline_name,
            description=f"Daily batch scoring of {spec.model}",
            definition=definition,
            role=role,
        )

    def _role(self, pipeline: str, model: str) -> PipelineRole:
        role = PipelineRole(
            self,
            "Role",
            pipeline=pipeline,
            description=f"Pipelines, batch scoring of {model}",
            network=None,
        )
        self.publish.grant_invoke(role.role)
        return role

    def _allow_publishing(self, bucket: s3.IBucket, prefix: str, key: kms.IKey) -> None:
        role = self.publish.role
        allow(
            role,
            ["s3:GetObject"],
            [bucket.arn_for_objects(f"{prefix}*")],
            because="Predictions of any day and run.",
        )
        allow(
            role,
            ["s3:PutObject"],
            [bucket.arn_for_objects(f"{prefix}*/manifest.json")],
            because="The manifest of any day.",
        )
        allow(
            role,
            ["s3:ListBucket"],
            [bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": [f"{prefix}*"]}},
        )
        allow(role, ["kms:Decrypt", "kms:GenerateDataKey"], [key.key_arn])
