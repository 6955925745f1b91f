"""How many cores a container grants."""

import os
from pathlib import Path

import pytest

from warmfold_trainer.cores import available_cores


@pytest.fixture
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")
    return folder


@pytest.mark.usefixtures("eight_cores")
@pytest.mark.parametrize(
    "limit,cores",
    [
        ("200000 100000\n", 2),
        ("250000 100000\n", 2),
        ("50000 100000\n", 1),
        ("1600000 100000\n", 8),
        ("max 100000\n", 8),
        ("nonsense\n", 8),
    ],
)
def test_a_quota_of_a_version_2_cgroup_counts(tmp_path: Path, limit: str, cores: int) -> None:
    assert available_cores(write(tmp_path, cpu_dot_max=limit)) == cores


@pytest.mark.usefixtures("eight_cores")
@pytest.mark.parametrize("quota,cores", [("300000", 3), ("-1", 8)])
def test_a_quota_of_a_version_1_cgroup_counts(tmp_path: Path, quota: str, cores: int) -> None:
    folder = tmp_path / "cpu"
    folder.mkdir()
    (folder / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (folder / "cpu.cfs_period_us").write_text("100000\n")
    assert available_cores(tmp_path) == cores


@pytest.mark.usefixtures("eight_cores")
def test_without_a_cgroup_the_cores_the_process_is_bound_to_count(tmp_path: Path) -> None:
    assert available_cores(tmp_path) == 8
