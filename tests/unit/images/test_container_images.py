"""Building for a container engine: what is asked of it, and what it is told when it cannot."""

import json
import stat
import sys
from pathlib import Path

import pytest

from config.load import REPOSITORY
from warmfold.container_images import engine_client
from warmfold.image_steps import ImageBuildError
from warmfold.images import ImageSpec, build_images

SPEC = ImageSpec(
    repository="warmfold-local-trainer",
    tag="v1",
    kind="trainer",
    project_dir=REPOSITORY / "examples" / "german_credit",
)

# Keeps what it is asked for; `build` fails if a file says so.
CLIENT = f"""#!{sys.executable} -S
import json, os, sys
folder = os.path.dirname(os.path.dirname(sys.argv[0]))
words = sys.argv[1:]
open(folder + "/calls", "a").write(json.dumps(words) + "\\n")
if words[0] == "build":
    print("STEP 1/2: FROM somewhere")
    sys.exit(1 if os.path.exists(folder + "/broken") else 0)
if words[0] == "image":
    if os.path.exists(folder + "/forgotten"):
        sys.exit(125)
    config = {{"Entrypoint": ["python", "-m", "warmfold_trainer"], "Cmd": ["train"]}}
    print(json.dumps([{{"Id": "sha256:1", "Config": config}}]))
if os.path.exists(folder + "/ill"):
    print("cannot clone: Operation not permitted", file=sys.stderr)
    sys.exit(125)
"""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose ``bin/podman`` is found first; its ``calls`` are what it was asked."""
    program = tmp_path / "bin" / "podman"
    program.parent.mkdir()
    program.write_text(CLIENT, encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not for the engine")
    monkeypatch.delenv("PIP_CERT", raising=False)
    monkeypatch.delenv("WARMFOLD_BASE_IMAGE", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/ca.pem")
    return tmp_path


def calls(engine: Path, first: str) -> list[list[str]]:
    lines = (engine / "calls").read_text(encoding="utf-8").splitlines()
    return [words for words in map(json.loads, lines) if words[0] == first]


def build(engine: Path) -> list[Path]:
    return build_images(REPOSITORY, engine / "images", [SPEC], engine="podman")


def test_the_dockerfile_is_built_as_its_head_says(engine: Path) -> None:
    (folder,) = build(engine)
    (words,) = calls(engine, "build")
    assert words == [
        "build",
        "--format=docker",
        f"--build-context=project={SPEC.project_dir}",
        "--secret=id=ca_bundle,src=/etc/ca.pem",
        f"--file={REPOSITORY}/containers/trainer/Dockerfile",
        "--tag=localhost/warmfold-local-trainer:v1",
        f"{REPOSITORY}/containers",
    ]
    image = json.loads((folder / "image.json").read_text(encoding="utf-8"))
    assert image["Entrypoint"] == ["python", "-m", "warmfold_trainer"]
    assert image["Engine"]["ImageId"] == "sha256:1"
    assert image["Engine"]["Program"] == str(engine / "bin" / "podman")
    assert "AWS_SECRET_ACCESS_KEY" not in image["Engine"]["Environment"]


def test_an_image_that_the_engine_still_has_is_left_alone(engine: Path) -> None:
    assert build(engine) == build(engine)
    assert len(calls(engine, "build")) == 1


def test_a_mirror_of_the_base_is_another_image(
    engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(engine)
    monkeypatch.setenv("WARMFOLD_BASE_IMAGE", "mirror.example/python:3.12")
    build(engine)
    own, mirrored = calls(engine, "build")
    added = [word for word in mirrored if word not in own]
    assert added == ["--build-arg=BASE_IMAGE=mirror.example/python:3.12"]


def test_an_image_that_the_engine_has_forgotten_is_built_again(engine: Path) -> None:
    build(engine)
    (engine / "forgotten").touch()
    with pytest.raises(ImageBuildError, match="podman built it and does not have it"):
        build(engine)
    assert len(calls(engine, "build")) == 2


def test_a_failed_build_names_its_log_and_leaves_no_image(engine: Path) -> None:
    (engine / "broken").touch()
    with pytest.raises(ImageBuildError, match="building it with podman failed: STEP 1/2") as error:
        build(engine)
    assert str(engine / "images" / "logs") in str(error.value)
    assert not list((engine / "images").glob("*/v1/image.json"))


def test_an_engine_that_does_not_work_says_why(engine: Path) -> None:
    (engine / "ill").touch()
    with pytest.raises(ImageBuildError, match="cannot clone: Operation not permitted"):
        engine_client("podman")


@pytest.mark.usefixtures("engine")
def test_an_engine_that_is_not_installed_is_named() -> None:
    with pytest.raises(ImageBuildError, match=r"docker is not installed.*leave out --engine"):
        engine_client("docker")


@pytest.mark.usefixtures("engine")
def test_containers_that_could_not_reach_the_cloud_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(ImageBuildError, match="on Linux only"):
        engine_client("podman")
