"""cdk-nag: its packs run, each stops a synth, and what was accepted says why."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack, Validations
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks

from config.load import environments
from tests.unit.infrastructure.assembly import Assembly

PACKS = {"AwsSolutions": AwsSolutionsChecks, "NIST.800.53.R5": NIST80053R5Checks}


def report(folder: Path) -> list[dict[str, Any]]:
    content = json.loads((folder / "validation-report.json").read_text(encoding="utf-8"))
    return list(content["pluginReports"])


@pytest.mark.parametrize(
    "pack,rule",
    [("AwsSolutions", "AwsSolutions-S10"), ("NIST.800.53.R5", "S3BucketSSLRequestsOnly")],
)
def test_a_finding_of_either_pack_stops_the_synth(tmp_path: Path, pack: str, rule: str) -> None:
    app = App(outdir=str(tmp_path))
    s3.Bucket(Stack(app, "Stack"), "Open")
    Validations.of(app).add_plugins(PACKS[pack](app))
    with pytest.raises(RuntimeError, match="requests to use SSL"):
        app.synth()
    assert rule in str(report(tmp_path))


@pytest.mark.parametrize("environment", environments())
def test_what_was_accepted_stands_on_its_resource_with_a_reason(
    assembly: Callable[[str], Assembly], environment: str
) -> None:
    found = assembly(environment)
    accepted = [
        violation
        for plugin in report(found.folder)
        for violation in plugin["suppressedViolations"]
        # The CDK's own validator reports beside the packs what it was told of as well.
        if violation["ruleName"].partition("-")[0] in PACKS
    ]
    assert {violation["ruleName"].partition("-")[0] for violation in accepted} == set(PACKS)
    for violation in accepted:
        assert len(violation["reason"]) > 20
        assert violation["acknowledgedAt"] not in found.templates


def test_what_checkov_skips_says_why_on_the_resource(prod: Assembly) -> None:
    skipped = [
        (resource["Type"], skip)
        for template in prod.templates.values()
        for resource in template.content["Resources"].values()
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    ]
    assert {kind for kind, _ in skipped} == {
        "AWS::Lambda::Function",
        "AWS::S3::Bucket",
        "AWS::SQS::Queue",
    }
    assert all(len(skip["comment"]) > 20 for _, skip in skipped)
