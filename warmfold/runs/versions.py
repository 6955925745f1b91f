"""The versions in a model's registry."""

from typing import Any


def registered(sagemaker: Any, group: str, **only: str) -> list[dict[str, Any]]:
    """As ListModelPackages summarizes them; ``only`` are its further members."""
    pages: Any = sagemaker.get_paginator("list_model_packages")
    return [
        package
        for page in pages.paginate(ModelPackageGroupName=group, **only)
        for package in page["ModelPackageSummaryList"]
    ]
