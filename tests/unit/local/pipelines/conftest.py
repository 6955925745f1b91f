"""Fixtures of the pipeline tests."""

from pathlib import Path

import pytest

from tests.unit.local.pipelines.aids import Jobs, make_cloud, script_operation
from warmfold_local.cloud import Cloud
from warmfold_local.sagemaker import (  # noqa: F401 - the operations register themselves
    pipeline_execution_changes,
    pipeline_executions,
    pipeline_versions,
    pipelines,
)

_JOBS = ("ProcessingJob", "TrainingJob", "TransformJob", "HyperParameterTuningJob")


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    return make_cloud(tmp_path)


@pytest.fixture
def jobs(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    """The job operations, scripted for this test."""
    scripted = Jobs(cloud)
    for job in _JOBS:
        for name, handler in scripted.operations(job).items():
            script_operation(monkeypatch, name, handler)
    script_operation(
        monkeypatch,
        "ListTrainingJobsForHyperParameterTuningJob",
        lambda cloud, request: {"TrainingJobSummaries": []},
    )
    return scripted
