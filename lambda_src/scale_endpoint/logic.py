"""How an endpoint's variant is to be scaled, as plain data; nothing here calls AWS.

SageMaker refuses another instance type for a variant that is registered as a scalable target
("Update endpoints that use automatic scaling", SageMaker developer guide), and CloudFormation does
not deregister one for the time of an update. One resource before the endpoint and one after it do.
"""

from dataclasses import dataclass
from typing import Any, Literal, cast

from warmfold_lambda.custom_resource import Properties
from warmfold_lambda.events import Reader

Stage = Literal["before", "after"]
BEFORE: Stage = "before"
AFTER: Stage = "after"

# The property that names the configuration that the endpoint has, or is to get. The instance type
# stands only there: a reviewer of a template reads it once.
CONFIGURATION = "Configuration"


@dataclass(frozen=True, kw_only=True)
class ScheduledAction:
    """Sets the lowest number of instances at a time of every day."""

    name: str
    schedule: str
    time_zone: str
    minimum_instances: int


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a resource of the stack asks for. ``target`` is invocations per instance and minute."""

    stage: Stage
    configuration: str
    minimum_instances: int
    maximum_instances: int
    target: int
    scale_in_cooldown_seconds: int
    scale_out_cooldown_seconds: int
    scheduled: tuple[ScheduledAction, ...]


def wanted(properties: Properties) -> Wanted:
    """Raises ``InputError`` for properties that the construct does not write."""
    reader = Reader(properties, "properties")
    found = Wanted(
        stage=cast("Stage", reader.text("Stage", (BEFORE, AFTER))),
        configuration=reader.text(CONFIGURATION),
        minimum_instances=reader.whole_number("MinCapacity", 1),
        maximum_instances=reader.whole_number("MaxCapacity", 1),
        target=reader.whole_number("TargetValue", 1),
        scale_in_cooldown_seconds=reader.whole_number("ScaleInCooldown", 0),
        scale_out_cooldown_seconds=reader.whole_number("ScaleOutCooldown", 0),
        scheduled=tuple(_action(item) for item in properties.get("ScheduledActions", [])),
    )
    reader.finish()
    return found


def dropped(old: Properties, new: Wanted) -> list[str]:
    """Names of scheduled actions that the stack had and no longer wants."""
    kept = {action.name for action in new.scheduled}
    names = [str(item.get("Name")) for item in old.get("ScheduledActions", [])]
    return [name for name in names if name not in kept]


def same_scaling(old: Properties, new: Properties) -> bool:
    """Whether nothing of the scaling is to change: only another model is served."""
    return _scaling(old) == _scaling(new)


def _scaling(properties: Properties) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name != CONFIGURATION}


def _action(values: object) -> ScheduledAction:
    reader = Reader(values, "properties.ScheduledActions")
    found = ScheduledAction(
        name=reader.text("Name"),
        schedule=reader.text("Schedule"),
        time_zone=reader.text("Timezone"),
        minimum_instances=reader.whole_number("MinCapacity", 1),
    )
    reader.finish()
    return found
