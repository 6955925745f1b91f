"""Asks a running local cloud, as its owner, what its roles have done."""

from typing import Any

from warmfold_local.cloud import Settings
from warmfold_local.owner_client import ask

PATH = "/_warmfold/iam"


def usage(settings: Settings) -> dict[str, Any]:
    """Roles with their policies, and the recorded calls. Raises ``OwnerRequestError``."""
    return ask(settings, "GET", PATH)
