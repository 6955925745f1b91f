"""The scripts that build images once and push them: what they call, with programs that note it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from config.load import REPOSITORY

# As `warmfold images uris` prints them: the two environments share the trainer, not the server.
URIS = {
    "dev": [("trainer", "credit-aa", "111111111111"), ("server", "credit-bb", "111111111111")],
    "prod": [("trainer", "credit-aa", "333333333333"), ("server", "credit-cc", "333333333333")],
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with a space, the two scripts, and programs that write down their arguments."""
    folder = tmp_path / "a checkout"
    shutil.copytree(REPOSITORY / ".ci", folder / ".ci")
    for name, lines in URIS.items():
        text = "".join(
            f"containers/{kind}/Dockerfile examples/credit "
            f"{account}.dkr.ecr.eu-west-1.amazonaws.com/warmfold-{name}-{kind}:{tag}\n"
            for kind, tag, account in lines
        )
        (folder / f"{name}.uris").write_text(text, encoding="utf-8")
    program(folder, ".venv/bin/warmfold", 'cat "$4.uris"')
    noted = 'echo "$(basename "$0") $*" >> calls'
    program(folder, "bin/docker", noted)
    made = 'case "${!#}" in dir:*) dir="${!#}"; mkdir "${dir#dir:}";; esac'
    program(folder, "bin/skopeo", noted, made)
    program(folder, "bin/rm", "exit 0")
    program(folder, "bin/aws", noted, 'case "$*" in *credit-aa*) echo "${ALREADY-None}";; esac')
    return folder


def program(folder: Path, name: str, *lines: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/bash", *lines, ""]), encoding="utf-8")
    path.chmod(0o755)


def run(checkout: Path, script: str, *arguments: str, **variables: str) -> list[str]:
    """What was called, by the first words that matter."""
    subprocess.run(
        [".ci/" + script, *arguments],
        cwd=checkout,
        env={"PATH": f"{checkout / 'bin'}{os.pathsep}{os.environ['PATH']}", **variables},
        check=True,
        timeout=30,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    return (checkout / "calls").read_text(encoding="utf-8").splitlines()


def test_content_that_environments_share_is_built_once(checkout: Path) -> None:
    calls = run(checkout, "build-images", "build/push", "dev", "prod")
    built = [call.rpartition("dest=")[2] for call in calls if call.startswith("docker")]
    assert built == [
        f"build/push/{image}.tar containers"
        for image in ("trainer-credit-aa", "server-credit-bb", "server-credit-cc")
    ]
    assert all("--provenance=false" in call for call in calls if call.startswith("docker"))


def test_an_environment_gets_its_images_with_the_digests_that_they_were_built_with(
    checkout: Path,
) -> None:
    calls = run(checkout, "push-images", "build/push", "prod")
    copy = "skopeo copy --quiet --preserve-digests dir:build/push"
    registry = "docker://333333333333.dkr.ecr.eu-west-1.amazonaws.com/warmfold-prod"
    assert [call for call in calls if call.startswith("skopeo copy")] == [
        f"{copy}/{kind}-{tag} {registry}-{kind}:{tag}"
        for kind, tag in (("trainer", "credit-aa"), ("server", "credit-cc"))
    ]


def test_a_tag_that_is_there_is_not_pushed_again(checkout: Path) -> None:
    calls = run(checkout, "push-images", "build/push", "prod", ALREADY="sha256:aa")
    pushed = [call for call in calls if call.startswith("skopeo copy")]
    assert len(pushed) == 1
    assert pushed[0].endswith("warmfold-prod-server:credit-cc")
