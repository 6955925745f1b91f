"""AWS Signature Version 4, verified on every request: in a header or presigned, chunked or not.

Pure: the secret behind an access key comes from the caller's function.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

from warmfold_local.errors import ServiceError
from warmfold_local.ministack_seam import sigv4

ALGORITHM = "AWS4-HMAC-SHA256"

# A presigned URL lives for seven days at most (S3 user guide, "Sharing objects with presigned
# URLs"), and may be this far ahead of our clock.
_LONGEST_EXPIRY_SECONDS = 604_800
_CLOCK_SKEW = timedelta(minutes=15)

_HEX_DIGEST = re.compile(r"[0-9a-f]{64}")
# Bodies whose hash is not in the signature; S3 alone takes them. The first is verified chunk by
# chunk, the second and third carry no signature of their content.
_SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
_UNSIGNED_BODIES = ("UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")

# Access key and session token -> secret, or None if nobody has that key.
SecretLookup = Callable[[str, str | None], str | None]


@dataclass(frozen=True, kw_only=True)
class HttpRequest:
    """``raw_path`` as sent, without the query; header names in lower case."""

    method: str
    raw_path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who signed, and for which service of which region."""

    access_key: str
    service: str
    region: str


def claimed_service(query_string: str, headers: Mapping[str, str]) -> str:
    """The service that the request says it is for; unverified, to word a refusal in its format."""
    text = (
        headers.get("authorization", "") or parse_qs(query_string).get("X-Amz-Credential", [""])[0]
    )
    match = re.search(r"[^/\s]+/\d{8}/[^/]+/([a-z0-9-]+)/aws4_request", text)
    return match.group(1) if match else ""


def verify(request: HttpRequest, secret_of: SecretLookup, now: datetime | None = None) -> Caller:
    """The caller, if the signature holds; ``now`` defaults to the clock.

    Raises ``ServiceError`` with AWS's code (MissingAuthenticationToken, SignatureDoesNotMatch …).
    """
    now = datetime.now(UTC) if now is None else now
    query = parse_qs(request.query_string, keep_blank_values=True)
    if request.headers.get("authorization", "").startswith(f"{ALGORITHM} "):
        signature = _parsed(sigv4.parse_header_signature(request.headers))
        _refuse(sigv4.request_time_failure(signature, now=now))
        token = request.headers.get("x-amz-security-token")
        return _check(request, query, signature, secret_of, token, presigned=False)
    if query.get("X-Amz-Algorithm") == [ALGORITHM]:
        signature = _parsed(sigv4.parse_query_signature(query))
        _require_unexpired(signature.amz_date, query.get("X-Amz-Expires", ["300"])[0], now)
        token = query.get("X-Amz-Security-Token", [None])[0]
        return _check(request, query, signature, secret_of, token, presigned=True)
    raise _denied(
        "MissingAuthenticationToken",
        f"Request is not signed with {ALGORITHM}: every request to the local cloud must be. "
        "(For S3 presigned URLs, boto3 needs Config(signature_version='s3v4').)",
    )


def _check(
    request: HttpRequest,
    query: Mapping[str, list[str]],
    signature: sigv4.HeaderSignature,
    secret_of: SecretLookup,
    token: str | None,
    *,
    presigned: bool,
) -> Caller:
    if signature.region_set is not None or not _scoped(request, query, presigned=presigned):
        raise _denied("IncompleteSignature", "The credential's scope is not one of SigV4.")
    if "host" not in signature.signed_headers.split(";"):
        raise _denied("SignatureDoesNotMatch", "The signature does not cover the Host header.")
    secret = secret_of(signature.access_key_id, token)
    if secret is None:
        raise _denied(
            "InvalidClientTokenId", "The security token included in the request is invalid."
        )
    _require_body_hash(request, signature.service, presigned=presigned)
    _refuse(
        sigv4.header_signature_failure(
            signature,
            secret,
            request.method,
            request.raw_path,
            query,
            request.headers,
            request.body,
            presigned=presigned,
        )
    )
    return Caller(
        access_key=signature.access_key_id, service=signature.service, region=signature.region
    )


def _scoped(request: HttpRequest, query: Mapping[str, list[str]], *, presigned: bool) -> bool:
    """Whether the credential ends in ``/aws4_request``, which the parsers leave unchecked."""
    if presigned:
        return query["X-Amz-Credential"][0].endswith("/aws4_request")
    return "/aws4_request" in request.headers["authorization"].split("SignedHeaders")[0]


def _require_body_hash(request: HttpRequest, service: str, *, presigned: bool) -> None:
    """The hash that was signed is the body's; only S3 may leave the body unsigned."""
    stated = request.headers.get("x-amz-content-sha256")
    if stated is None or (presigned and service == "s3"):
        return
    if _HEX_DIGEST.fullmatch(stated):
        if not hmac.compare_digest(stated, hashlib.sha256(request.body).hexdigest()):
            raise _denied(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            )
        return
    known = stated.startswith(_SIGNED_CHUNKS) or stated in _UNSIGNED_BODIES
    if service != "s3" or not known:
        raise _denied("SignatureDoesNotMatch", "The request's body is not covered by a signature.")


def _require_unexpired(amz_date: str, expires: str, now: datetime) -> None:
    try:
        signed_at = datetime.strptime(amz_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        seconds = int(expires)
    except ValueError as error:
        raise _denied("AuthorizationQueryParametersError", "Bad X-Amz-Date or -Expires") from error
    if not 0 < seconds <= _LONGEST_EXPIRY_SECONDS or signed_at > now + _CLOCK_SKEW:
        raise _denied(
            "AuthorizationQueryParametersError",
            f"X-Amz-Expires must be 1 to {_LONGEST_EXPIRY_SECONDS}, X-Amz-Date not in the future.",
        )
    if now > signed_at + timedelta(seconds=seconds):
        raise _denied("AccessDenied", "Request has expired")


def _parsed(parsed: "sigv4.HeaderSignature | tuple[str, str]") -> sigv4.HeaderSignature:
    if isinstance(parsed, tuple):
        raise _denied(*parsed)
    return parsed


def _refuse(failure: tuple[str, str] | None) -> None:
    if failure is not None:
        raise _denied(*failure)


def _denied(code: str, message: str) -> ServiceError:
    return ServiceError(code, message, 403)
