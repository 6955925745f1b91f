"""Signatures made by botocore, checked, expired and tampered with."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from warmfold_local.auth import Caller, HttpRequest, claimed_service, verify
from warmfold_local.errors import ServiceError

HOST = "127.0.0.1:4566"
KEY, SECRET = "000000000000", "right secret"
KEYS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


def secret_of(access_key: str, token: str | None) -> str | None:
    known = {(KEY, None): SECRET, ("ASIATEMPORARY", "token"): "temporary secret"}
    return known.get((access_key, token))


def sent(
    request: AWSRequest, body: bytes = b"", extra: Mapping[str, str] | None = None
) -> HttpRequest:
    """What arrives at the server."""
    prepared = request.prepare()
    url = urlsplit(prepared.url)
    headers = {name.lower(): _text(value) for name, value in prepared.headers.items()}
    return HttpRequest(
        method=str(request.method),
        raw_path=url.path or "/",
        query_string=url.query,
        headers={**headers, "host": HOST, **(extra or {})},
        body=body,
    )


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def signed(
    service: str = "sagemaker",
    *,
    path: str = "/",
    body: bytes = b"{}",
    key: str = KEY,
    secret: str = SECRET,
    token: str | None = None,
    method: str = "POST",
) -> HttpRequest:
    request = AWSRequest(method, f"http://{HOST}{path}", {"X-Amz-Target": "SageMaker.X"}, body)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(Credentials(key, secret, token), service, "us-east-1").add_auth(request)
    return sent(request, body)


def presigned(service: str = "s3", *, path: str = "/bucket/key", expires: int = 60) -> HttpRequest:
    request = AWSRequest("GET", f"http://{HOST}{path}")
    signer = S3SigV4QueryAuth if service == "s3" else SigV4QueryAuth
    signer(Credentials(KEY, SECRET), service, "us-east-1", expires=expires).add_auth(request)
    return sent(request)


def refusal(request: HttpRequest, now: datetime | None = None) -> str:
    with pytest.raises(ServiceError) as caught:
        verify(request, secret_of, now)
    assert caught.value.status == 403
    assert SECRET not in caught.value.message
    return caught.value.code


def test_the_caller_is_who_signed_for_what() -> None:
    assert verify(signed(), secret_of) == Caller(
        access_key=KEY, service="sagemaker", region="us-east-1"
    )


@given(key=KEYS, body=st.binary(max_size=50), query=st.dictionaries(KEYS, KEYS, max_size=3))
def test_every_key_query_and_body_of_s3_verifies(
    key: str, body: bytes, query: dict[str, str]
) -> None:
    pairs = "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in query.items())
    path = f"/bucket/{quote(key, safe='/~')}" + (f"?{pairs}" if pairs else "")
    request = signed("s3", path=path, body=body, method="PUT")
    assert verify(request, secret_of).service == "s3"
    assert refusal(replace(request, body=body + b"x")) == "XAmzContentSHA256Mismatch"


@given(name=st.from_regex(r"[A-Za-z0-9:$_.-]{1,30}", fullmatch=True))
def test_every_path_of_another_service_verifies(name: str) -> None:
    path = f"/2015-03-31/functions/{quote(name, safe='')}/invocations"
    assert verify(signed("lambda", path=path), secret_of).service == "lambda"


@pytest.mark.parametrize(
    "change",
    [
        {"method": "GET"},
        {"raw_path": "/other"},
        {"query_string": "a=b"},
        {"body": b'{"x": 1}'},
        {"headers": {"host": "evil.example"}},
        {"headers": {"x-amz-target": "SageMaker.Other"}},
        {"headers": {"x-amz-content-sha256": "0" * 64}},
    ],
    ids=str,
)
def test_any_change_breaks_the_signature(change: dict[str, object]) -> None:
    request = signed()
    headers = change.pop("headers", {})
    assert isinstance(headers, dict)
    changed = replace(request, headers={**request.headers, **headers}, **change)  # type: ignore[arg-type]
    assert refusal(changed) in ("SignatureDoesNotMatch", "XAmzContentSHA256Mismatch")


def test_another_secret_or_key_is_refused() -> None:
    assert refusal(signed(secret="guess")) == "SignatureDoesNotMatch"
    assert refusal(signed(secret="")) == "SignatureDoesNotMatch"
    assert refusal(signed(key="test")) == "InvalidClientTokenId"


def test_temporary_credentials_need_their_token() -> None:
    good = signed(key="ASIATEMPORARY", secret="temporary secret", token="token")
    assert verify(good, secret_of).access_key == "ASIATEMPORARY"
    assert refusal(signed(key="ASIATEMPORARY", secret="temporary secret")) == "InvalidClientTokenId"
    forged = signed(key="ASIATEMPORARY", secret="temporary secret", token="other")
    assert refusal(forged) == "InvalidClientTokenId"
    assert refusal(signed(token="token")) == "InvalidClientTokenId"


@pytest.mark.parametrize("minutes", [-20, -6, 6, 20])
def test_a_signature_of_another_time_is_refused(minutes: int) -> None:
    now = datetime.now(UTC) + timedelta(minutes=minutes)
    assert refusal(signed(), now) == "RequestTimeTooSkewed"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer abc"},
        {"authorization": "AWS 000000000000:signature"},
        {"authorization": "AWS4-HMAC-SHA256 "},
        {"authorization": "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=x"},
        {"authorization": "AWS4-ECDSA-P256-SHA256 Credential=0/20260101/s3/aws4_request"},
    ],
    ids=str,
)
def test_what_is_not_signed_is_refused(headers: dict[str, str]) -> None:
    request = HttpRequest(
        method="GET", raw_path="/", query_string="", headers={"host": HOST, **headers}, body=b""
    )
    assert refusal(request)


def test_a_signature_that_leaves_out_the_host_is_refused() -> None:
    request = signed()
    authorization = request.headers["authorization"].replace("host;", "").replace(";host", "")
    changed = replace(request, headers={**request.headers, "authorization": authorization})
    assert refusal(changed) == "SignatureDoesNotMatch"


@pytest.mark.parametrize("marker", ["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"])
def test_only_s3_may_leave_a_body_unsigned(marker: str) -> None:
    for service, accepted in (("s3", True), ("sagemaker", False)):
        request = AWSRequest("POST", f"http://{HOST}/", {"X-Amz-Content-SHA256": marker}, b"{}")
        SigV4Auth(Credentials(KEY, SECRET), service, "us-east-1").add_auth(request)
        if accepted:
            assert verify(sent(request, b"any body"), secret_of).service == "s3"
        else:
            assert refusal(sent(request, b"any body")) == "SignatureDoesNotMatch"


@pytest.mark.parametrize("service", ["s3", "sts"])
def test_a_presigned_url_lives_as_long_as_it_says(service: str) -> None:
    request = presigned(service, expires=600)
    now = datetime.now(UTC)
    assert verify(request, secret_of, now + timedelta(minutes=9)).service == service
    assert refusal(request, now + timedelta(minutes=11)) == "AccessDenied"
    assert refusal(request, now - timedelta(minutes=30)) == "AuthorizationQueryParametersError"


@pytest.mark.parametrize(
    "old,new",
    [("Expires=60", "Expires=600"), ("Expires=60", "Expires=0"), ("Expires=60", "Expires=x")],
)
def test_a_presigned_url_cannot_be_prolonged(old: str, new: str) -> None:
    request = presigned()
    assert old in request.query_string
    assert refusal(replace(request, query_string=request.query_string.replace(old, new)))
    assert refusal(replace(request, raw_path="/bucket/other")) == "SignatureDoesNotMatch"
    assert refusal(replace(request, method="DELETE")) == "SignatureDoesNotMatch"


def test_a_presigned_url_over_seven_days_is_refused() -> None:
    assert refusal(presigned(expires=604_801)) == "AuthorizationQueryParametersError"


@given(chunks=st.lists(st.binary(min_size=1, max_size=40), max_size=4), flip=st.booleans())
def test_every_chunk_of_a_chunked_upload_is_verified(chunks: list[bytes], flip: bool) -> None:
    marker = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    request = AWSRequest("PUT", f"http://{HOST}/b/k", {"X-Amz-Content-SHA256": marker})
    S3SigV4Auth(Credentials(KEY, SECRET), "s3", "us-east-1").add_auth(request)
    request.headers.replace_header("X-Amz-Content-SHA256", marker)
    signer = SigV4Auth(Credentials(KEY, SECRET), "s3", "us-east-1")
    del request.headers["Authorization"]
    signer.add_auth(request)
    arrived = sent(request)
    seed = arrived.headers["authorization"].rpartition("Signature=")[2]
    body = chunked(chunks, seed, arrived.headers["x-amz-date"])
    if flip and chunks:
        place = body.index(b"\r\n") + 2
        body = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        assert refusal(replace(arrived, body=body)) == "SignatureDoesNotMatch"
    else:
        assert verify(replace(arrived, body=body), secret_of).service == "s3"
    assert refusal(replace(arrived, body=body[: len(body) // 2])) == "SignatureDoesNotMatch"


def chunked(chunks: list[bytes], seed: str, date: str) -> bytes:
    """The aws-chunked form, as "Signature calculations for the Authorization header:
    transferring payload in multiple chunks" (S3 API reference) describes it."""
    key = f"AWS4{SECRET}".encode()
    for part in (date[:8], "us-east-1", "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    body, previous = b"", seed
    scope, empty = f"{date[:8]}/us-east-1/s3/aws4_request", hashlib.sha256(b"").hexdigest()
    for chunk in [*chunks, b""]:
        digest = hashlib.sha256(chunk).hexdigest()
        text = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", date, scope, previous, empty, digest])
        previous = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        body += f"{len(chunk):x};chunk-signature={previous}\r\n".encode() + chunk + b"\r\n"
    return body


def test_the_claimed_service_is_read_from_header_or_query() -> None:
    assert claimed_service("", signed("iam").headers) == "iam"
    assert claimed_service(presigned().query_string, {}) == "s3"
    assert claimed_service("", {"authorization": "nonsense"}) == ""
