"""What must not be lost: the artifact bucket and its key."""

from constructs import Construct

from config.settings import Settings
from stacks import sharing
from stacks.base import PlatformStack
from warmfold_constructs.artifact_store import ArtifactStore, Retention
from warmfold_constructs.clean_up import CleanUp, Leftovers
from warmfold_constructs.data_capture import captured_prefix
from warmfold_constructs.shared_packages import share_files, share_key


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
            log_group_prefixes=self.names.log_group_prefixes,
            removable=storage.removable,
            retention=Retention(
                noncurrent_version_days=storage.noncurrent_version_retention_days,
                access_log_days=storage.access_log_retention_days,
                by_prefix={
                    f"{model.name}/batch/": storage.batch_retention_days
                    for model in settings.models
                },
                without_trace={
                    captured_prefix(model.name): model.serving.data_capture.retention_days
                    for model in settings.models
                },
            ),
        )
        self.key = store.key
        for model in settings.models:
            share_files(store.bucket, model.name, sharing.readers(settings, model.name))
        share_key(store.key, sharing.every_reader(settings))
        if storage.removable:
            self._empty(store)
        self.output("BucketName", store.bucket.bucket_name, "Data, features, models, predictions")

    def _empty(self, store: ArtifactStore) -> None:
        """With the stack, which is the last to go of those that write into its buckets."""
        clean_up = CleanUp(
            self,
            "CleanUp",
            leftovers=Leftovers(buckets=[store.bucket, store.access_logs]),
            key=store.key,
            log_retention_days=self.settings.environment.log_retention_days,
        )
        store.emptied_by(clean_up)
