"""What `warmfold images uris` prints is what the templates name: CI pushes by the one, deploys by
the other."""

import pytest

from tests.unit.example_model import EXAMPLE
from tests.unit.infrastructure.assembly import Assembly, definition
from warmfold.cli.main import run


def test_the_printed_uris_are_the_ones_that_the_pipeline_runs(
    prod: Assembly, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["images", "uris", "--env", "prod"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    printed = {file: uri for file, _, uri in lines if f":{EXAMPLE}-" in uri}
    body = definition(prod.stack("training"))
    defaults = {each["Name"]: each["DefaultValue"] for each in body["Parameters"]}
    assert printed == {
        "containers/trainer/Dockerfile": defaults["TrainerImage"],
        "containers/server/Dockerfile": defaults["ServerImage"],
    }
