"""Synthesize environments and lint their templates: `warmfold check-templates`.

The CDK runs as a child, as it does under `cdk synth`, since the product itself knows no CDK.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.load import load_settings
from warmfold.errors import WarmfoldError

# cfn-lint's findings that are not acted upon, each with its reason.
IGNORED_RULES = {
    "W3005": "The CDK spells out dependencies on a role together with those on its policy, which "
    "nothing else implies: without them the first call races the policy.",
}
_SYNTH_TIMEOUT_SECONDS = 300
_PARALLEL = 2
# What a child needs to find Node.js, and the CDK's unpacked library, which is 200 MB.
_INHERITED = ("PATH", "HOME", "USERPROFILE", "SYSTEMROOT", "XDG_CACHE_HOME", "TMPDIR", "JSII_NODE")


class TemplateError(WarmfoldError):
    """Templates that cannot be made, or that CloudFormation would refuse."""


@dataclass(frozen=True, order=True, kw_only=True)
class Finding:
    """One finding of cfn-lint; ``line`` counts from 1."""

    template: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.template}:{self.line}: {self.rule} {self.message}"


def check_templates(root: Path, environments: Sequence[str]) -> None:
    """Synthesize environments of the repository ``root``, with cdk-nag, and lint what comes out.

    Raises ``TemplateError`` with all findings of cfn-lint, or with the CDK's own output.
    """
    with ThreadPoolExecutor(_PARALLEL) as pool:
        findings = [
            finding
            for found in pool.map(lambda name: _check(root, name), environments)
            for finding in found
        ]
    if findings:
        lines = "\n".join(f"  {finding}" for finding in sorted(findings))
        raise TemplateError(f"the templates have {len(findings)} findings:\n{lines}")


def synthesize(root: Path, environment: str, output: Path) -> list[Path]:
    """The templates of one environment, written below ``output``.

    Raises ``TemplateError`` with the CDK's messages, cdk-nag's findings among them.
    """
    # A stack that is gone would otherwise still be linted.
    shutil.rmtree(output, ignore_errors=True)
    result = subprocess.run(
        [sys.executable, "app.py"],
        cwd=root,
        env={
            **child_environment(),
            "CDK_CONTEXT_JSON": json.dumps({"env": environment}),
            "CDK_OUTDIR": str(output),
            # The CDK's own template validator finds what cfn-lint finds, in the same time again.
            "CDK_VALIDATION": "false",
        },
        capture_output=True,
        text=True,
        timeout=_SYNTH_TIMEOUT_SECONDS,
        check=False,
    )
    if result.returncode:
        raise TemplateError(f"environment {environment} cannot be synthesized:\n{result.stderr}")
    return sorted(output.glob("*.template.json"))


def lint(templates: Sequence[Path], region: str) -> list[Finding]:
    """cfn-lint's findings, without the rules that are ignored on purpose.

    Raises ``TemplateError`` if cfn-lint itself fails.
    """
    command = [sys.executable, "-c", "from cfnlint.runner import main; main()"]
    options = ["--format", "json", "--regions", region, "--ignore-checks", *IGNORED_RULES]
    result = subprocess.run(
        [*command, *options, "--", *map(str, templates)],
        env=child_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        matches = json.loads(result.stdout)
    except ValueError as error:
        raise TemplateError(f"cfn-lint failed:\n{result.stdout}{result.stderr}") from error
    return [_finding(match) for match in matches]


def child_environment() -> dict[str, str]:
    """From empty: no credentials, no AWS configuration, nothing that a synth could depend on."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {
        **inherited,
        "AWS_EC2_METADATA_DISABLED": "true",
        # The majors of Node.js for which jsii prints eleven lines each time, although they work.
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20,21,23",
    }


def _finding(match: dict[str, Any]) -> Finding:
    return Finding(
        template=match["Filename"],
        line=match["Location"]["Start"]["LineNumber"],
        rule=match["Rule"]["Id"],
        message=match["Message"],
    )


def _check(root: Path, environment: str) -> list[Finding]:
    templates = synthesize(root, environment, root / "build" / "cdk.out" / environment)
    return lint(templates, load_settings(environment).environment.region)
