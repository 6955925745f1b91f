"""One trained model and one running server for all the tests that only ask questions."""

from collections.abc import Iterator
from pathlib import Path

import lightgbm
import pytest

from tests.unit.containers.server.builders import (
    Client,
    loaded,
    serving,
    train_booster,
    write_artifact,
)
from warmfold_server.model import Model
from warmfold_server.server import Server


@pytest.fixture(scope="session")
def booster() -> lightgbm.Booster:
    return train_booster()


@pytest.fixture(scope="session")
def model(booster: lightgbm.Booster, tmp_path_factory: pytest.TempPathFactory) -> Model:
    return loaded(write_artifact(tmp_path_factory.mktemp("artifact") / "model", booster))


@pytest.fixture(scope="session")
def server(model: Model) -> Iterator[Server]:
    with serving(model) as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    one = Client(server.port)
    yield one
    one.close()


@pytest.fixture
def artifact(booster: lightgbm.Booster, tmp_path: Path) -> Path:
    """A fresh artifact for a test that spoils it."""
    return write_artifact(tmp_path / "model", booster)
