"""Where a job's or model's image comes from. Each way carries its own pull permission."""

from pathlib import Path
from typing import Protocol

from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_iam as iam
from constructs import Construct

from warmfold_constructs.bundled import bundled

CONTAINERS = bundled("containers")


class ContainerImage(Protocol):
    """An image that a construct can name, and that a role can be allowed to pull."""

    @property
    def uri(self) -> str: ...

    def grant_pull(self, role: iam.IRole) -> None:
        """Let SageMaker pull the image on the role's behalf."""


class RepositoryImage:
    """An image that was pushed before: ``tag_or_digest`` is a content tag or ``sha256:…``."""

    def __init__(self, repository: ecr.IRepository, *, tag_or_digest: str) -> None:
        self._repository = repository
        self._tag_or_digest = tag_or_digest

    @property
    def uri(self) -> str:
        return self._repository.repository_uri_for_tag_or_digest(self._tag_or_digest)

    def grant_pull(self, role: iam.IRole) -> None:
        self._repository.grant_pull(role)


class BuiltImage:
    """An image that ``cdk deploy`` builds with Docker and pushes to the bootstrap's repository.

    ``content_tag`` names everything that is built in, the project included. CDK's own hash of
    the build context knows nothing of the named context, and would name the folder of this
    checkout instead, so that it is left out of the hash.
    """

    def __init__(
        self, scope: Construct, id: str, *, kind: str, project: Path, content_tag: str
    ) -> None:
        self._asset = ecr_assets.DockerImageAsset(
            scope,
            id,
            directory=str(CONTAINERS),
            file=f"{kind}/Dockerfile",
            build_contexts={"project": str(project)},
            # SageMaker runs x86 images, whatever the laptop is. `docker` output: endpoints
            # refuse OCI manifests (amazon-sagemaker-feedback, issue 180).
            platform=ecr_assets.Platform.LINUX_AMD64,
            outputs=["type=docker"],
            exclude=["**/__pycache__", "**/*.pyc"],
            extra_hash=content_tag,
            invalidation=ecr_assets.DockerImageAssetInvalidationOptions(build_contexts=False),
        )

    @property
    def uri(self) -> str:
        return self._asset.image_uri

    def grant_pull(self, role: iam.IRole) -> None:
        self._asset.repository.grant_pull(role)
