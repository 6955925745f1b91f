"""Images as folders: complete, reproducible, built once, and never half."""

import json
import subprocess
import threading
from pathlib import Path

import pytest

from tests.unit.images.conftest import PYPROJECT, Repository, write_project
from warmfold.image_steps import ImageBuildError
from warmfold.images import COMMANDS, ImageSpec, Kind, build_images

KINDS: tuple[Kind, ...] = ("trainer", "server")


def configuration(repository: Repository, kind: Kind) -> dict[str, object]:
    folder = repository.images / f"warmfold-local-{kind}" / "tiny-0123"
    values: dict[str, object] = json.loads((folder / "image.json").read_text())
    return values


def run_in(repository: Repository, kind: Kind, *arguments: str) -> str:
    """What Python prints in an image's own environment, started as the process engine does."""
    environment = configuration(repository, kind)["Env"]
    assert isinstance(environment, dict)
    result = subprocess.run(
        ["/usr/bin/env", "python", *arguments],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return result.stdout.strip()


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_is_described_like_an_oci_image(shared: Repository, kind: Kind) -> None:
    values = configuration(shared, kind)
    assert values["Entrypoint"] == ["python", "-m", f"warmfold_{kind}"]
    assert values["Cmd"] == [COMMANDS[kind]]
    environment = values["Env"]
    assert isinstance(environment, dict)
    app = shared.images / f"warmfold-local-{kind}" / "tiny-0123" / "app"
    assert environment["PYTHONPATH"] == str(app)
    assert environment["PATH"].endswith(":/usr/bin:/bin")
    assert ("OMP_NUM_THREADS" in environment) == (kind == "server")


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_runs_with_its_project_and_its_wheels_hash(shared: Repository, kind: Kind) -> None:
    code = (
        "from warmfold_contract.project import installed_wheel, load_project;"
        "print(load_project().name, *installed_wheel().values())"
    )
    name, wheel_name, version, digest = run_in(shared, kind, "-c", code).split()
    assert (name, wheel_name, version, len(digest)) == ("tiny-project", "tiny-project", "1.5", 64)


def test_an_image_holds_the_platform_of_its_own_kind_only(shared: Repository) -> None:
    code = (
        "from importlib.util import find_spec;"
        "print(*[name for name in ('warmfold_contract', 'warmfold_features', 'warmfold_server',"
        " 'warmfold_trainer', 'pip') if find_spec(name)])"
    )
    assert run_in(shared, "server", "-c", code) == (
        "warmfold_contract warmfold_features warmfold_server"
    )


def test_a_file_in_the_working_folder_hides_no_module(shared: Repository, tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit(9)")
    environment = configuration(shared, "trainer")["Env"]
    assert isinstance(environment, dict)
    argv = ["/usr/bin/env", "python", "-c", "import json"]
    assert subprocess.run(argv, env=environment, cwd=tmp_path, check=False).returncode == 0


def test_both_images_share_a_layer_and_a_wheel(shared: Repository) -> None:
    assert len(list((shared.images / "layers").iterdir())) == 1
    digests = {
        json.loads(path.read_text())["wheel_sha256"]
        for path in shared.images.glob("*/*/app/warmfold_project.json")
    }
    assert len(digests) == 1


def test_bytecode_is_compiled_for_the_place_where_it_lies(shared: Repository) -> None:
    code = "import tiny_project, locked; print(tiny_project.__cached__, locked.__cached__)"
    cached = run_in(shared, "trainer", "-c", code)
    assert cached.count(".pyc") == 2
    place = run_in(shared, "trainer", "-c", "import locked; print(locked.__spec__.origin)")
    assert str(shared.images / "layers") in place
    compiled = next((shared.images / "layers").rglob("locked.*.pyc")).read_bytes()
    assert place.encode() in compiled


def test_an_image_that_is_there_is_left_alone(shared: Repository) -> None:
    before = stamps(shared.images)
    folders, told = shared.build(shared.image("trainer"), shared.image("server"))
    assert told == []
    assert [folder.parent.name for folder in folders] == [
        "warmfold-local-trainer",
        "warmfold-local-server",
    ]
    assert stamps(shared.images) == before


def stamps(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_another_tag_needs_no_new_layer_and_gives_the_same_wheel(shared: Repository) -> None:
    (folder,), told = shared.build(shared.image("trainer", "tiny-4567"))
    assert told == [
        "image warmfold-local-trainer:tiny-4567: building the project's wheel",
    ]
    first = shared.images / "warmfold-local-trainer" / "tiny-0123"
    files = [path / "app" / "warmfold_project.json" for path in (first, folder)]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_moved_checkout_gets_its_images_again(repository: Repository) -> None:
    repository.build(repository.image("trainer"))
    elsewhere = Repository(repository.root.with_name("another place"))
    repository.root.rename(elsewhere.root)
    # Its lock names the wheel by file, so the file has to be where it was.
    repository.root.symlink_to(elsewhere.root)
    _, told = elsewhere.build(elsewhere.image("trainer"))
    assert told == ["image warmfold-local-trainer:tiny-0123: building the project's wheel"]
    assert run_in(elsewhere, "trainer", "-c", "import locked; print(locked.NAME)")


def test_two_builders_at_once_make_one_good_image(repository: Repository) -> None:
    errors: list[Exception] = []

    def build() -> None:
        try:
            repository.build(repository.image("server"))
        except Exception as error:  # noqa: BLE001  raised again by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=build) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert run_in(repository, "server", "-c", "import locked; print(locked.NAME)")
    assert list((repository.images / "building").iterdir()) == []


def test_pips_own_settings_cannot_lead_the_installation_astray(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "astray"))
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "nowhere"))
    repository.build(repository.image("trainer"))
    assert not (tmp_path / "astray").exists()
    assert run_in(repository, "trainer", "-c", "import locked; print(locked.NAME)")


