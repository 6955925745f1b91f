"""The names that other parts of the project, and people, rely on."""

from pathlib import Path

import pytest

from config.errors import InvalidSettingsError
from config.load import environments, load_settings
from config.names import Names
from tests.unit.config.environment_file import values, write

NAMES = Names("local")
MODEL = NAMES.model("german-credit")


def test_stacks_are_called_after_environment_and_model() -> None:
    assert (NAMES.images_stack, NAMES.storage_stack) == (
        "warmfold-local-images",
        "warmfold-local-storage",
    )
    assert [
        MODEL.training_stack,
        MODEL.serving_stack,
        MODEL.delivery_stack,
        MODEL.batch_stack,
    ] == [
        f"warmfold-local-german-credit-{kind}"
        for kind in ("training", "serving", "delivery", "batch")
    ]


def test_names_that_code_elsewhere_uses() -> None:
    assert NAMES.trainer_repository == "warmfold-local-trainer"
    assert NAMES.server_repository == "warmfold-local-server"
    assert NAMES.bucket("000000000000", "us-east-1") == "warmfold-local-000000000000-us-east-1"
    assert MODEL.endpoint == MODEL.model_package_group == "warmfold-local-german-credit"
    assert MODEL.training_pipeline == "warmfold-local-german-credit-training"
    assert MODEL.scoring_pipeline == "warmfold-local-german-credit-scoring"
    assert MODEL.schedule == "warmfold-local-german-credit-daily"


@pytest.mark.parametrize("environment", environments())
def test_a_bucket_name_is_short_enough_in_the_longest_region(environment: str) -> None:
    account = load_settings(environment).environment.account
    assert len(Names(environment).bucket(account, "ap-northeast-99")) <= 63


def environment_with(folder: Path, *names: str) -> Path:
    content = values()
    (one,) = content["models"]
    content["models"] = [{**one, "name": name} for name in names]
    return write(folder, content)


@pytest.mark.parametrize("name", ["credit-v2", "credit-vip"])
def test_no_model_is_called_as_a_version_of_another(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidSettingsError) as caught:
        load_settings("prod", environment_with(tmp_path, name, "credit"))
    (found,) = (str(fault) for fault in caught.value.faults)
    assert found.startswith(f"models[0].name = \"{name}\": looks like a version of model 'credit'")
    assert found.endswith(f"call it otherwise, as {name.replace('-', '')}")


def test_models_may_begin_alike(tmp_path: Path) -> None:
    load_settings("prod", environment_with(tmp_path, "credit", "creditv2", "credit-2", "v", "vx"))
