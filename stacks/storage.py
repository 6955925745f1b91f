"""What must not be lost: the artifact bucket and its key."""

from constructs import Construct

from config.settings import Settings
from stacks.base import PlatformStack
from warmfold_constructs.artifact_store import ArtifactStore, Retention


class StorageStack(PlatformStack):
    """One bucket for all models of the environment, a prefix each."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id, settings=settings, description="warmfold: data and artifacts")
        storage = settings.storage
        environment = settings.environment
        store = ArtifactStore(
            self,
            "Artifacts",
            bucket_name=self.names.bucket(environment.account, environment.region),
            key_alias=self.names.key_alias,
            log_group_prefix=f"{self.names.prefix}-",
            removable=storage.removable,
            retention=Retention(
                noncurrent_version_days=storage.noncurrent_version_retention_days,
                access_log_days=storage.access_log_retention_days,
                by_prefix={
                    f"{model.name}/batch/": storage.batch_retention_days
                    for model in settings.models
                },
            ),
        )
        self.key = store.key
        self.output("BucketName", store.bucket.bucket_name, "Data, features, models, predictions")
