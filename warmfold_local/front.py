"""The one door: an ASGI application that admits signed requests only, and routes them.

An HTTP server that runs code must not be reachable from a web page: the Host header is
allow-listed (DNS rebinding), a request with an Origin is refused (browsers send one with every
cross-site POST), and nothing is answered without a signature but the health check.
"""

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any
from xml.sax.saxutils import escape

from warmfold_local import autoscaling, runtime, service_quotas
from warmfold_local.access import acts_as, usage
from warmfold_local.auth import Caller, HttpRequest, claimed_service, verify
from warmfold_local.cloud import HEALTH_PATH, Cloud
from warmfold_local.errors import ServiceError, UnsupportedOperation
from warmfold_local.faults import http as faults
from warmfold_local.ministack_access import Served, current
from warmfold_local.ministack_seam import SERVICES, AsgiApp, session_secret
from warmfold_local.sagemaker import protocol

logger = logging.getLogger("warmfold_local")

# One request's body, held in memory. CDK assets are some MB, S3 clients send parts of 8 MB.
BODY_LIMIT_BYTES = 256 * 1024 * 1024

# A Lambda-backed custom resource answers CloudFormation through a one-time URL, which on AWS is
# presigned; here its token is a random UUID.
_CUSTOM_RESOURCE_ANSWER = re.compile(r"/_ministack/cfn-response/[0-9a-f-]{32,36}")
# ministack's own pages, not part of any AWS API.
_INTERNAL = re.compile(r"/(_ministack|_localstack|_aws)(/.*)?|/health")
_INVOCATION = re.compile(r"/endpoints/([A-Za-z0-9-]{1,63})/invocations")
_TEMPORARY_KEY = re.compile(r"A[SK]IA[A-Z0-9]{8,124}")

# Services whose errors are XML in an <ErrorResponse> (AWS Query protocol).
_QUERY_SERVICES = ("cloudformation", "iam", "sns", "sts")

