"""One JSON object a line, of named members only: CloudWatch Logs Insights finds them by name."""

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

# What may be logged, by name. Anything else is left out and only its name is reported, so that
# neither a secret nor a data value gets into a log by being in scope.
MEMBERS = frozenset(
    {
        "day",
        "deleted",
        "endpoint_name",
        "event_id",
        "execution_arn",
        "execution_id",
        "failures",
        "files",
        "folds_stopped",
        "input_uri",
        "kind",
        "left",
        "manifest_uri",
        "message_id",
        "model_name",
        "model_package_arn",
        "model_package_group_name",
        "name",
        "output_uri",
        "pools_ended",
        "reason",
        "records",
        "score",
        "stack_name",
        "stack_status",
        "training_job_name",
        "trials_completed",
    }
)
# The namespace of the platform's own metrics, and the dimension of those of a model.
NAMESPACE = "warmfold"
DIMENSION = "ModelPackageGroupName"
# Lambda's own variable, with the name that CloudFormation gave the function.
_FUNCTION_NAME = "AWS_LAMBDA_FUNCTION_NAME"
# A log event in CloudWatch holds far more; a reason longer than this is not read by anybody.
_TEXT_LIMIT = 2000


class Context(Protocol):
    """What the handlers use of the context object that Lambda passes."""

    @property
    def aws_request_id(self) -> str: ...


class TimedContext(Context, Protocol):
    """Lambda's context object, which also knows when the function will be cut off."""

    def get_remaining_time_in_millis(self) -> int: ...


@dataclass(frozen=True)
class Log:
    """The log of one invocation."""

    function: str
    request_id: str

    def notice(self, event: str, **members: object) -> None:
        self._write("INFO", event, members)

    def warning(self, event: str, **members: object) -> None:
        """Something a person should look at: it is counted, and an alarm goes off."""
        name = os.environ.get(_FUNCTION_NAME, self.function)
        self._write("WARNING", event, members, _metrics("FunctionName", name, Warnings=1))

    def metrics(self, model_package_group_name: str, **values: float) -> None:
        """Metrics of a model by name, which CloudWatch Logs takes out of this line by itself.

        Format: "Embedded metric format specification" (CloudWatch user guide).
        """
        _print(_metrics(DIMENSION, model_package_group_name, **values))

    def _write(
        self,
        level: str,
        event: str,
        members: dict[str, object],
        counted: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
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
        _print({**line, **counted})


def _metrics(dimension: str, value: str, **values: float) -> dict[str, Any]:
    definition = {
        "Namespace": NAMESPACE,
        "Dimensions": [[dimension]],
        "Metrics": [{"Name": name} for name in values],
    }
    stamp = {"Timestamp": round(time.time() * 1000), "CloudWatchMetrics": [definition]}
    return {"_aws": stamp, dimension: value, **values}


def _print(line: dict[str, Any]) -> None:
    """Straight to standard output: Lambda's root handler would wrap the JSON in text."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)[:_TEXT_LIMIT]
