"""`warmfold check-templates`: real cfn-lint on real templates."""

import json
from pathlib import Path

import pytest

from tests.unit.infrastructure.assembly import Assembly
from warmfold.templates import TemplateError, lint, synthesize


def test_the_serving_stack_has_no_finding(prod: Assembly) -> None:
    path = prod.folder / f"{prod.stack('serving').name}.template.json"
    assert lint([path], "eu-west-1") == []


def test_a_broken_template_is_named_with_line_and_rule(tmp_path: Path) -> None:
    path = tmp_path / "bad.template.json"
    configuration = {
        "Type": "AWS::SageMaker::EndpointConfig",
        "Properties": {
            "ProductionVariants": [
                {"VariantName": "v", "InitialVariantWeight": 1, "InstanceTyp": "ml.m5.large"}
            ]
        },
    }
    path.write_text(json.dumps({"Resources": {"Configuration": configuration}}, indent=1))
    findings = lint([path], "eu-west-1")
    assert [finding.line for finding in findings if "InstanceTyp" in finding.message]
    assert all(str(finding).startswith(f"{path}:") for finding in findings)


def test_a_synth_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import sys\nsys.exit('warmfold: no such thing')\n")
    with pytest.raises(TemplateError, match=r"(?s)environment local .*no such thing"):
        synthesize(tmp_path, "local", tmp_path / "out")