Answer = tuple[int, dict[str, str], bytes]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class Front:
    """``backend`` is ministack's application; it gets what is not ours, and the lifespan."""

    def __init__(self, cloud: Cloud, backend: AsgiApp, pid: int) -> None:
        self._cloud = cloud
        self._backend = backend
        self._pid = pid
        port = cloud.settings.port
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._backend(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:  # a web socket: no service here has one
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Any, receive: Receive, send: Send) -> None:
        headers = _headers(scope)
        query_string = scope["query_string"].decode("latin-1")
        try:
            self._require_local(scope, headers)
            if scope["path"] == HEALTH_PATH:
                await _send(send, self._health())
                return
            body = await _body(headers, receive)
            request = HttpRequest(
                method=scope["method"],
                raw_path=(scope.get("raw_path") or scope["path"].encode()).decode("latin-1"),
                query_string=query_string,
                headers=headers,
                body=body,
            )
            await self._route(scope, request, receive, send)
        except ServiceError as error:
            logger.warning("refused %s %s: %s", scope["method"], scope["path"], error.code)
            await _send(send, _refusal(claimed_service(query_string, headers), error))

    def _require_local(self, scope: Any, headers: dict[str, str]) -> None:
        hosts = [value for name, value in scope["headers"] if name.lower() == b"host"]
        if len(hosts) != 1 or headers["host"] not in self._hosts:
            raise ServiceError(
                "AccessDenied", f"The Host header must be one of {', '.join(self._hosts)}.", 403
            )
        if "origin" in headers:
            raise ServiceError("AccessDenied", "Requests of web pages are refused.", 403)

    def _health(self) -> Answer:
        payload = json.dumps({"status": "ok", "pid": self._pid})
        return 200, {"Content-Type": "application/json"}, payload.encode()

    async def _route(self, scope: Any, request: HttpRequest, receive: Receive, send: Send) -> None:
        if request.method == "PUT" and _CUSTOM_RESOURCE_ANSWER.fullmatch(scope["path"]):
            await self._backend(scope, _replay(request.body, receive), send)
            return
        caller = verify(request, self._secret_of)
        self._require_region(caller)
        if scope["path"] in (faults.PATH, usage.PATH):
            await _send(send, self._administer(caller, scope["path"], request))
            return
        send = await faults.disturb(self._cloud.faults, caller.service, request, send)
        if caller.service == "sagemaker":
            await _send(send, await self._sagemaker(caller, scope["path"], request))
        elif caller.service == autoscaling.SERVICE:
            await _send(send, await self._json(caller, request, autoscaling.SERVICE))
        elif caller.service == service_quotas.SIGNING_NAME:
            await _send(send, await self._json(caller, request, service_quotas.SERVICE))
        elif caller.service not in SERVICES:
            raise UnsupportedOperation(caller.service, "service")
        elif _INTERNAL.fullmatch(scope["path"]):
            raise ServiceError("AccessDenied", "Not part of an AWS API.", 403)
        else:
            current.set(Served(request.query_string, request.headers, request.body))
            with self._stack_operation(caller, request):
                await self._backend(scope, _replay(request.body, receive), send)

    def _stack_operation(
        self, caller: Caller, request: HttpRequest
    ) -> AbstractContextManager[None]:
        if caller.service != "cloudformation":
            return nullcontext()
        return acts_as.stack_operation(self._as(caller), request)

    def _administer(self, caller: Caller, path: str, request: HttpRequest) -> Answer:
        if caller.access_key != self._cloud.settings.account:  # a role: a job, a function
            raise ServiceError("AccessDenied", "Only the instance's own key may do this.", 403)
        if path == usage.PATH:
            return usage.administer(self._cloud, request)
        return faults.administer(self._cloud, request)

    def _as(self, caller: Caller) -> Cloud:
        """The cloud as the caller may use it: the owner's key is all-powerful."""
        access = self._cloud.access
        if access is None or caller.access_key == self._cloud.settings.account:
            return self._cloud
        return self._cloud.as_identity(access.caller(caller.access_key))

    async def _sagemaker(self, caller: Caller, path: str, request: HttpRequest) -> Answer:
        invocation = _INVOCATION.fullmatch(path)
        if invocation is None and "x-amz-target" in request.headers:
            return await self._json(caller, request, protocol.SAGEMAKER)
        if invocation is None or request.method != "POST":
            raise UnsupportedOperation(f"{request.method} {path}", "SageMaker request")
        work = runtime.Invocation(
            endpoint=invocation.group(1), headers=request.headers, body=request.body
        )
        return await asyncio.to_thread(runtime.invoke, self._as(caller), work)

    async def _json(self, caller: Caller, request: HttpRequest, service: str) -> Answer:
        """Handlers may block and may call back into this cloud: never on the event loop."""
        target = request.headers.get("x-amz-target", "")
        work = partial(protocol.handle, self._as(caller), target, request.body, service)
        return await asyncio.to_thread(work)

    def _secret_of(self, access_key: str, token: str | None) -> str | None:
        settings = self._cloud.settings
        if access_key == settings.account:
            return settings.secret if not token else None
        if _TEMPORARY_KEY.fullmatch(access_key):
            if self._cloud.access is not None:
                self._cloud.access.recall(access_key)
            return session_secret(access_key, token, settings.account)
        return None

    def _require_region(self, caller: Caller) -> None:
        """Global services (IAM, STS) are signed for us-east-1 wherever one is."""
        region = self._cloud.settings.region
        if caller.region not in (region, "us-east-1"):
            raise ServiceError(
                "SignatureDoesNotMatch",
                f"Credential should be scoped to a valid region: this cloud is in {region}.",
                403,
            )


def _headers(scope: Any) -> dict[str, str]:
    """Lower-case names; a repeated header's values are joined by a comma, as SigV4 signs them."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


async def _body(headers: dict[str, str], receive: Receive) -> bytes:
    """The whole body. Raises ``ServiceError`` (413) over the limit, or if the client goes away."""
    chunks: list[bytes] = []
    size = 0
    stated = headers.get("content-length", "0")
    while True:
        if size > BODY_LIMIT_BYTES or (stated.isdigit() and int(stated) > BODY_LIMIT_BYTES):
            raise ServiceError(
                "EntityTooLarge", f"A request's body may have {BODY_LIMIT_BYTES} bytes.", 413
            )
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ServiceError("RequestTimeout", "The client closed the connection.", 400)
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that hands out the body already read, then goes on as before."""
    pending = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Any:
        return pending.pop() if pending else await receive()

    return replayed


async def _send(send: Send, answer: Answer) -> None:
    status, headers, body = answer
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _refusal(service: str, error: ServiceError) -> Answer:
    """An error in the format that the service's clients can read."""
    inner = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
    if service == "s3":
        return error.status, {"Content-Type": "application/xml"}, f"<Error>{inner}</Error>".encode()
    if service in _QUERY_SERVICES:
        body = f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error></ErrorResponse>"
        return error.status, {"Content-Type": "text/xml"}, body.encode()
    return protocol.error_response(error)
