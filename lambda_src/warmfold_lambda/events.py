"""Reading an event's members by type, with every fault reported together."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from warmfold_lambda.errors import InputError


class Reader:
    """Takes typed members out of one JSON object; ``finish`` raises all faults at once.

    A faulty member yields an empty value of its type, which ``finish`` keeps from being used.
    """

    def __init__(self, values: object, place: str = "input") -> None:
        self._place = place
        self._values: Mapping[str, Any] = values if isinstance(values, Mapping) else {}
        self.faults: list[str] = []
        if not isinstance(values, Mapping):
            self.faults.append(f"{place} is {type(values).__name__}, not a JSON object")

    def text(self, name: str, choices: tuple[str, ...] = ()) -> str:
        value = self._values.get(name)
        if not isinstance(value, str) or not value:
            return self._fault(name, "must be a text that is not empty")
        if choices and value not in choices:
            return self._fault(name, f"is {value!r}, not one of {', '.join(choices)}")
        return value

    def whole_number(self, name: str, minimum: int) -> int:
        """Digits in a string are accepted: pipeline parameters may reach a Lambda as text."""
        value = self._values.get(name)
        if isinstance(value, str) and value.isdecimal():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            self._fault(name, f"must be a whole number of at least {minimum}")
            return minimum
        return value

    def s3_uri(self, name: str) -> str:
        value = self.text(name)
        if value and not split_uri(value)[0]:
            return self._fault(name, f"is {value!r}, not an S3 URI (s3://bucket/prefix)")
        return value

    def objects(self, name: str) -> list[Any]:
        value = self._values.get(name)
        if not isinstance(value, list) or not value:
            self._fault(name, "must be a list that is not empty")
            return []
        return value

    def finish(self) -> None:
        if self.faults:
            raise InputError("; ".join(self.faults))

    def _fault(self, name: str, text: str) -> str:
        self.faults.append(f"{self._place}.{name} {text}")
        return ""


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an S3 URI; an empty bucket if it is none."""
    parts = urlsplit(uri)
    return (parts.netloc if parts.scheme == "s3" else "", parts.path.lstrip("/"))
