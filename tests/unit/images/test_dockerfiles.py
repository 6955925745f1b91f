"""The Dockerfiles and the process engine's builder make the same image."""

import re
from pathlib import Path

import pytest

from warmfold.images import COMMANDS, ENVIRONMENT, SHARED_PACKAGES, Kind

ROOT = Path(__file__).parents[3]
CONTAINERS = ROOT / "containers"
KINDS: tuple[Kind, ...] = ("trainer", "server")


def instructions(kind: Kind) -> list[str]:
    """Logical lines without comments; continuation lines are joined."""
    text = (CONTAINERS / kind / "Dockerfile").read_text()
    joined = re.sub(r"\\\n\s*", "", text)
    return [line for line in joined.splitlines() if line and not line.startswith("#")]


def final_stage(kind: Kind) -> list[str]:
    lines = instructions(kind)
    start = max(n for n, line in enumerate(lines) if line.startswith("FROM "))
    return lines[start:]


@pytest.mark.parametrize("kind", KINDS)
def test_entry_point_and_command_are_the_same(kind: Kind) -> None:
    assert final_stage(kind)[-2:] == [
        f'ENTRYPOINT ["python", "-m", "warmfold_{kind}"]',
        f'CMD ["{COMMANDS[kind]}"]',
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_the_environment_is_the_same(kind: Kind) -> None:
    (line,) = [line for line in final_stage(kind) if line.startswith("ENV ")]
    values = dict(re.findall(r"([A-Z_]+)=(\S+?)(?= *[A-Z_]+=|$)", line.removeprefix("ENV ")))
    own = {"PATH", "PYTHONPATH", "WARMFOLD_PROJECT_FILE"}
    assert {name: value for name, value in values.items() if name not in own} == ENVIRONMENT[kind]
    assert own < set(values)


@pytest.mark.parametrize("kind", KINDS)
def test_the_base_is_a_digest_and_system_packages_are_versions(kind: Kind) -> None:
    lines = instructions(kind)
    (base,) = [line for line in lines if line.startswith("ARG BASE_IMAGE=")]
    assert re.fullmatch(r"ARG BASE_IMAGE=\S+:3\.12-slim-bookworm@sha256:[0-9a-f]{64}", base)
    assert {line.split()[1] for line in lines if line.startswith("FROM ")} <= {
        "${BASE_IMAGE}",
        "layer",
    }
    installed = re.findall(r"apt-get install ([^&]+)", "\n".join(lines))
    packages = [word for words in installed for word in words.split() if word[0] != "-"]
    assert packages
    assert all(re.fullmatch(r"[a-z0-9+.-]+=[0-9]\S+", package) for package in packages)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_packages_are_copied(kind: Kind) -> None:
    copied = re.findall(r"^COPY (warmfold_\w+) ", "\n".join(instructions(kind)), re.MULTILINE)
    assert copied == [*SHARED_PACKAGES, f"warmfold_{kind}"]


def test_the_two_dockerfiles_differ_only_in_kind_command_and_threads() -> None:
    trainer = "\n".join(instructions("trainer"))
    expected = trainer.replace("trainer", "server").replace('CMD ["train"]', 'CMD ["serve"]')
    expected = expected.replace("PYTHONSAFEPATH=1", "PYTHONSAFEPATH=1OMP_NUM_THREADS=1")
    assert re.sub(r"=1 +", "=1", "\n".join(instructions("server"))) == re.sub(
        r"=1 +", "=1", expected
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_user_is_left_to_sagemaker(kind: Kind) -> None:
    assert not any(line.startswith("USER") for line in instructions(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_installed_without_a_hash_or_from_the_network_unlocked(kind: Kind) -> None:
    commands = re.findall(r"-m pip [^&\n]*", "\n".join(instructions(kind)))
    assert len(commands) == 4
    assert all("--require-hashes" in line or "--no-index" in line for line in commands)


def test_both_builds_use_the_same_hatchling() -> None:
    locks = [ROOT / "requirements" / "dev.txt", CONTAINERS / "build-requirements.txt"]
    found = [re.findall(r"^hatchling==(\S+)", lock.read_text(), re.MULTILINE) for lock in locks]
    assert found[0] == found[1]
    assert len(found[0]) == 1


@pytest.mark.parametrize(
    "lock", ["build-requirements.txt", "trainer/requirements.txt", "server/requirements.txt"]
)
def test_locks_name_no_registry(lock: str) -> None:
    text = (CONTAINERS / lock).read_text()
    assert "http" not in text
    assert "index-url" not in text
