"""What `warmfold images uris` prints is what the templates name: CI pushes by the one, deploys by
the other."""

import pytest

from tests.unit.infrastructure.assembly import Assembly, definition
from warmfold.cli.main import run


def test_the_printed_uris_are_the_ones_that_the_pipeline_runs(
    prod: Assembly, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["images", "uris", "--env", "prod"]) == 0
    printed = {line.split()[0]: line.split()[2] for line in capsys.readouterr().out.splitlines()}
    body = definition(prod.stack("training"))
    defaults = {each["Name"]: each["DefaultValue"] for each in body["Parameters"]}
    assert printed == {
        "containers/trainer/Dockerfile": defaults["TrainerImage"],
        "containers/server/Dockerfile": defaults["ServerImage"],
    }
