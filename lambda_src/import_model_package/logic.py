"""Which versions to import, and what the package made of one says; nothing here calls AWS.

What there is to do is decided on the two registries, never on an event, so that events may be
repeated, late or lost.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from warmfold_lambda.errors import LambdaError
from warmfold_lambda.events import split_uri
from warmfold_lambda.registry import Package, latest

# Begins the description of every imported version. It stands in the list of versions, and no
# operation changes it once the version is there.
_MARK = "Imported from "
PENDING: Final = "PendingManualApproval"
APPROVED: Final = "Approved"
REJECTED: Final = "Rejected"
Approval = Literal["manual", "inherited"]

# What the registry's metadata does not take (API reference, CustomerMetadataProperties).
_NOT_IN_METADATA = re.compile(r"[^\w .:/=+\-@]")
_METADATA_LIMIT = 256
_TOKEN_LIMIT = 36
# Facts about the upstream's own copy, which SageMaker finds again for ours.
_FOUND_AGAIN = ("ImageDigest", "ModelDataETag")
_S3_URI = "S3Uri"


@dataclass(frozen=True, kw_only=True)
class Imported:
    """A version of the own group that was imported."""

    arn: str
    source_arn: str
    approval: str


@dataclass(frozen=True, kw_only=True)
class Copied:
    """What was copied, or is there already, before the package is made.

    ``uris`` are the new places by the old ones; ``sha256`` is the artifact's.
    """

    image: str
    image_digest: str
    uris: Mapping[str, str]
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image in ECR; ``tag`` or ``digest`` (``sha256:…``), the other one empty."""

    repository: str
    tag: str = ""
    digest: str = ""

    def id(self) -> dict[str, str]:
        """As ECR's operations take it."""
        return {"imageTag": self.tag} if self.tag else {"imageDigest": self.digest}

    def within(self, registry: str, repository: str) -> str:
        """The URI of the same tag or digest in another repository."""
        return f"{registry}/{repository}{f':{self.tag}' if self.tag else f'@{self.digest}'}"


def description(source_arn: str) -> str:
    return f"{_MARK}{source_arn}"


def source_of(text: str) -> str | None:
    """The ARN of the version that a version was imported from; ``None`` if it was not."""
    return text.removeprefix(_MARK) if text.startswith(_MARK) else None


def token(source_arn: str) -> str:
    """Two rounds at once make one package: it depends on the source only."""
    return hashlib.sha256(source_arn.encode()).hexdigest()[:_TOKEN_LIMIT]


def wanted(approved: Sequence[Package], imported: Sequence[Imported]) -> list[Package]:
    """What to import, oldest first, so that numbers rise here as they do upstream.

    That is what is newer than the newest import that upstream still approves. Without any such
    only the latest is wanted: history is not, and an older version must not overtake a newer one.
    """
    known = {each.source_arn for each in imported}
    standing = latest(package for package in approved if package.arn in known)
    if standing is None:
        newest = latest(package for package in approved if package.arn not in known)
        return [] if newest is None else [newest]
    newer = [package for package in approved if package.version > standing.version]
    return sorted(newer, key=lambda package: package.version)


def withdrawn(approved: Sequence[Package], imported: Sequence[Imported]) -> list[Imported]:
    """Imports that upstream has rejected or deleted, and that are not rejected here."""
    known = {package.arn for package in approved}
    return [each for each in imported if each.source_arn not in known and each.approval != REJECTED]


def container_of(described: Mapping[str, Any]) -> Mapping[str, Any]:
    """The only container. Raises ``LambdaError`` if there are more, or no artifact."""
    containers = described.get("InferenceSpecification", {}).get("Containers", [])
    if len(containers) != 1 or not containers[0].get("ModelDataUrl"):
        raise LambdaError(
            f"model package {described['ModelPackageArn']} has {len(containers)} containers: only "
            "a package of one container with one artifact (ModelDataUrl) is imported"
        )
    found: Mapping[str, Any] = containers[0]
    return found


