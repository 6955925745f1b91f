"""Sharing with other environments, and importing from them: what is refused, all at once."""

from pathlib import Path
from typing import Any

import pytest

from config.load import environments, load_settings
from config.names import Names
from tests.unit.config.environment_file import Place, set_at, values, write
from tests.unit.config.test_checks import MODEL, messages

SHARING: Place = ("sharing",)
UPSTREAM: Place = (*MODEL, "upstream")
SOURCE: Place = ("images", "source")
STAGING = {"environment": "staging", "account": "222222222222"}
PROD = {"environment": "prod", "account": "333333333333"}
IMPORT: dict[str, Any] = {**STAGING, "approval": "manual", "poll_minutes": 30}


def readers(*found: dict[str, str]) -> dict[str, object]:
    return {"readers": list(found)}


@pytest.mark.parametrize(
    "place,value,expected",
    [
        (SHARING, readers(), "sharing.readers = []: is not allowed; give at least one"),
        (SHARING, readers(STAGING, STAGING), 'readers[1].environment = "staging": is there'),
        (SHARING, readers(PROD), 'readers[0].environment = "prod": is this environment itself'),
        (SHARING, readers({**STAGING, "account": "222"}), "write the 12 digits of an AWS account"),
        (SHARING, readers({**STAGING, "environment": "x.toml"}), "the name of the other"),
        (UPSTREAM, {**IMPORT, **PROD}, 'upstream.environment = "prod": is this environment itself'),
        (UPSTREAM, {**IMPORT, "approval": "automatic"}, 'use one of "manual", "inherited"'),
        (UPSTREAM, {**IMPORT, "poll_minutes": 1}, "use a number from 5 to 1440"),
        (UPSTREAM, STAGING, "upstream.approval: is missing"),
    ],
)
def test_both_tables_must_make_sense(
    tmp_path: Path, place: Place, value: object, expected: str
) -> None:
    found = messages(tmp_path, (place, value))
    assert any(expected in message for message in found), found


@pytest.mark.parametrize(
    "place,value,other_place,other",
    [
        (SHARING, readers(STAGING), UPSTREAM, {**IMPORT, **PROD}),
        (UPSTREAM, IMPORT, SHARING, readers(PROD)),
    ],
)
def test_images_are_those_that_ci_pushes_to_both_sides(
    tmp_path: Path, place: Place, value: object, other_place: Place, other: object
) -> None:
    write(tmp_path, set_at(values("staging"), other_place, other), "staging")
    (found,) = messages(tmp_path, (place, value), (SOURCE, "build"))
    assert 'images.source = "build": makes images that no other environment can name' in found
    assert 'set it to "uri"' in found


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    changes = ((SHARING, readers(PROD, PROD)), (UPSTREAM, {**IMPORT, **PROD}), (SOURCE, "build"))
    assert len(messages(tmp_path, *changes)) == 5


def test_no_environment_that_is_shipped_shares_or_imports() -> None:
    for name in environments():
        settings = load_settings(name)
        assert settings.sharing is None
        assert all(model.upstream is None for model in settings.models)


def test_names_that_the_other_side_knows() -> None:
    names = Names("prod").model("credit")
    assert names.import_role == "warmfold-prod-credit-import"
    assert names.forward_role == "warmfold-prod-credit-forward"
    assert names.upstream_bus == "warmfold-prod-credit-upstream"
