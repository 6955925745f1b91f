"""The roles of one model's jobs, each with the prefixes of the bucket that its jobs touch."""

from collections.abc import Sequence

from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from warmfold_constructs.container_image import ContainerImage
from warmfold_constructs.execution_role import ExecutionRole

_LOG_GROUPS = {
    "Processing": ("/aws/sagemaker/ProcessingJobs",),
    "Trial": ("/aws/sagemaker/TrainingJobs",),
    "Final": ("/aws/sagemaker/TrainingJobs",),
    # A model's container logs as part of an endpoint (a group each) or of a transform job.
    "Model": ("/aws/sagemaker/Endpoints/*", "/aws/sagemaker/TransformJobs"),
}


class TrainingRoles(Construct):
    """Four roles: features and evaluation, trials, final training, and the model itself.

    Trials share one role: warm pools match on it.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        model: str,
        model_role_name: str,
        trainer: ContainerImage,
        server: ContainerImage,
        bucket: s3.IBucket,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        self._model, self._bucket, self._key = model, bucket, key
        run = f"{model}/executions/*/"
        self.processing = self._job("Processing", "Features and evaluation", trainer)
        self._grant(
            self.processing,
            read=[f"{model}/raw/", f"{run}final/", f"{run}features/holdout/"],
            write=[f"{run}features/", f"{run}evaluation/"],
        )
        self.trial = self._job("Trial", "Cross-validated trials", trainer)
        self._grant(self.trial, read=[f"{run}features/train/"], write=[f"{run}tuning/"])
        self.final = self._job("Final", "Final training", trainer)
        self._grant(
            self.final,
            read=[f"{run}features/train/", f"{run}selection/"],
            write=[f"{run}final/"],
        )
        self.model = self._job("Model", "Endpoint and transforms", server, model_role_name)
        self._grant(
            self.model,
            read=[f"{run}final/", f"{run}features/transform/", f"{model}/batch/input/"],
            write=[f"{run}transform/", f"{model}/batch/output/"],
        )

    def _job(
        self, id: str, work: str, image: ContainerImage, role_name: str | None = None
    ) -> ExecutionRole:
        return ExecutionRole(
            self,
            id,
            description=f"{work} of {self._model}",
            log_groups=_LOG_GROUPS[id],
            image=image,
            role_name=role_name,
        )

    def _grant(self, role: ExecutionRole, *, read: Sequence[str], write: Sequence[str]) -> None:
        role.grant_objects(self._bucket, read=read, write=write)
        role.grant_key(self._key)
