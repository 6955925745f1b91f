"""Which data sources of a job are offered; training channels and processing inputs alike."""

from collections.abc import Mapping
from typing import Any

from warmfold_local.engine.inputs import KINDS
from warmfold_local.errors import UnsupportedOperation, ValidationError


def check_source(operation: str, source: Mapping[str, Any] | None) -> None:
    """Raises ``UnsupportedOperation`` for a source that is not read here.

    An augmented manifest "can only be used if the Channel's input mode is Pipe" (API reference,
    S3DataSource), which is not offered.
    """
    if source is None:
        raise UnsupportedOperation(operation, "data source other than S3 of")
    if source.get("S3DataType") == "AugmentedManifestFile":
        raise ValidationError("AugmentedManifestFile can only be used with input mode Pipe.")
    if source.get("S3DataType") not in KINDS:
        raise UnsupportedOperation(operation, f"data source other than {' and '.join(KINDS)} of")
