"""S3 under a KMS key that is disabled: nothing is written with it, and nothing that it encrypts is
read. ministack keeps which key an object has, and never asks for the key's state.

Codes as S3 answers them: KMS's own after ``KMS.`` (localstack, issue 8422; KMS developer guide,
"Key states of AWS KMS keys").
"""

import contextvars
from collections.abc import Mapping
from typing import Any

_KEY_ID = "x-amz-server-side-encryption-aws-kms-key-id"
_CODES = {
    "Disabled": ("KMS.DisabledException", "is disabled."),
    "PendingDeletion": ("KMS.KMSInvalidStateException", "is pending deletion."),
}

# A HEAD asks for the same checks as a GET, and opens nothing.
_reading: contextvars.ContextVar[bool] = contextvars.ContextVar("reading", default=False)


def guard_keys() -> None:
    """Once in a process, after ministack was loaded."""
    from ministack.services import s3

    _guard_writes(s3)
    _guard_reads(s3)


def _guard_writes(s3: Any) -> None:
    resolve, part = s3._resolve_sse_write_headers, s3._check_sse_c_part

    def resolved(headers: dict[str, Any], bucket_name: str) -> Any:
        found, error = resolve(headers, bucket_name)
        return found, error or _refusal(found or {})

    def checked_part(headers: dict[str, Any], upload: dict[str, Any]) -> Any:
        return part(headers, upload) or _refusal(upload.get("preserved_headers") or {})

    s3._resolve_sse_write_headers = resolved
    s3._check_sse_c_part = checked_part


def _guard_reads(s3: Any) -> None:
    get, check, check_source = (
        s3._get_object,
        s3._check_sse_read_headers,
        s3._check_sse_c_copy_source,
    )

    def reading(*arguments: Any) -> Any:
        token = _reading.set(True)
        try:
            return get(*arguments)
        finally:
            _reading.reset(token)

    def checked(headers: dict[str, Any], obj: dict[str, Any]) -> Any:
        error = check(headers, obj)
        return error or (_refusal(s3._stored_sse_headers(obj)) if _reading.get() else None)

    def checked_source(headers: dict[str, Any], source: dict[str, Any]) -> Any:
        return check_source(headers, source) or _refusal(s3._stored_sse_headers(source))

    s3._get_object = reading
    s3._check_sse_read_headers = checked
    s3._check_sse_c_copy_source = checked_source


def _refusal(stored: Mapping[str, Any]) -> Any:
    """S3's answer if the key of these headers may not be used; ``None`` if it may."""
    from ministack.services import kms, s3

    reference = stored.get(_KEY_ID, "")
    key = kms._resolve_key(reference) if reference else None
    if key is None or key["KeyState"] not in _CODES:
        return None
    code, text = _CODES[key["KeyState"]]
    return s3._error(code, f"{key['Arn']} {text}", 400)
