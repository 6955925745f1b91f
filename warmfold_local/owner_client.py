"""Signed requests of the owner to the parts of a running local cloud that are not AWS's."""

import http.client
import json
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from warmfold_local.cloud import Settings

_TIMEOUT_SECONDS = 30


class OwnerRequestError(Exception):
    """A refusal; the message is the local cloud's own."""


def ask(settings: Settings, method: str, path: str, body: object = None) -> dict[str, Any]:
    """The JSON answer. Raises ``OwnerRequestError``."""
    data = b"" if body is None else json.dumps(body).encode()
    request = AWSRequest(method=method, url=f"{settings.endpoint_url}{path}", data=data)
    credentials = Credentials(settings.account, settings.secret)
    SigV4Auth(credentials, "sagemaker", settings.region).add_auth(request)
    connection = http.client.HTTPConnection("127.0.0.1", settings.port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request(method, path, body=data, headers=dict(request.headers))
        response = connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
    finally:
        connection.close()
    if response.status != 200:
        raise OwnerRequestError(answer.get("message", f"status {response.status}"))
    return answer