def image_of(container: Mapping[str, Any], upstream_repository: str) -> Image:
    """Raises ``LambdaError`` for an image that is not in the upstream's server repository."""
    uri = str(container["Image"])
    path = uri.partition("/")[2]
    repository, _, digest = path.partition("@")
    repository, _, tag = repository.partition(":")
    if repository != upstream_repository or not (tag or digest):
        raise LambdaError(
            f"the image {uri} is not in the repository {upstream_repository}: an environment "
            'whose versions are imported takes its images from it (images.source = "uri")'
        )
    return (
        Image(repository=repository, digest=digest)
        if digest
        else Image(repository=repository, tag=tag)
    )


def files_of(described: Mapping[str, Any], upstream_bucket: str) -> list[str]:
    """S3 URIs of artifact and metrics, the artifact first; each once.

    Raises ``LambdaError`` for one that is not in the upstream's bucket.
    """
    artifact = str(container_of(described)["ModelDataUrl"])
    uris = list(dict.fromkeys([artifact, *_s3_uris(described.get("ModelMetrics", {}))]))
    for uri in uris:
        if split_uri(uri)[0] != upstream_bucket:
            raise LambdaError(
                f"model package {described['ModelPackageArn']} names {uri}, which is not in the "
                f"bucket of its environment, {upstream_bucket}"
            )
    return uris


def places(uris: Sequence[str], folder: str) -> dict[str, str]:
    """Where each file goes: below ``folder``, a number before the name that it has."""
    return {
        uri: f"{folder}/{number}/{uri.rpartition('/')[2]}" for number, uri in enumerate(uris, 1)
    }


def request(
    described: Mapping[str, Any],
    copied: Copied,
    *,
    group_name: str,
    environment: str,
    approval: Approval,
    realtime_instance_types: Sequence[str],
    transform_instance_types: Sequence[str],
) -> dict[str, Any]:
    """CreateModelPackage's request. Instance types are this environment's, not the upstream's."""
    source_arn = described["ModelPackageArn"]
    container = {k: v for k, v in container_of(described).items() if k not in _FOUND_AGAIN}
    container |= {"Image": copied.image, "ModelDataUrl": copied.uris[container["ModelDataUrl"]]}
    metrics = _moved(described.get("ModelMetrics", {}), copied.uris)
    return {
        "ModelPackageGroupName": group_name,
        "ModelPackageDescription": description(source_arn),
        "ModelApprovalStatus": APPROVED if approval == "inherited" else PENDING,
        "ClientToken": token(source_arn),
        "InferenceSpecification": {
            **described["InferenceSpecification"],
            "Containers": [container],
            "SupportedRealtimeInferenceInstanceTypes": [*realtime_instance_types],
            "SupportedTransformInstanceTypes": [*transform_instance_types],
        },
        "CustomerMetadataProperties": _lineage(described, copied, environment),
        **({"ModelMetrics": metrics} if metrics else {}),
    }


def _lineage(described: Mapping[str, Any], copied: Copied, environment: str) -> dict[str, str]:
    """All that the upstream says, and where and by whom it was approved.

    Keys begin with the environment's name, so that a second import adds its own.
    """
    by = described.get("LastModifiedBy", {})
    when = described.get("LastModifiedTime")
    said = {
        "model_package_arn": described["ModelPackageArn"],
        "account": described["ModelPackageArn"].split(":")[4],
        "approval_changed_at": "" if when is None else when.isoformat(timespec="seconds"),
        "approval_changed_by": by.get("UserProfileName") or by.get("IamIdentity", {}).get("Arn"),
        "approval_description": described.get("ApprovalDescription"),
    }
    own = {f"{environment}_{name}": value for name, value in said.items() if value}
    own |= {
        "imported_from": environment,
        "artifact_sha256": copied.sha256,
        "image_digest": copied.image_digest,
    }
    lineage = {**described.get("CustomerMetadataProperties", {}), **own}
    return {
        name: _NOT_IN_METADATA.sub("_", value)[:_METADATA_LIMIT] for name, value in lineage.items()
    }


def _s3_uris(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name == _S3_URI:
                yield str(item)
            else:
                yield from _s3_uris(item)


def _moved(value: object, uris: Mapping[str, str]) -> Any:
    """The same, with every file's new place."""
    if not isinstance(value, Mapping):
        return value
    return {
        name: uris[str(item)] if name == _S3_URI else _moved(item, uris)
        for name, item in value.items()
    }
