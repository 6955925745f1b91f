"""Approved versions in a model package group."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


@dataclass(frozen=True, kw_only=True)
class Package:
    """One version in the group."""

    arn: str
    version: int


def approved_packages(sagemaker: SageMakerClient, group_name: str) -> list[Package]:
    """Approved versions that SageMaker has finished creating, from all pages."""
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group_name,
        ModelApprovalStatus="Approved",
        SortBy="CreationTime",
        SortOrder="Descending",
    )
    return [
        Package(arn=summary["ModelPackageArn"], version=summary["ModelPackageVersion"])
        for page in pages
        for summary in page["ModelPackageSummaryList"]
        if summary["ModelPackageStatus"] == "Completed"
    ]


def latest(packages: Iterable[Package]) -> Package | None:
    """The highest version; a later approval of an older version does not bring it back."""
    return max(packages, key=lambda package: package.version, default=None)
