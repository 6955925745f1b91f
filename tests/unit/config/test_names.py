"""The names that other parts of the project, and people, rely on."""

import pytest

from config.load import environments, load_settings
from config.names import Names

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
