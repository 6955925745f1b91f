"""Sets, lists and clears the faults of a running local cloud, over its signed API."""

import http.client
import json
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from warmfold_local.cloud import Settings

_PATH = "/_warmfold/faults"
_TIMEOUT_SECONDS = 30


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
        settings = self._settings
        data = b"" if body is None else json.dumps(body).encode()
        request = AWSRequest(method=method, url=f"{settings.endpoint_url}{path}", data=data)
        credentials = Credentials(settings.account, settings.secret)
        SigV4Auth(credentials, "sagemaker", settings.region).add_auth(request)
        connection = http.client.HTTPConnection(
            "127.0.0.1", settings.port, timeout=_TIMEOUT_SECONDS
        )
        try:
            connection.request(method, path, body=data, headers=dict(request.headers))
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise FaultError(answer.get("message", f"status {response.status}"))
        return answer
