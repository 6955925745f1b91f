"""What IAM was asked and what it answered: each question once, kept with the cloud's state."""

from typing import Any

from warmfold_local.access.asks import Ask, Decision
from warmfold_local.cloud import Cloud

KIND = "IAM decision"

# Calls of one role and action that are kept: the thousands of objects of a job tell nothing that
# the first hundreds do not.
LIMIT = 200

_Key = tuple[str, str, str, bool, str, tuple[Any, ...]]


class Recorder:
    """A record of table ``KIND`` for each role and action, so that they survive a restart."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._known: set[_Key] | None = None

    def note(self, role: str, ask: Ask, decision: Decision) -> None:
        """``role`` by name, or a service (``events.amazonaws.com``)."""
        context = tuple(sorted(ask.context.items()))
        key = (role, ask.action, ask.resource, decision.allowed, decision.statement, context)
        if self._known is not None and key in self._known:
            return
        with self._cloud.lock:
            known = self._restored() if self._known is None else self._known
            if key not in known and self._add(role, ask, decision):
                known.add(key)
            self._known = known

    def _add(self, role: str, ask: Ask, decision: Decision) -> bool:
        """Whether there was room for it."""
        name = f"{role}|{ask.action}"
        table = self._cloud.table(KIND)
        record = table.find(name)
        if record is None:
            new = {"Role": role, "Action": ask.action, "Calls": [], "More": False}
            record = table.add(name, new)
        if len(record["Calls"]) >= LIMIT:
            record["More"] = True
            return False
        entry = {
            "Resource": ask.resource,
            "Context": {k: list(v) if isinstance(v, tuple) else v for k, v in ask.context.items()},
            "Allowed": decision.allowed,
            "Statement": decision.statement,
            "Reason": decision.reason,
        }
        record["Calls"] = [*record["Calls"], entry]
        return True

    def _restored(self) -> set[_Key]:
        """What an earlier life of this cloud has recorded."""
        return {
            (
                record["Role"],
                record["Action"],
                call["Resource"],
                call["Allowed"],
                call["Statement"],
                tuple(sorted((key, _hashable(value)) for key, value in call["Context"].items())),
            )
            for record in self._cloud.table(KIND)
            for call in record["Calls"]
        }


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
