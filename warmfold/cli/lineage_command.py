"""``lineage``: what a version was made of, and where it came from."""

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from config.names import Names
from warmfold.cli.model_commands import target
from warmfold.errors import WarmfoldError
from warmfold.runs.aws import Aws
from warmfold.runs.versions import registered


def lineage(options: argparse.Namespace) -> None:
    """Print one version's approval, files and metadata."""
    aws, model = target(options)
    group = Names(aws.environment).model(model.name).model_package_group
    for name, value in facts(version_of(aws, group, options.version)):
        print(f"{name:<28} {value}")


def version_of(aws: Aws, group: str, version: int) -> Mapping[str, Any]:
    """As SageMaker describes it. Raises ``WarmfoldError`` naming the versions that there are."""
    sagemaker = aws.client("sagemaker")
    packages = registered(sagemaker, group)
    arns = {package["ModelPackageVersion"]: package["ModelPackageArn"] for package in packages}
    if version not in arns:
        known = ", ".join(map(str, sorted(arns))) or "none"
        raise WarmfoldError(f"{group} has no version {version}: it has {known}")
    described: Mapping[str, Any] = sagemaker.describe_model_package(ModelPackageName=arns[version])
    return described


def facts(described: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Names and values, the metadata last and by name."""
    (container, *_) = described["InferenceSpecification"]["Containers"]
    first = {
        "model_package_arn": described["ModelPackageArn"],
        "approval": described.get("ModelApprovalStatus"),
        "approval_description": described.get("ApprovalDescription"),
        "created": described["CreationTime"].isoformat(timespec="seconds"),
        "artifact": container.get("ModelDataUrl"),
        "image": container.get("Image"),
    }
    said = described.get("CustomerMetadataProperties", {})
    for name, value in (*first.items(), *sorted(said.items())):
        if value:
            yield name, value
