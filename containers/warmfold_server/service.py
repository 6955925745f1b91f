"""What each path answers, without a word about sockets."""

import json
import logging
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from warmfold_contract.errors import UserError
from warmfold_server import content
from warmfold_server.codec import Rows, read_rows, write_scores
from warmfold_server.errors import RequestError, bad_request
from warmfold_server.model import Model, ProjectError

PING = "/ping"
EXECUTION_PARAMETERS = "/execution-parameters"
INVOCATIONS = "/invocations"
# A request with these custom attributes is scored as one row whose every value is missing, whatever
# its body: who sends it need not know the model's columns.
PROBE = "warmfold-probe"
METHODS = {PING: "GET", EXECUTION_PARAMETERS: "GET", INVOCATIONS: "POST"}

# SageMaker gives up on an invocation after 60 s; one that has waited this long would not finish.
QUEUE_SECONDS = 30.0
# Nobody waits any more for what has been scored for longer than this.
STUCK_SECONDS = 60.0

# Batch transform refuses a job whose concurrency times payload exceeds 100 MB.
_TRANSFORM_MIB = 100

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reply:
    status: HTTPStatus
    body: bytes = b""
    content_type: str = content.JSON
    headers: Mapping[str, str] = field(default_factory=dict)


class Service:
    """Scoring runs in as many requests at once as there are processors.

    The others wait, so that a health check is answered within its 2 seconds however many
    callers there are.
    """

    def __init__(self, model: Model, *, max_payload_mib: int) -> None:
        self._model = model
        self._max_payload_mib = max_payload_mib
        self._processors = os.cpu_count() or 1
        self._turns = threading.BoundedSemaphore(self._processors)
        self._since: dict[int, float] = {}

    def ping(self) -> Reply:
        """The server binds only once the model is loaded and verified: it is healthy, unless every
        place has been taken for so long that no request will be scored any more."""
        if self._is_stuck():
            log.error("unhealthy: no request was scored within %g s in any place", STUCK_SECONDS)
            return Reply(HTTPStatus.SERVICE_UNAVAILABLE)
        return Reply(HTTPStatus.OK)

    def _is_stuck(self) -> bool:
        latest = time.monotonic() - STUCK_SECONDS
        started = list(self._since.values())  # of other threads, which come and go meanwhile
        return len(started) == self._processors and max(started) < latest

    def execution_parameters(self) -> Reply:
        """What batch transform should use where its creator said nothing."""
        values = {
            "MaxConcurrentTransforms": min(
                self._processors, _TRANSFORM_MIB // self._max_payload_mib
            ),
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": self._max_payload_mib,
        }
        return Reply(HTTPStatus.OK, json.dumps(values).encode())

    def invoke(
        self, body: bytes, content_type: str | None, accept: str | None, *, probe: bool = False
    ) -> Reply:
        """Raises ``RequestError`` for anything that the sender has to change."""
        requested = content.request_type(content_type)
        answered = content.response_type(accept, requested)
        if not self._turns.acquire(timeout=QUEUE_SECONDS):
            raise RequestError(HTTPStatus.SERVICE_UNAVAILABLE, "too many requests at once")
        self._since[threading.get_ident()] = time.monotonic()
        try:
            return Reply(HTTPStatus.OK, self._scored(body, requested, answered, probe), answered)
        finally:
            del self._since[threading.get_ident()]
            self._turns.release()

    def _scored(self, body: bytes, requested: str, answered: str, probe: bool) -> bytes:
        columns = self._model.schema.columns
        try:
            missing: Rows = [{column.name: None for column in columns}]
            rows = missing if probe else read_rows(body, requested, columns)
            return write_scores(self._model.scores(rows), answered)
        except UserError as error:
            raise bad_request(str(error)) from error
        except ProjectError as error:
            log.error("500: %s", error)  # noqa: TRY400  its text is the whole, data-free story
            raise RequestError(
                HTTPStatus.INTERNAL_SERVER_ERROR, "the model's project code failed: see its log"
            ) from error


def error_reply(
    status: HTTPStatus, message: str, headers: Mapping[str, str] | None = None
) -> Reply:
    return Reply(status, json.dumps({"error": message}).encode(), headers=headers or {})
