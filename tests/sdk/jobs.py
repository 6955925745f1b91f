"""What a processing job and a training job of the rendering have, whatever they run."""

# The SDK is in no environment but its own, so the type checker cannot see it.
# mypy: disable-error-code="import-not-found, no-any-return"

from typing import Any

from sagemaker.core.network import NetworkConfig
from sagemaker.core.processing import Processor
from sagemaker.core.shapes import StoppingCondition
from sagemaker.core.training.configs import Compute as TrainingCompute
from sagemaker.core.training.configs import Networking, OutputDataConfig
from sagemaker.train import ModelTrainer

from tests.sdk import blocks
from tests.unit.pipeline.examples import REFS, SPEC
from warmfold.pipeline.spec import Compute


class Jobs:
    """Of a pipeline with the parameters ``given``."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given

    def prefix(self, *parts: str) -> Any:
        return blocks.prefix(self._given["BucketName"], SPEC.model, *parts)

    def processor(self, compute: Compute, environment: dict[str, str]) -> Any:
        return Processor(
            role=REFS.processing_role_arn,
            image_uri=self._given["TrainerImage"],
            instance_count=compute.instance_count,
            instance_type=compute.instance_type,
            entrypoint=["python", "-m", "warmfold_trainer"],
            volume_size_in_gb=compute.volume_gib,
            volume_kms_key=self._given["KmsKeyArn"],
            output_kms_key=self._given["KmsKeyArn"],
            max_runtime_in_seconds=compute.max_runtime_seconds,
            env=environment,
            sagemaker_session=blocks.SESSION,
            network_config=NetworkConfig(enable_network_isolation=True),
        )

    def trainer(self, compute: Compute, role: str, values: dict[str, str], folder: str) -> Any:
        key = self._given["KmsKeyArn"]
        return ModelTrainer(
            sagemaker_session=blocks.SESSION,
            role=role,
            base_job_name="warmfold",  # it would make one of the image, which is no string here
            training_image=self._given["TrainerImage"],
            compute=TrainingCompute(
                instance_type=compute.instance_type,
                instance_count=compute.instance_count,
                volume_size_in_gb=compute.volume_gib,
                volume_kms_key_id=key,
            ),
            stopping_condition=StoppingCondition(
                max_runtime_in_seconds=compute.max_runtime_seconds
            ),
            output_data_config=OutputDataConfig(
                s3_output_path=self.prefix(folder), kms_key_id=key, compression_type="GZIP"
            ),
            networking=Networking(enable_network_isolation=True),
            hyperparameters=values,
        )
