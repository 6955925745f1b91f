"""The environment variables of the serving container."""

from pathlib import Path

import pytest

from warmfold_contract.errors import UserError
from warmfold_server.settings import Settings


def test_the_defaults_are_what_sagemaker_expects() -> None:
    settings = Settings.from_environment({})
    assert (settings.host, settings.port) == ("0.0.0.0", 8080)  # noqa: S104
    assert settings.max_body_bytes == 6_291_456
    assert settings.model_folder == Path("/opt/ml/model")


def test_the_environment_moves_port_host_payload_and_model() -> None:
    settings = Settings.from_environment(
        {
            "SAGEMAKER_BIND_TO_PORT": "9001",
            "WARMFOLD_BIND_HOST": "127.0.0.1",
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": "20",
            "SAGEMAKER_BASE_DIR": "/scratch/endpoint",
        }
    )
    assert (settings.host, settings.port) == ("127.0.0.1", 9001)
    assert settings.max_body_bytes == 20 * 1024 * 1024
    assert settings.model_folder == Path("/scratch/endpoint/model")


@pytest.mark.parametrize(
    "name,value",
    [
        ("SAGEMAKER_BIND_TO_PORT", "http"),
        ("SAGEMAKER_BIND_TO_PORT", "65536"),
        ("SAGEMAKER_BIND_TO_PORT", "-1"),
        ("SAGEMAKER_BIND_TO_PORT", "8080.0"),
        ("SAGEMAKER_MAX_PAYLOAD_IN_MB", "0"),
        ("SAGEMAKER_MAX_PAYLOAD_IN_MB", "101"),
        ("SAGEMAKER_MAX_PAYLOAD_IN_MB", "six"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(UserError, match=f"{name} must be a whole number .* not '{value}'"):
        Settings.from_environment({name: value})
