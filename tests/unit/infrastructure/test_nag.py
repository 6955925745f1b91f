"""cdk-nag: it runs, it stops a synth, and what was accepted says why."""

import json
from pathlib import Path

import pytest
from aws_cdk import App, Stack, Validations
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks

from tests.unit.infrastructure.assembly import Assembly


def test_a_finding_stops_the_synth(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    s3.Bucket(Stack(app, "Stack"), "Open")
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with pytest.raises(RuntimeError, match="does not require requests to use SSL"):
        app.synth()
    report = json.loads((tmp_path / "validation-report.json").read_text(encoding="utf-8"))
    assert "AwsSolutions-S10" in str(report)


def test_what_was_accepted_stands_on_its_resource_with_a_reason(prod: Assembly) -> None:
    report = json.loads((prod.folder / "validation-report.json").read_text(encoding="utf-8"))
    accepted = [
        violation
        for plugin in report["pluginReports"]
        for violation in plugin["suppressedViolations"]
    ]
    assert accepted
    for violation in accepted:
        assert len(violation["reason"]) > 20
        assert violation["acknowledgedAt"] not in prod.templates
