"""Names that AWS would refuse for their length: asked about the file's plain values.

All of them are made of the environment's name, which is its file's, and of the models' names, so
that they can be told whatever else is wrong with the file.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from config.errors import Fault
from config.names import ModelNames, Names
from config.plain import table, tables, text

# What follows the prefix of a batch model's name: versions of up to seven digits.
_VERSION = "-v"
_LONGEST_VERSION = _VERSION + "9" * 7
_ENVIRONMENT = re.compile(r"[a-z](-?[a-z0-9])*")


@dataclass(frozen=True)
class Limited:
    """A name and the characters that AWS allows for its kind (API references of the services)."""

    what: str
    name: str
    limit: int

    @property
    def excess(self) -> int:
        return len(self.name) - self.limit


def environment_names(names: Names, account: str, region: str) -> tuple[Limited, ...]:
    """Every physical name of an environment's own stacks."""
    stacks = (
        names.images_stack,
        names.storage_stack,
        names.ci_stack,
        names.network_stack,
        names.monitoring_stack,
    )
    return (
        Limited("bucket", names.bucket(account, region), 63),
        Limited("IAM role", names.ci_deploy_role, 64),
        Limited("IAM role", names.ci_diff_role, 64),
        Limited("budget", names.budget, 100),
        *(Limited("stack", stack, 128) for stack in stacks),
        Limited("key alias", names.key_alias, 256),
        Limited("repository", names.trainer_repository, 256),
        Limited("repository", names.server_repository, 256),
        Limited("SNS topic", names.alerts_topic, 256),
    )


def model_names(names: ModelNames) -> tuple[Limited, ...]:
    """Every physical name of a model's stacks."""
    stacks = (names.training_stack, names.serving_stack, names.delivery_stack, names.batch_stack)
    return (
        Limited("endpoint", names.endpoint, 63),
        Limited("model package group", names.model_package_group, 63),
        Limited("training pipeline", names.training_pipeline, 256),
        Limited("scoring pipeline", names.scoring_pipeline, 256),
        Limited("SageMaker model", names.batch_model_prefix + _LONGEST_VERSION, 63),
        Limited("IAM role", names.model_role, 64),
        Limited("IAM role", names.serving_deployment_role, 64),
        Limited("IAM role", names.import_role, 64),
        Limited("IAM role", names.forward_role, 64),
        Limited("IAM policy", names.approver_policy, 128),
        Limited("Lambda function", names.scaling_function, 64),
        Limited("schedule", names.schedule, 64),
        Limited("schedule group", names.schedule_group, 64),
        *(Limited("stack", stack, 128) for stack in stacks),
        Limited("dashboard", names.dashboard, 255),
        Limited("event bus", names.upstream_bus, 256),
        Limited("log group", names.endpoint_log_group, 512),
        Limited("SSM parameter", names.orders_parameter, 1011),
    )


def name_faults(values: Mapping[str, object], environment: str) -> Iterator[Fault]:
    """What is wrong with the environment's and the models' names.

    Values of another type than they should have are the decoder's.
    """
    yield from _environment(values, environment)
    for index, model in tables(values, "models"):
        name = text(model, "name")
        yield from _model(f"models[{index}].name", name, environment)
    yield from _versions(values)


def _versions(values: Mapping[str, object]) -> Iterator[Fault]:
    """IAM knows the SageMaker models of the daily runs by their prefix, ``{model}-v*``."""
    named = [(index, text(model, "name")) for index, model in tables(values, "models")]
    for index, name in named:
        for _, other in named:
            if other and name.startswith(other + _VERSION):
                yield Fault(
                    key=f"models[{index}].name",
                    value=name,
                    problem=f"looks like a version of model {other!r}, whose roles may use and "
                    f"delete SageMaker models {other}{_VERSION}*",
                    remedy=f"call it otherwise, as {other}{name.removeprefix(other + '-')}",
                )


def _environment(values: Mapping[str, object], environment: str) -> Iterator[Fault]:
    if not _ENVIRONMENT.fullmatch(environment):
        yield Fault(
            key="name",
            value=environment,
            problem="is no environment's name, for buckets are called by it",
            remedy="call the file by lower-case letters, digits and single hyphens, letter first",
        )
    where = table(values, "environment")
    account, region = text(where, "account"), text(where, "region")
    limited = environment_names(Names(environment), account, region)
    how = "shorten the environment's name, which is its file's, by {}"
    yield from _too_long("name", environment, limited, how)


def _model(key: str, name: str, environment: str) -> Iterator[Fault]:
    """A model's names hold both names, so that shortening either helps."""
    how = (
        f"shorten by {{}} in all: the model's name has {len(name)}, and the environment's, which "
        f"is its file's, {len(environment)}"
    )
    yield from _too_long(key, name, model_names(Names(environment).model(name)), how)


def _too_long(key: str, value: str, names: Iterable[Limited], how: str) -> Iterator[Fault]:
    """One fault, of the name that is the farthest beyond its limit."""
    worst = max(names, key=lambda limited: limited.excess)
    if worst.excess > 0:
        yield Fault(
            key=key,
            value=value,
            problem=f"makes the {worst.what} {worst.name!r} {len(worst.name)} characters long",
            remedy=f"AWS allows {worst.limit}: {how.format(worst.excess)}",
        )
