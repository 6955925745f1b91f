"""A reviewer's promise: one value in the TOML, one value in the templates."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from config.load import ENVIRONMENTS, environments, load_settings
from tests.unit.config.environment_file import Place, at, set_at, values, write
from tests.unit.infrastructure.assembly import Assembly, Template, definition, leaves, synthesize

MODEL: Place = ("models", 0)
MACHINES = "/sagemaker:InstanceTypes/"


def plain(template: Template) -> dict[str, Any]:
    """Every value of a template by its place, the pipeline's definition taken apart."""
    found = leaves(template.content)
    if template.of_type("AWS::SageMaker::Pipeline"):
        found = {place: v for place, v in found.items() if "PipelineDefinitionBody" not in place}
        found |= leaves(definition(template), "definition")
    return found


def differences(before: Assembly, after: Assembly) -> dict[str, tuple[Any, Any]]:
    """What differs, as place in stack -> before and after."""
    assert before.templates.keys() == after.templates.keys()
    changed: dict[str, tuple[Any, Any]] = {}
    for name, template in before.templates.items():
        old, new = plain(template), plain(after.templates[name])
        for place in old.keys() | new.keys():
            if old.get(place) != new.get(place):
                changed[f"{name}{place}"] = (old.get(place), new.get(place))
    return changed


def but_for_permissions(changed: dict[str, tuple[Any, Any]]) -> dict[str, tuple[Any, Any]]:
    """Without the machines that a pipeline's role may start its jobs on, which follow them."""
    return {where: pair for where, pair in changed.items() if MACHINES not in where}


def permissions(changed: dict[str, tuple[Any, Any]]) -> list[tuple[set[Any], set[Any]]]:
    """By statement: machines that jobs may not be started on any more, and those they may be."""
    pairs: dict[str, list[tuple[Any, Any]]] = {}
    for where, pair in changed.items():
        if MACHINES in where:
            pairs.setdefault(where.partition(MACHINES)[0], []).append(pair)
    both = [({old for old, _ in each}, {new for _, new in each}) for each in pairs.values()]
    return [(before - after - {None}, after - before - {None}) for before, after in both]


def with_value(folder: Path, place: Place, value: object) -> Assembly:
    """Production, synthesized with one value changed in its file."""
    changed = write(folder, set_at(values("prod"), place, value))
    return synthesize(load_settings("prod", changed), folder / "out")


@pytest.mark.parametrize(
    "place",
    [
        (*MODEL, "jobs", "processing", "instance_type"),
        (*MODEL, "jobs", "trial", "instance_type"),
        (*MODEL, "jobs", "final", "instance_type"),
        (*MODEL, "jobs", "evaluation", "instance_type"),
        (*MODEL, "serving", "instance_type"),
        (*MODEL, "batch", "compute", "instance_type"),
    ],
    ids=lambda place: ".".join(str(part) for part in place[2:-1]),
)
def test_another_instance_type_changes_nothing_else(
    prod: Assembly, tmp_path: Path, place: Place
) -> None:
    old = at(values("prod"), place)
    new = "ml.c5.xlarge" if old != "ml.c5.xlarge" else "ml.m5.xlarge"
    changed = differences(prod, with_value(tmp_path, place, new))
    # One statement is that of both kinds of processing jobs, and the other one stays where it was.
    shared = "processing" in place or "evaluation" in place
    expected = [] if "serving" in place else [(set() if shared else {old}, {new})]
    assert permissions(changed) == expected
    # trials are defined once for each candidate
    times = len(values("prod")["models"][0]["candidates"]) if "trial" in place else 1
    assert list(but_for_permissions(changed).values()) == [(old, new)] * times


def test_the_other_environments_are_what_they_were(tmp_path: Path) -> None:
    for name in environments():
        shutil.copy(ENVIRONMENTS / f"{name}.toml", tmp_path)
    place = (*MODEL, "serving", "instance_type")
    write(tmp_path, set_at(values("prod"), place, "ml.c5.xlarge"))
    assert load_settings("prod", tmp_path) != load_settings("prod")
    others = [name for name in environments(tmp_path) if name != "prod"]
    assert len(others) == 3
    # A synth is a function of these: test_app.
    assert [load_settings(name, tmp_path) for name in others] == [
        load_settings(name) for name in others
    ]


def test_the_transforms_instance_type_is_also_what_a_model_package_supports(
    prod: Assembly, tmp_path: Path
) -> None:
    place = (*MODEL, "jobs", "transform", "instance_type")
    changed = differences(prod, with_value(tmp_path, place, "ml.c5.xlarge"))
    assert permissions(changed) == [({"ml.m5.large"}, {"ml.c5.xlarge"})]
    defined = but_for_permissions(changed)
    assert set(defined.values()) == {("ml.m5.large", "ml.c5.xlarge")}
    assert {where.partition("definition")[0] for where in defined} == {prod.stack("training").name}
