"""Every name in the templates is one whose length the configuration's reader looks after."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from config.checks_names import environment_names, model_names
from config.load import load_settings
from config.names import VARIANT, Names
from config.settings import Environment
from tests.unit.example_model import EXAMPLE
from tests.unit.infrastructure.assembly import Assembly, flat

# Names that refer to something, and fixed ones. Of the CDK's policies the stack, which is no
# part of them, is what tells them apart.
_NO_NAMES = {"MetricName", "ServiceName", "detail-stepName", "iam:AWSServiceName"}
_FIXED = {("AWS::IAM::Policy", "PolicyName"), ("AWS::CloudWatch::Alarm", "Dimensions")}
# What an endpoint's alarms and scaling are called beside it; AWS takes 255 characters and more.
_AFTER_THE_ENDPOINT = ("-error-rate", "-latency", "-invocations")
_VARIANTS = {VARIANT, f"{VARIANT}-shadow"}


def named(kind: str, value: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[Any, str]]:
    """Names written in a resource's properties, each with its place."""
    if isinstance(value, list):
        for item in value:
            yield from named(kind, item, place)
    if not isinstance(value, dict) or "Dimensions" in place[-1:]:
        return
    for key, item in value.items():
        reference = isinstance(item, dict) and ("Ref" in item or "Fn::GetAtt" in item)
        is_name = key.endswith("Name") and key not in _NO_NAMES
        if is_name and isinstance(item, str | dict) and not reference:
            yield (kind, *place, key), flat(item)
        else:
            yield from named(kind, item, (*place, key))


def names_of(assembly: Assembly) -> Iterator[tuple[Any, str]]:
    for template in assembly.templates.values():
        yield ("stack",), template.name
        for resource in template.content["Resources"].values():
            yield from named(resource["Type"], resource.get("Properties", {}))


def checked_names(environment: str, values: Environment) -> set[str]:
    names = Names(environment)
    own = environment_names(names, values.account, values.region)
    limited = [*own, *model_names(names.model(EXAMPLE))]
    endpoint = names.model(EXAMPLE).endpoint
    return {each.name for each in limited} | {f"{endpoint}{end}" for end in _AFTER_THE_ENDPOINT}


@pytest.mark.parametrize("environment", ["local", "prod"])
def test_every_name_in_a_template_is_checked_for_its_length(
    assembly: Callable[[str], Assembly], environment: str
) -> None:
    found = {
        (place, name)
        for place, name in names_of(assembly(environment))
        if (place[0], place[1:2][0] if place[1:] else "") not in _FIXED and name not in _VARIANTS
    }
    allowed = checked_names(environment, load_settings(environment).environment)
    assert {place for place, name in found if name not in allowed} == set()
    kinds = {place[0] for place, _ in found}
    assert {"stack", "AWS::S3::Bucket", "AWS::IAM::Role", "AWS::SageMaker::Pipeline"} <= kinds


@pytest.mark.parametrize("environment", ["local", "prod"])
def test_the_platforms_own_tags_leave_forty_to_a_file(
    assembly: Callable[[str], Assembly], environment: str
) -> None:
    of_file = load_settings(environment).environment.tags
    for template in assembly(environment).templates.values():
        for id, resource in template.content["Resources"].items():
            tags = resource.get("Properties", {}).get("Tags", [])
            keys = tags if isinstance(tags, dict) else [tag["Key"] for tag in tags]
            own = set(keys) - set(of_file)
            assert len(own) <= 10, f"{template.name}/{id}: {sorted(own)}"
