"""What is to go, as plain data in and out; nothing here calls AWS."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from warmfold_lambda.errors import InputError, LambdaError

# The statuses of a stack that is going as a whole. A Delete is also sent when the clean-up leaves
# a template (`storage.removable` becomes false) and when an update that added it is rolled back:
# then the stack and its data stay.
GOING = frozenset({"DELETE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"})

EXECUTING = "Executing"
# PipelineExecutionStatus (API reference): a pipeline with such an execution cannot be deleted.
RUNNING = frozenset({EXECUTING, "Stopping"})


@dataclass(frozen=True, kw_only=True)
class Leftovers:
    """Names, each a property of the custom resource: ``buckets`` is ``Buckets``.

    ``model_name_prefixes`` are those of batch scoring, whose models end in ``-v{version}``.
    """

    buckets: tuple[str, ...] = ()
    log_groups: tuple[str, ...] = ()
    model_name_prefixes: tuple[str, ...] = ()
    model_package_groups: tuple[str, ...] = ()
    pipelines: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Clock:
    """``has_time`` says whether another call may be begun, ``wait`` sleeps for some seconds."""

    has_time: Callable[[], bool]
    wait: Callable[[float], None]

    def require(self, what: str) -> None:
        """Raises ``LambdaError`` if the function is about to be cut off."""
        if not self.has_time():
            raise LambdaError(
                f"the function's time is over before {what}: delete the stack again, and the "
                "rest is deleted"
            )


def read_leftovers(properties: Mapping[str, Any]) -> Leftovers:
    """Raises ``InputError`` naming every property that is unknown or no list of texts."""
    known = {_property(field.name): field.name for field in fields(Leftovers)}
    faults = [
        f"{name} must be a list of names"
        for name, value in properties.items()
        if name in known and not _is_names(value)
    ]
    faults += [f"{name} is unknown" for name in properties if name not in known]
    if faults:
        raise InputError(f"properties of the clean-up: {'; '.join(faults)}")
    return Leftovers(**{known[name]: tuple(value) for name, value in properties.items()})


def is_batch_model(name: str, prefix: str) -> bool:
    """Whether `start_batch_scoring` made the model, with this prefix."""
    return re.fullmatch(rf"{re.escape(prefix)}-v[0-9]+", name) is not None


def _property(field: str) -> str:
    return "".join(word.capitalize() for word in field.split("_"))


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) and name for name in value)
