"""Where a day's batch stands."""

import pytest

from warmfold.demo.batch import manifest_uri
from warmfold.runs.aws import Deployment


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_manifest_stands_in_the_days_folder(slash: str) -> None:
    deployment = Deployment(
        model="m", training={}, serving={}, batch={"BatchOutputUri": f"s3://b/m/output{slash}"}
    )
    assert manifest_uri(deployment, "2026-03-29") == "s3://b/m/output/day=2026-03-29/manifest.json"
