"""The options under which Node.js runs the CDK."""

import os
import subprocess
from pathlib import Path

import pytest

from stacks import node_options as module
from stacks.node_options import node_options


def node(options: str, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", "-e", code],
        env={"PATH": os.environ["PATH"], "NODE_OPTIONS": options},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_node_knows_every_option() -> None:
    """It would say "unrecognized flag" and go on."""
    run = node(node_options(""), "console.log('started')")
    assert (run.returncode, run.stdout, run.stderr) == (0, "started\n", "")


@pytest.mark.parametrize("name", ["a folder", 'with "quotes"', "back\\slash", "Ümläute"])
def test_a_checkout_may_be_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / name).mkdir()
    copy = tmp_path / name / module.V8_FLAGS.name
    copy.write_text("globalThis.wasRead = true;")
    monkeypatch.setattr(module, "V8_FLAGS", copy)
    run = node(node_options(""), "console.log(globalThis.wasRead)")
    assert (run.returncode, run.stdout) == (0, "true\n"), run.stderr


def test_the_users_own_options_stay() -> None:
    run = node(node_options("--stack-trace-limit=3"), "console.log(Error.stackTraceLimit)")
    assert run.stdout == "3\n"
