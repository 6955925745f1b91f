"""The example project, installed once, and the folders of one job each."""

from pathlib import Path

import pytest

from tests.unit.containers.trainer.jobs import DATA, SPLIT, Job, install_example
from warmfold_contract.paths import Paths


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_example(tmp_path_factory.mktemp("site"))


@pytest.fixture
def job(tmp_path: Path, site: Path) -> Job:
    """A job whose base folder has spaces in its path."""
    return Job(paths=Paths(tmp_path / "a folder with spaces" / "opt ml"), site=site)


@pytest.fixture(scope="session")
def processed(tmp_path_factory: pytest.TempPathFactory, site: Path) -> Paths:
    """The outputs of `process` on the example's data."""
    done = Job(paths=Paths(tmp_path_factory.mktemp("processed")), site=site)
    done.put(done.paths.processing_input("raw"), DATA)
    finished = done.run("process", **SPLIT)
    assert finished.code == 0, finished.err
    return done.paths
