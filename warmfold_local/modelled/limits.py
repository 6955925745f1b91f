"""The limits of one local cloud, from the values of its ``limits.json``.

    {"quotas": {"ml.m5.large for training warm pool usage": 4,
                "ml.m5.large for training job usage": 8},
     "account": {"Number of instances across all training jobs": 4},
     "rates": "documented"}

``account`` and ``rates`` are ``"documented"``, or values by quota name (`quotas.Total`) and calls a
second by operation. What is left out is not limited, except warm pools, whose quota is 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from warmfold_local.modelled.quotas import DOCUMENTED_TOTALS, Quotas, Total, Use
from warmfold_local.modelled.rates import DOCUMENTED


class LimitsError(ValueError):
    """Limits that cannot be used; the message is for the user."""


@dataclass(frozen=True)
class Limits:
    quotas: Quotas = field(default_factory=Quotas)
    rates: Mapping[str, float] = field(default_factory=dict)


def parse_limits(values: object) -> Limits:
    """Raises ``LimitsError`` naming what is wrong."""
    if not isinstance(values, dict):
        raise LimitsError('must be a JSON object with "quotas", "account" and "rates"')
    unknown = sorted(set(values) - {"quotas", "account", "rates"})
    if unknown:
        raise LimitsError(
            f'unknown key {unknown[0]!r}: only "quotas", "account" and "rates" are known'
        )
    quotas = Quotas(_quotas(values.get("quotas", {})), _totals(values.get("account", {})))
    return Limits(quotas, _rates(values.get("rates", {})))


def _quotas(values: object) -> dict[str, int]:
    if not isinstance(values, dict):
        raise LimitsError('"quotas" must be an object of quota name and number of instances')
    uses = tuple(f" for {use.value}" for use in Use)
    for name, value in values.items():
        if not name.startswith("ml.") or not name.endswith(uses):
            raise LimitsError(
                f"quota {name!r}: write 'INSTANCE_TYPE for USE', where USE is one of "
                + ", ".join(use.value for use in Use)
            )
        _require_count(name, value)
    return dict(values)


def _totals(values: object) -> dict[str, int]:
    if values == "documented":
        return dict(DOCUMENTED_TOTALS)
    if not isinstance(values, dict):
        raise LimitsError('"account" must be "documented", or an object of quota name and number')
    known = [total.value for total in Total]
    for name, value in values.items():
        if name not in known:
            raise LimitsError(f"quota {name!r} is none of: {'; '.join(known)}")
        _require_count(name, value)
    return dict(values)


def _require_count(name: str, value: object) -> None:
    if type(value) is not int or value < 0:
        raise LimitsError(f"quota {name!r}: must be a whole number, 0 or more")


def _rates(values: object) -> dict[str, float]:
    if values == "documented":
        return dict(DOCUMENTED)
    if not isinstance(values, dict):
        raise LimitsError('"rates" must be "documented", or an object of operation and calls/s')
    for name, value in values.items():
        if type(value) not in (int, float) or not 0 < value < float("inf"):
            raise LimitsError(f"rate {name!r}: must be a number of calls a second, above 0")
    return dict(values)
