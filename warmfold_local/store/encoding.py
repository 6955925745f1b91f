"""Records as JSON text and back, times included; live objects stay behind."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol, runtime_checkable

from warmfold_local.cloud import Record

_TIME = "$time"
_DECIMAL = "$decimal"


@runtime_checkable
class Storable(Protocol):
    """A live object of which something is to survive a restart."""

    def stored(self) -> Record:
        """Plain data; called with the cloud's lock held."""
        ...


def encode_record(record: Record) -> str:
    """Private members ("_…") that are no plain data, as threads and servers, are left out, but for
    what they say is to be ``stored``.

    Raises ``TypeError`` if another member is no plain data.
    """
    members: Record = {}
    for name, value in record.items():
        try:
            members[_escaped(name)] = _plain(value)
        except TypeError:
            if not name.startswith("_"):
                raise
    return json.dumps(members, separators=(",", ":"))


def decode_record(text: str) -> Record:
    """Raises ``ValueError`` if the text is not JSON."""
    record: Record = json.loads(text, object_hook=_restored)
    return record


def _plain(value: Any) -> Any:
    """A member's name that begins with "$" gets another one, so that no data looks like a time."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, datetime):
        return {_TIME: value.isoformat()}
    if isinstance(value, Mapping):
        return {_escaped(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Storable):
        return _plain(value.stored())
    if isinstance(value, Decimal):
        return {_DECIMAL: str(value)}
    raise TypeError(f"a {type(value).__name__} cannot be stored")


def _escaped(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a member named by a {type(name).__name__} cannot be stored")
    return f"${name}" if name.startswith("$") else name


def _restored(values: dict[str, Any]) -> Any:
    if _TIME in values:
        return datetime.fromisoformat(values[_TIME])
    if _DECIMAL in values:
        return Decimal(values[_DECIMAL])
    return {name.removeprefix("$"): item for name, item in values.items()}
