"""The image repositories: first of all stacks, so that CI has somewhere to push to."""

from constructs import Construct

from config.settings import Settings
from stacks import sharing
from stacks.base import PlatformStack
from warmfold_constructs.image_repository import ImageRepository
from warmfold_constructs.shared_packages import share_digests


class ImagesStack(PlatformStack):
    """One repository for trainers, one for servers; a model's images differ by tag."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id, settings=settings, description="warmfold: image repositories")
        for kind, name in (
            ("Trainer", self.names.trainer_repository),
            ("Server", self.names.server_repository),
        ):
            repository = ImageRepository(
                self,
                kind,
                name=name,
                removable=settings.storage.removable,
            ).repository
            if kind == "Server":
                share_digests(repository, sharing.every_reader(settings))
            self.output(f"{kind}RepositoryUri", repository.repository_uri, "Where CI pushes images")
