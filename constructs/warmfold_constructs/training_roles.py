"""The roles of one model's jobs, each with the prefixes of the bucket that its jobs touch."""

from collections.abc import Sequence

from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from warmfold.pipeline.spec import JobNetwork
from warmfold_constructs.container_image import ContainerImage
from warmfold_constructs.data_capture import captured_prefix
from warmfold_constructs.execution_role import ExecutionRole
from warmfold_constructs.fold_jobs import FoldLimits, allow_fold_jobs
from warmfold_constructs.job_network import allow_interfaces
from warmfold_constructs.policies import allow

_LOG_GROUPS = {
    "Processing": ("/aws/sagemaker/ProcessingJobs",),
    "Trial": ("/aws/sagemaker/TrainingJobs",),
    "Fold": ("/aws/sagemaker/TrainingJobs",),
    "Final": ("/aws/sagemaker/TrainingJobs",),
    # A model's container logs as part of an endpoint (a group each) or of a transform job.
    "Model": ("/aws/sagemaker/Endpoints/*", "/aws/sagemaker/TransformJobs"),
}


class TrainingRoles(Construct):
    """Four roles: features and evaluation, trials, final training, and the model itself.

    Trials share one role, and so do folds if they are jobs of their own: warm pools match on it.
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
        self._trainer = trainer
        self.fold: ExecutionRole | None = None
        self._network: JobNetwork | None = None
        self._run = f"{model}/executions/*/"
        self.processing = self._job("Processing", "Features and evaluation", trainer)
        self.trial = self._job("Trial", "Cross-validated trials", trainer)
        self.final = self._job("Final", "Final training", trainer)
        self.model = self._job("Model", "Endpoint and transforms", server, model_role_name)
        self._grant_folders()

    def _grant_folders(self) -> None:
        model, run = self._model, self._run
        self._grant(
            self.processing,
            read=[
                f"{model}/raw/",
                f"{model}/raw-runs/",
                *(f"{run}{name}/" for name in ("final", "champion")),
                *(f"{run}features/{name}/" for name in ("holdout", "transform")),
            ],
            write=[f"{run}features/", f"{run}evaluation/"],
        )
        self._grant(self.trial, read=[f"{run}features/train/"], write=[f"{run}tuning/"])
        self._grant(
            self.final,
            read=[f"{run}features/train/", f"{run}selection/", f"{run}tuning/"],
            write=[f"{run}final/"],
        )
        self._grant(
            self.model,
            read=[f"{run}final/", f"{run}features/transform/", f"{model}/batch/input/"],
            write=[f"{run}transform/", f"{model}/batch/output/"],
        )

    def enter_network(self, network: JobNetwork) -> None:
        """All jobs and the model have their interfaces there; folds too, if they come after."""
        self._network = network
        for role in (self.processing, self.trial, self.final, self.model):
            allow_interfaces(role.role, network)

    def allow_shared_scores(self) -> None:
        """Trials read the fold scores that other trials of their tuning job wrote."""
        self._let_trials_read("incumbents/")

    def allow_checkpoints(self) -> None:
        """SageMaker copies a search's checkpoints back before it starts the job again."""
        self._let_trials_read("checkpoints/")

    def allow_data_capture(self) -> None:
        """SageMaker writes with the model's role what its endpoint captures."""
        allow(
            self.model.role,
            ["s3:PutObject"],
            [self._bucket.arn_for_objects(f"{captured_prefix(self._model)}*")],
            because="SageMaker names what it captures by endpoint, variant and hour.",
        )

    def allow_fan_out(self, limits: FoldLimits) -> None:
        """Trials start their folds as training jobs, which have a role of their own."""
        self.fold = self._job("Fold", "Folds of trials", self._trainer)
        self._grant(
            self.fold,
            read=[f"{self._run}features/train/"],
            write=[f"{self._run}tuning/folds/"],
        )
        self._let_trials_read("folds/")
        if self._network is not None:
            allow_interfaces(self.fold.role, self._network)
        allow_fold_jobs(self.trial.role, self.fold.role, limits, self._network, self._key.key_arn)

    def _let_trials_read(self, folder: str) -> None:
        """A folder of what trials write, which they may list already."""
        allow(
            self.trial.role,
            ["s3:GetObject"],
            [self._bucket.arn_for_objects(f"{self._run}tuning/{folder}*")],
            because="Results of an execution, which is named when it starts.",
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
