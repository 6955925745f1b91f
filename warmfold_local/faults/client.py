"""Sets, lists and clears the faults of a running local cloud, over its signed API."""

from typing import Any

from warmfold_local.cloud import Settings
from warmfold_local.owner_client import OwnerRequestError, ask

_PATH = "/_warmfold/faults"


class FaultError(Exception):
    """A refusal; the message is the local cloud's own."""


class FaultsClient:
    """The client of one local cloud. Raises ``FaultError`` for what it refuses."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def add(self, **members: Any) -> str:
        """Set one fault, ``kind`` and ``match`` among its members; its id."""
        return str(self._ask("POST", _PATH, members)["ids"][0])

    def listed(self) -> dict[str, Any]:
        """``faults``: those that are set, with how often each ``fired``; ``firings``."""
        return self._ask("GET", _PATH)

    def clear(self, identifier: str | None = None) -> int:
        """Remove one fault, or all of them and the list of firings; how many."""
        query = "" if identifier is None else f"?id={identifier}"
        return int(self._ask("DELETE", f"{_PATH}{query}")["cleared"])

    def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        try:
            return ask(self._settings, method, path, body)
        except OwnerRequestError as error:
            raise FaultError(str(error)) from error
