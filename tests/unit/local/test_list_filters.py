"""The filters that List operations share, on every list of models, endpoints and pipelines."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.local.pipelines.aids import make_cloud
from warmfold_local.cloud import Cloud
from warmfold_local.errors import UnsupportedOperation
from warmfold_local.sagemaker import (  # noqa: F401 - the operations register themselves
    endpoint_configs,
    endpoints,
    models,
    packages,
    pipelines,
)
from warmfold_local.sagemaker.protocol import call

START = datetime(2026, 1, 1, tzinfo=UTC)

# Operation, result, table, and the member that names a record.
LISTS = {
    "ListModels": ("Models", "Model", "ModelName"),
    "ListEndpointConfigs": ("EndpointConfigs", "Endpoint configuration", "EndpointConfigName"),
    "ListEndpoints": ("Endpoints", "Endpoint", "EndpointName"),
    "ListModelPackageGroups": (
        "ModelPackageGroupSummaryList",
        "Model package group",
        "ModelPackageGroupName",
    ),
    "ListModelPackages": ("ModelPackageSummaryList", "Model package", "_sort_name"),
    "ListPipelines": ("PipelineSummaries", "Pipeline", "PipelineName"),
}


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    cloud = make_cloud(tmp_path)
    for _, table, name in LISTS.values():
        for number in range(5):
            made = START + timedelta(days=number)
            cloud.table(table).add(f"n{number}", {name: f"n{number}", "CreationTime": made})
    return cloud


def listed(cloud: Cloud, operation: str, **request: Any) -> list[str]:
    result, _, name = LISTS[operation]
    ascending = {"SortBy": "CreationTime", "SortOrder": "Ascending"}
    return [item[name] for item in call(cloud, operation, {**ascending, **request})[result]]


@pytest.mark.parametrize("operation", LISTS)
def test_times_choose_and_order_records(cloud: Cloud, operation: str) -> None:
    prefix = "Created" if operation == "ListPipelines" else "CreationTime"
    second, fourth = START + timedelta(days=1), START + timedelta(days=3)
    assert listed(cloud, operation) == ["n0", "n1", "n2", "n3", "n4"]
    assert listed(cloud, operation, **{f"{prefix}After": fourth}) == ["n3", "n4"]
    assert listed(cloud, operation, **{f"{prefix}Before": second}) == ["n0", "n1"]
    both = {f"{prefix}After": second.timestamp(), f"{prefix}Before": fourth.timestamp()}
    assert listed(cloud, operation, **both) == ["n1", "n2", "n3"]
    assert listed(cloud, operation, SortOrder="Descending", MaxResults=2) == ["n4", "n3"]


@pytest.mark.parametrize("operation", LISTS)
def test_a_part_of_the_name_chooses_records(cloud: Cloud, operation: str) -> None:
    member = "PipelineNamePrefix" if operation == "ListPipelines" else "NameContains"
    assert listed(cloud, operation, **{member: "n3"}) == ["n3"]
    assert listed(cloud, operation, **{member: "x"}) == []


def test_other_accounts_groups_are_refused(cloud: Cloud) -> None:
    with pytest.raises(UnsupportedOperation, match="other accounts"):
        call(cloud, "ListModelPackageGroups", {"CrossAccountFilterOption": "CrossAccount"})
