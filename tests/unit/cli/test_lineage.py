"""`warmfold lineage`: what is printed of a version, and what is said of one that is not there."""

from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from tests.unit.lambdas.import_aids import ARTIFACT, IMAGE, described, source_arn
from warmfold.cli.lineage_command import facts, version_of
from warmfold.cli.main import run
from warmfold.cli.parser import make_parser
from warmfold.errors import WarmfoldError
from warmfold.runs.aws import Aws


@dataclass(frozen=True)
class Registry(Aws):
    """With versions 1 and 3."""

    def client(self, service: str) -> Any:
        made = self.session.client(service)  # type: ignore[call-overload]
        stubber = Stubber(made)
        summaries = [
            {
                "ModelPackageArn": source_arn(version),
                "ModelPackageVersion": version,
                "CreationTime": described()["CreationTime"],
                "ModelPackageStatus": "Completed",
            }
            for version in (3, 1)
        ]
        stubber.add_response(
            "list_model_packages",
            {"ModelPackageSummaryList": summaries},
            {"ModelPackageGroupName": "upstream"},
        )
        stubber.add_response(
            "describe_model_package", described(3), {"ModelPackageName": source_arn(3)}
        )
        stubber.activate()
        return made


@pytest.fixture
def registry() -> Registry:
    session = boto3.Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-west-1"
    )
    return Registry(session=session, environment="staging")


def test_approval_files_and_metadata_are_told_in_that_order(registry: Registry) -> None:
    assert list(facts(version_of(registry, "upstream", 3))) == [
        ("model_package_arn", source_arn(3)),
        ("approval", "Approved"),
        ("approval_description", "looks good, really"),
        ("created", "2026-03-02T00:00:00+00:00"),
        ("artifact", ARTIFACT),
        ("image", IMAGE),
        ("data_fingerprint", "d1"),
        ("fold_hash", "f0"),
        ("git_commit", "0123abc"),
    ]


def test_a_version_that_is_not_there_is_refused_with_those_that_are(registry: Registry) -> None:
    with pytest.raises(WarmfoldError, match="upstream has no version 2: it has 1, 3"):
        version_of(registry, "upstream", 2)


def test_the_command_needs_a_version_and_a_cloud(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make_parser().parse_args(["lineage", "3"]).version == 3
    assert run(["--state-dir", str(tmp_path), "lineage", "3"]) == 2
    assert "no local cloud is running" in capsys.readouterr().err
