"""Target of the upstream's approvals, and of a schedule that makes up for lost ones."""

from dataclasses import dataclass, replace
from typing import Any, cast

from import_model_package import logic
from import_model_package.aws import Own, Upstream
from import_model_package.logic import Approval, Copied, Imported
from warmfold_lambda.clients import client
from warmfold_lambda.environment import read_environment
from warmfold_lambda.errors import ConfigurationError, LambdaError
from warmfold_lambda.log import Context, Log
from warmfold_lambda.registry import Package

_WITHDRAWN = "no longer approved upstream"


@dataclass(frozen=True, kw_only=True)
class Environment:
    """``folder_uri`` is where copies go; ``repository_uri`` is the own server repository.

    ``approval``: ``manual``, or ``inherited`` from the upstream.
    """

    upstream_environment: str
    upstream_group_arn: str
    upstream_bucket: str
    upstream_repository: str
    model_package_group_name: str
    folder_uri: str
    repository_uri: str
    approval: str
    realtime_instance_types: tuple[str, ...]
    transform_instance_types: tuple[str, ...]


@dataclass(frozen=True)
class Round:
    """One look at both registries, and what follows from it."""

    environment: Environment
    upstream: Upstream
    own: Own
    log: Log

    def run(self) -> dict[str, Any]:
        """``imported`` and ``rejected``: ARNs of this environment's versions.

        A version that cannot be imported does not hold up the next. Raises ``LambdaError`` for
        all of them once the others are done.
        """
        approved = self.upstream.approved(self.environment.upstream_group_arn)
        there = self.own.imported()
        rejected = [each.arn for each in logic.withdrawn(approved, there) if self._follow(each)]
        imported: list[str] = []
        faults: list[str] = []
        for package in logic.wanted(approved, there):
            try:
                imported.append(self._import(package))
            except LambdaError as error:
                faults.append(f"{package.arn} was not imported: {error}")
        if faults:
            raise LambdaError("; ".join(faults))
        return {"imported": imported, "rejected": rejected}

    def _follow(self, package: Imported) -> bool:
        """Whether the version was rejected here; otherwise a person is told."""
        if self.environment.approval != "inherited":
            self.log.warning(
                "upstream_withdrawn", model_package_arn=package.arn, reason=f"is {_WITHDRAWN}"
            )
            return False
        self.own.reject(package, f"{package.source_arn} is {_WITHDRAWN}")
        self.log.notice("import_rejected", model_package_arn=package.arn, reason=_WITHDRAWN)
        return True

    def _import(self, package: Package) -> str:
        """Everything is copied before the version is made: it is whole, or not there."""
        described = self.upstream.describe(package)
        request = logic.request(
            described,
            self._copied(package, described),
            group_name=self.environment.model_package_group_name,
            environment=self.environment.upstream_environment,
            approval=cast(Approval, self.environment.approval),
            realtime_instance_types=self.environment.realtime_instance_types,
            transform_instance_types=self.environment.transform_instance_types,
        )
        arn = self.own.create(request)
        self.log.notice("package_imported", model_package_arn=arn, reason=f"from {package.arn}")
        return arn

    def _copied(self, package: Package, described: dict[str, Any]) -> Copied:
        files = logic.files_of(described, self.environment.upstream_bucket)
        image, digest = self._image(package, described)
        uris = logic.places(files, f"{self.environment.folder_uri}/v{package.version}")
        digests = [self.upstream.copy(source, target) for source, target in uris.items()]
        return Copied(image=image, image_digest=digest, uris=uris, sha256=digests[0])

    def _image(self, package: Package, described: dict[str, Any]) -> tuple[str, str]:
        """The same image in the own repository, and its digest.

        Raises ``LambdaError`` if it is not there: CI pushes every image to every environment.
        """
        container = logic.container_of(described)
        source = logic.image_of(container, self.environment.upstream_repository)
        digest = self.upstream.image_digest(package.arn.split(":")[4], source)
        registry, _, repository = self.environment.repository_uri.partition("/")
        account = registry.partition(".")[0]
        found = self.own.image_digest(account, replace(source, repository=repository))
        if found != digest:
            what = "is not there" if found is None else f"is another one ({found})"
            raise LambdaError(
                f"the image {container['Image']} ({digest}) must be in {repository} of account "
                f"{account} too, and {what}: push it there with its digest, as .ci/push-images does"
            )
        return source.within(registry, repository), digest


def handle(_event: dict[str, Any], context: Context) -> dict[str, Any]:
    """What the event says is not used: it only says when to look."""
    environment = read_environment(Environment)
    if environment.approval not in ("manual", "inherited"):
        raise ConfigurationError(f"APPROVAL is {environment.approval!r}, not manual or inherited")
    sagemaker, s3, ecr = client("sagemaker"), client("s3"), client("ecr")
    upstream = Upstream(sagemaker, s3, ecr, environment.upstream_environment)
    own = Own(sagemaker, ecr, environment.model_package_group_name)
    log = Log("import_model_package", context.aws_request_id)
    return Round(environment, upstream, own, log).run()
