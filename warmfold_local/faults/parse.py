"""Faults from and to JSON: ``{"kind": "throttle", "match": "List*", "times": 3}``."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from warmfold_local.errors import ValidationError
from warmfold_local.faults.kinds import (
    KINDS,
    Budget,
    DiskFull,
    EndpointDisturbed,
    Fault,
    Killed,
    S3Disturbed,
    TimedFault,
)

_BUDGET = tuple(each.name for each in fields(Budget))

# The longest wait that a fault may ask for: the longest time-out on the way is 15 minutes.
_LONGEST_SECONDS = 900

_CHOICES: dict[str, dict[str, tuple[str, ...]]] = {
    "how": {"answer_lost": ("close", "error"), "event": ("lost", "duplicate", "late")},
    "reason": {"job_fails": ("CapacityError", "InternalServerError")},
    "error": {"s3": ("InternalError", "SlowDown", "AccessDenied", "BreaksOff")},
    "state": {"alarm": ("ALARM", "OK", "INSUFFICIENT_DATA")},
}
_LOWEST = {"times": 1, "skip": 0, "seed": 0, "at_line": 1}
_STATUS = (400, 599)


def parse(values: object) -> Fault:
    """Raises ``ValidationError`` naming the member that is missing, unknown or malformed."""
    if not isinstance(values, dict):
        raise ValidationError("a fault is a JSON object with the members kind and match")
    kind = KINDS.get(str(values.get("kind")))
    if kind is None:
        raise ValidationError(
            f"there is no kind of fault {values.get('kind')!r}; the kinds are {', '.join(KINDS)}"
        )
    own = {each.name for each in fields(kind)} - {"budget"}
    members = {name: value for name, value in values.items() if name != "kind"}
    unknown = sorted(members.keys() - own - set(_BUDGET))
    if unknown:
        known = ", ".join(sorted(own | set(_BUDGET)))
        raise ValidationError(f"{kind.kind} has no member {', '.join(unknown)}; it has {known}")
    for name, value in members.items():
        _require_value(kind.kind, name, value)
    if "match" not in members:
        raise ValidationError(f"{kind.kind} needs match: the name, or a pattern, of what it hits")
    budget = Budget(**{name: members.pop(name) for name in _BUDGET if name in members})
    fault = kind(budget=budget, **members)
    _require_sense(fault)
    return fault


def render(fault: Fault) -> dict[str, Any]:
    """What ``parse`` reads."""
    values = asdict(fault)
    budget = values.pop("budget")
    return {"kind": fault.kind, **values, **budget}


def _require_value(kind: str, name: str, value: object) -> None:
    if name in _CHOICES:
        choices = _CHOICES[name][kind]
        optional = name == "error" and value is None
        _require(optional or value in choices, name, value, f"one of {', '.join(choices)}")
    elif name in _LOWEST:
        lowest = _LOWEST[name]
        optional = name in ("times", "at_line") and value is None
        _require(optional or _whole(value, lowest), name, value, f"a whole number from {lowest}")
    elif name == "status":
        valid = value is None or (_whole(value, _STATUS[0]) and _number(value, 0, _STATUS[1]))
        _require(valid, name, value, f"a status from {_STATUS[0]} to {_STATUS[1]}")
    elif name == "probability":
        _require(_number(value, 0, 1), name, value, "a number from 0 to 1")
    elif name in ("delay_seconds", "wait_seconds", "after_seconds", "limit_seconds"):
        optional = (name, value) == ("limit_seconds", None) or (
            (name, value) == ("after_seconds", None) and issubclass(KINDS[kind], Killed)
        )
        wanted = f"a number from 0 to {_LONGEST_SECONDS}"
        _require(optional or _number(value, 0, _LONGEST_SECONDS), name, value, wanted)
    else:
        _require(isinstance(value, str) and value != "", name, value, "a text that is not empty")


def _require(valid: bool, name: str, value: object, wanted: str) -> None:
    if not valid:
        raise ValidationError(f"{name} of a fault must be {wanted}, not {value!r}")


def _whole(value: object, lowest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= lowest


def _number(value: object, lowest: float, highest: float) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and lowest <= float(str(value)) <= highest


def _require_sense(fault: Fault) -> None:
    """A fault that could never show would be a test that proves nothing."""
    if isinstance(fault, Killed) and (fault.after_seconds is None) == (fault.at_line is None):
        raise ValidationError(f"{fault.kind} needs after_seconds or at_line, and not both")
    if isinstance(fault, S3Disturbed) and fault.error is None and not fault.delay_seconds:
        raise ValidationError("s3 needs error or delay_seconds, or it does nothing")
    if isinstance(fault, EndpointDisturbed) and not _disturbs(fault):
        raise ValidationError(
            "endpoint needs status, delay_seconds or limit_seconds, or it does nothing"
        )
    if isinstance(fault, TimedFault) and fault.budget != Budget():
        raise ValidationError(f"{fault.kind} happens once by itself: it takes no budget")
    if isinstance(fault, DiskFull) and not _inside(fault.path):
        raise ValidationError(f"path of a fault must lie below /opt/ml, not {fault.path!r}")


def _disturbs(fault: EndpointDisturbed) -> bool:
    return (fault.status, fault.limit_seconds) != (None, None) or fault.delay_seconds > 0


def _inside(path: str) -> bool:
    parts = path.split("/")
    return "\0" not in path and not {"", ".", ".."} & set(parts)


def describe(values: Mapping[str, Any]) -> str:
    """One line for a person: the kind, the match, and what differs from the defaults."""
    kind = KINDS[values["kind"]]
    usual = render(kind(match=values["match"]))
    extra = [f"{k}={v}" for k, v in values.items() if k in usual and v != usual[k]]
    return " ".join([values["kind"], values["match"], *extra])