def failure(repository: Repository, image: ImageSpec) -> str:
    """The message of a build that fails, after checking that it left nothing behind."""
    with pytest.raises(ImageBuildError) as caught:
        repository.build(image)
    assert not (repository.images / image.repository / image.tag).exists()
    assert list((repository.images / "building").iterdir()) == []
    return str(caught.value)


def test_a_requirement_with_another_hash_is_refused(repository: Repository) -> None:
    lock = repository.lock("trainer")
    lock.write_text(lock.read_text().replace("sha256:", "sha256:0000")[:-4])
    message = failure(repository, repository.image("trainer"))
    assert "image warmfold-local-trainer:tiny-0123: installing the locked requirements failed" in (
        message
    )
    log = Path(message.rpartition("its whole output: ")[2])
    assert "hash" in log.read_text()
    assert list((repository.images / "layers").iterdir()) == []


def test_a_project_that_does_not_build_is_reported_with_its_log(
    shared: Repository, tmp_path: Path
) -> None:
    project = write_project(tmp_path, pyproject=PYPROJECT.replace("version", "varsion"))
    message = failure(shared, spoiled(project))
    assert "building the project's wheel failed" in message
    assert "its whole output: " in message


def test_a_project_whose_requirement_is_not_in_the_image_is_refused(
    shared: Repository, tmp_path: Path
) -> None:
    project = write_project(tmp_path, code="import pandas_is_not_here\n")
    message = failure(shared, spoiled(project))
    assert "loading the project in its image failed: " in message
    assert "ModuleNotFoundError" in message
    assert "if 'pandas_is_not_here' is the project's own, correct the import" in message
    assert "containers/trainer/requirements.in and containers/server/requirements.in" in message
    assert "`make lock`" in message


def test_a_project_without_entry_point_is_refused(shared: Repository, tmp_path: Path) -> None:
    project = write_project(tmp_path, pyproject=PYPROJECT.replace("warmfold.project", "x"))
    assert "must hold exactly one project" in failure(shared, spoiled(project))


def spoiled(project: Path) -> ImageSpec:
    return ImageSpec(
        repository="warmfold-local-spoiled", tag="t", kind="server", project_dir=project
    )


def test_a_folder_that_is_no_project_is_refused_before_anything_is_made(
    repository: Repository,
) -> None:
    image = ImageSpec(repository="r", tag="t", kind="server", project_dir=repository.root)
    with pytest.raises(ImageBuildError, match=r"has no pyproject\.toml"):
        build_images(repository.root, repository.images, [repository.image("trainer"), image])
    assert not repository.images.exists()


@pytest.mark.parametrize(
    "name,tag",
    [("../elsewhere", "t"), ("R", "t"), ("r", "../t"), ("r", ""), ("r", "a b"), ("/r", "t")],
)
def test_a_name_that_is_none_of_ecrs_is_refused(
    repository: Repository, name: str, tag: str
) -> None:
    image = ImageSpec(repository=name, tag=tag, kind="server", project_dir=repository.project)
    with pytest.raises(ImageBuildError, match="is not a repository and tag that ECR allows"):
        build_images(repository.root, repository.images, [image])


BACKEND = """
import os

def build_wheel(*arguments, **settings):
    print("SEEN", sorted(os.environ))
    raise SystemExit("enough seen")
"""


def test_the_builds_children_get_no_credentials(
    shared: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    system = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    project = write_project(tmp_path, pyproject=system)
    (project / "backend.py").write_text(BACKEND)
    message = failure(shared, spoiled(project))
    seen = Path(message.rpartition("its whole output: ")[2]).read_text()
    assert "SEEN" in seen
    assert "AWS_" not in seen
