"""The server's settings, read once from the environment that SageMaker sets."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from warmfold_contract.errors import UserError
from warmfold_contract.paths import Paths

# Names of AWS's inference toolkit. SageMaker sets the port on multi-container endpoints, and the
# payload only when the creator of a transform job did.
PORT_VARIABLE = "SAGEMAKER_BIND_TO_PORT"
MAX_PAYLOAD_VARIABLE = "SAGEMAKER_MAX_PAYLOAD_IN_MB"
HOST_VARIABLE = "WARMFOLD_BIND_HOST"

_MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Settings:
    """``max_payload_mib`` is the largest request body, in MiB. Port 0 means any free one."""

    host: str
    port: int
    max_payload_mib: int
    model_folder: Path

    @property
    def max_body_bytes(self) -> int:
        return self.max_payload_mib * _MIB

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """By default every interface, port 8080 and 6 MiB, as SageMaker expects of a container.

        Raises ``UserError`` for a port or payload that is not a number in its range. A payload
        of 0 (chunked streaming in batch transform) is refused: this server wants a length.
        """
        values = os.environ if environment is None else environment
        return cls(
            host=values.get(HOST_VARIABLE) or "0.0.0.0",  # noqa: S104  SageMaker calls from outside
            port=_whole_number(values, PORT_VARIABLE, default=8080, least=0, most=65535),
            max_payload_mib=_whole_number(
                values, MAX_PAYLOAD_VARIABLE, default=6, least=1, most=100
            ),
            model_folder=Paths.from_environment(values).model,
        )


def _whole_number(
    values: Mapping[str, str], name: str, *, default: int, least: int, most: int
) -> int:
    text = values.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise UserError(f"{name} must be a whole number from {least} to {most}, not {text!r}")
    return int(text)
