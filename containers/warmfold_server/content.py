"""Content types: which one a request has, and which one its sender accepts."""

from email.message import Message
from http import HTTPStatus

from warmfold_server.errors import RequestError

JSON = "application/json"
JSON_LINES = "application/jsonlines"
CSV = "text/csv"
TYPES = (JSON, JSON_LINES, CSV)


def request_type(header: str | None) -> str:
    """The type of a request body. Raises ``RequestError`` (415) for another type or charset."""
    if header is None or not header.strip():
        raise _unsupported("Content-Type is missing")
    message = _parsed(header)
    if message.get_content_type() not in TYPES:
        raise _unsupported("Content-Type is not one that this model reads")
    charset = str(message.get_param("charset", "utf-8")).lower()
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise _unsupported("the charset must be utf-8")
    return message.get_content_type()


def response_type(accept: str | None, requested_with: str) -> str:
    """The type to answer with: what ``Accept`` prefers, else the request's own type.

    Raises ``RequestError`` (406) if it accepts none of ours.
    """
    if accept is None or not accept.strip():
        return requested_with
    qualities = dict(_range(part) for part in accept.split(",") if part.strip())
    candidates = [requested_with, *(name for name in TYPES if name != requested_with)]
    best = max(candidates, key=lambda name: _quality(name, qualities))
    if _quality(best, qualities) <= 0:
        raise RequestError(
            HTTPStatus.NOT_ACCEPTABLE, f"Accept must allow one of {', '.join(TYPES)}"
        )
    return best


def _parsed(header: str) -> Message:
    message = Message()
    message["Content-Type"] = header
    return message


def _unsupported(fault: str) -> RequestError:
    return RequestError(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"{fault}: send one of {', '.join(TYPES)}"
    )


def _range(part: str) -> tuple[str, float]:
    """One media range of an Accept header and its quality, 0 to 1 (RFC 9110, 12.5.1)."""
    name, *parameters = (item.strip().lower() for item in part.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            return name, _number(value)
    return name, 1.0


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0 <= value <= 1 else 0.0


def _quality(name: str, qualities: dict[str, float]) -> float:
    """The most specific range that names this type decides."""
    for pattern in (name, f"{name.partition('/')[0]}/*", "*/*"):
        if pattern in qualities:
            return qualities[pattern]
    return 0.0
