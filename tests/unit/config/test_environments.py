"""The files that are there."""

import pytest

from config.load import environments, load_settings
from tests.unit.example_model import model_named

EVERY = environments()


def test_there_are_four_environments() -> None:
    assert EVERY == ("dev", "local", "prod", "staging")


@pytest.mark.parametrize("name", EVERY)
def test_an_environment_is_called_as_its_file(name: str) -> None:
    assert load_settings(name).name == name


def test_no_two_environments_share_an_account() -> None:
    accounts = [load_settings(name).environment.account for name in EVERY]
    assert len(set(accounts)) == len(accounts)


def test_the_local_environment_is_the_local_clouds_account_and_small() -> None:
    settings = load_settings("local")
    model = model_named(settings)
    assert (settings.environment.account, settings.environment.region) == (
        "000000000000",
        "us-east-1",
    )
    assert len(model.candidates) * model.tuning.max_trials == 12
    assert settings.images.source == "uri"


def test_production_keeps_its_data_and_serves_from_two_instances_with_a_canary() -> None:
    settings = load_settings("prod")
    assert settings.storage.removable is False
    assert settings.environment.termination_protection is True
    for model in settings.models:
        assert model.serving.minimum_instances >= 2
        assert model.serving.deployment.traffic_shift == "canary"


def test_settings_cannot_be_changed() -> None:
    settings = load_settings("local")
    with pytest.raises(AttributeError):
        settings.name = "prod"  # type: ignore[misc]
