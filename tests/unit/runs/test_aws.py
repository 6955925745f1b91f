"""Where calls go, whatever the shell of whoever runs us has set."""

from pathlib import Path

import pytest

from config.load import load_settings
from warmfold.runs.aws import connect
from warmfold_shapes.session import nobodys_session


def test_an_environment_is_where_its_file_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-southeast-2")
    aws = connect("prod", tmp_path)
    wanted = load_settings("prod").environment.region
    assert aws.session.region_name == wanted
    assert wanted != "ap-southeast-2"


def test_shapes_are_read_without_the_users_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    model = nobodys_session().get_service_model("sagemaker")
    assert "CreateTrainingJob" in model.operation_names
