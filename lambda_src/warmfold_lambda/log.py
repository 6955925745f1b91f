"""One JSON object a line, of named members only: CloudWatch Logs Insights finds them by name."""

import json
import sys
from dataclasses import dataclass
from typing import Any, Protocol

# What may be logged, by name. Anything else is left out and only its name is reported, so that
# neither a secret nor a data value gets into a log by being in scope.
MEMBERS = frozenset(
    {
        "day",
        "event_id",
        "execution_arn",
        "execution_id",
        "files",
        "input_uri",
        "manifest_uri",
        "message_id",
        "model_name",
        "model_package_arn",
        "model_package_group_name",
        "output_uri",
        "reason",
        "records",
        "score",
        "stack_name",
        "stack_status",
        "training_job_name",
        "trials_completed",
    }
)
# A log event in CloudWatch holds far more; a reason longer than this is not read by anybody.
_TEXT_LIMIT = 2000


class Context(Protocol):
    """What the handlers use of the context object that Lambda passes."""

    @property
    def aws_request_id(self) -> str: ...


@dataclass(frozen=True)
class Log:
    """The log of one invocation."""

    function: str
    request_id: str

    def notice(self, event: str, **members: object) -> None:
        self._write("INFO", event, members)

    def warning(self, event: str, **members: object) -> None:
        """Something a person should look at; alarms count these lines."""
        self._write("WARNING", event, members)

    def _write(self, level: str, event: str, members: dict[str, object]) -> None:
        line: dict[str, Any] = {
            "level": level,
            "event": event,
            "function": self.function,
            "request_id": self.request_id,
        }
        line |= {name: _plain(value) for name, value in members.items() if name in MEMBERS}
        left_out = sorted(set(members) - MEMBERS)
        if left_out:
            line["left_out"] = left_out
        # Straight to standard output: Lambda's root handler would wrap the JSON in text.
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)[:_TEXT_LIMIT]
