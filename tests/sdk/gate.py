"""The SDK's rendering of the gate and of both branches behind it."""

# The SDK is in no environment but its own, so the type checker cannot see it.
# mypy: disable-error-code="import-not-found, no-any-return"

from typing import Any

from sagemaker.core.model_metrics import MetricsSource, ModelMetrics
from sagemaker.core.training.configs import Networking
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.steps import TransformStep
from sagemaker.serve.model_builder import ModelBuilder

from tests.sdk import blocks
from tests.unit.pipeline.examples import REFS, SPEC

_TYPES = ["application/json", blocks.JSON_LINES, "text/csv"]
_REGISTERED = (
    "algorithm",
    "calibration",
    "champion",
    "champion_version",
    "cv_score",
    "cv_score_std",
    "data_fingerprint",
    "difference_to_champion",
    "fold_hash",
    "metric",
    "rounds",
    "score",
    "task",
    "wheel_sha256",
)


class Gate:
    def __init__(self, given: dict[str, Any], evaluation: Any) -> None:
        self._given = given
        self._evaluation = evaluation

    def check_score(self, features: Any, final: Any, evaluate: Any) -> Any:
        limit = self._given["MinimumScore"]
        score = self._evaluated("registration.score")
        reason = Join(on="", values=["hold-out ", "auc", " ", score, " is below the limit ", limit])
        rejected = {"rejection_reason": reason}
        create = self._create_model(final)
        return ConditionStep(
            name="CheckScore",
            conditions=[ConditionGreaterThanOrEqualTo(self._evaluated("score"), limit)],
            if_steps=[
                self._register("RegisterModel", final, evaluate, "PendingManualApproval", {}),
                create,
                self._transform_holdout(features, create),
            ],
            else_steps=[
                self._register("RegisterRejectedModel", final, evaluate, "Rejected", rejected)
            ],
        )

    def _evaluated(self, path: str) -> Any:
        return JsonGet(step_name="EvaluateModel", property_file=self._evaluation, json_path=path)

    def _builder(self, final: Any) -> Any:
        return ModelBuilder(
            s3_model_data_url=final.properties.ModelArtifacts.S3ModelArtifacts,
            image_uri=self._given["ServerImage"],
            role_arn=REFS.model_role_arn,
            sagemaker_session=blocks.SESSION,
            network=Networking(enable_network_isolation=True),
            dependencies={},  # otherwise it looks for the default bucket
        )

    def _register(
        self, name: str, final: Any, evaluate: Any, approval: str, extra: dict[str, Any]
    ) -> Any:
        report = Join(on="/", values=[blocks.output_of(evaluate, "evaluation"), "evaluation.json"])
        statistics = MetricsSource(content_type="application/json", s3_uri=report)
        metadata = {
            "git_commit": self._given["GitCommit"],
            "trainer_image": self._given["TrainerImage"],
            "server_image": self._given["ServerImage"],
            "pipeline_execution_arn": ExecutionVariables.PIPELINE_EXECUTION_ARN,
            **{name: self._evaluated(f"registration.{name}") for name in _REGISTERED},
        }
        arguments = self._builder(final).register(
            model_package_group_name=self._given["ModelPackageGroupName"],
            content_types=_TYPES,
            response_types=_TYPES,
            inference_instances=list(SPEC.realtime_instance_types),
            transform_instances=[SPEC.transform.instance_type],
            approval_status=approval,
            model_metrics=ModelMetrics(model_statistics=statistics),
            customer_metadata_properties={**metadata, **extra},
        )
        return ModelStep(name=name, step_args=arguments, retry_policies=blocks.create_retries())

    def _create_model(self, final: Any) -> Any:
        arguments = self._builder(final).build()
        return ModelStep(
            name="CreateModel", step_args=arguments, retry_policies=blocks.create_retries()
        )

    def _transform_holdout(self, features: Any, create: Any) -> Any:
        arguments = blocks.transform(
            SPEC.transform,
            create.properties.ModelName,
            self._given["KmsKeyArn"],
            blocks.output_of(features, "transform"),
            blocks.prefix(self._given["BucketName"], SPEC.model, "transform"),
        )
        return TransformStep(
            name="TransformHoldout", step_args=arguments, retry_policies=blocks.job_retries()
        )
