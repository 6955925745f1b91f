"""Environments' files beside each other: who is named in the other one, and whose names meet."""

from pathlib import Path
from typing import Any

import pytest

from config.errors import InvalidSettingsError
from config.load import load_settings
from tests.unit.config.environment_file import Place, set_at, values, write

Content = dict[str, Any]
ACCOUNTS = {"dev": "111111111111", "staging": "222222222222", "prod": "333333333333"}
MODEL: Place = ("models", 0)
UPSTREAM: Place = (*MODEL, "upstream")
READERS: Place = ("sharing", "readers")
ACCOUNT: Place = ("environment", "account")
CI = {"repository": "acme/models", "creates_oidc_provider": True}


def named(environment: str) -> dict[str, str]:
    return {"environment": environment, "account": ACCOUNTS[environment]}


def upstream(environment: str) -> dict[str, Any]:
    return {**named(environment), "approval": "manual", "poll_minutes": 30}


def source() -> Content:
    """Staging, which lets production read."""
    return set_at(values("staging"), ("sharing",), {"readers": [named("prod")]})


def target() -> Content:
    """Production, which imports from staging."""
    return set_at(values("prod"), UPSTREAM, upstream("staging"))


def load(folder: Path, environment: str, **contents: Content) -> list[str]:
    """What is said about one of several files; empty if it is taken."""
    for name, content in contents.items():
        write(folder, content, name)
    try:
        load_settings(environment, folder)
    except InvalidSettingsError as error:
        return [str(fault) for fault in error.faults]
    return []


def in_account(content: Content, account: str = ACCOUNTS["prod"]) -> Content:
    return set_at(content, ACCOUNT, account)


def test_two_files_that_name_each_other_are_taken(tmp_path: Path) -> None:
    assert load(tmp_path, "prod", staging=source(), prod=target()) == []
    assert load(tmp_path, "staging") == []


@pytest.mark.parametrize(
    "place,value,expected",
    [
        (
            (*UPSTREAM, "environment"),
            "stagin",
            "upstream.environment = \"stagin\": has no file, did you mean 'staging'?; use one of",
        ),
        (
            (*UPSTREAM, "account"),
            "111111111111",
            'upstream.account = "111111111111": is not the account of staging.toml, 222222222222; ',
        ),
        (
            UPSTREAM,
            {**upstream("prod"), "account": "222222222222"},
            'models[0].upstream.account = "222222222222": is not the account of prod.toml',
        ),
        (
            (*MODEL, "name"),
            "germn-credit",
            "has no model 'germn-credit', did you mean 'german-credit'?; give the model the same",
        ),
    ],
)
def test_an_upstream_that_is_not_as_its_file_says_is_refused(
    tmp_path: Path, place: Place, value: object, expected: str
) -> None:
    (found,) = load(tmp_path, "prod", staging=source(), prod=set_at(target(), place, value))
    assert found.startswith("models[0].upstream.")
    assert expected in found


def test_an_upstream_in_another_region_is_refused(tmp_path: Path) -> None:
    other = set_at(source(), ("environment", "region"), "eu-central-1")
    (found,) = load(tmp_path, "prod", staging=other, prod=target())
    assert "is in eu-central-1, and this environment in eu-west-1; share within one" in found


def test_an_upstream_that_does_not_let_this_environment_read_is_refused(tmp_path: Path) -> None:
    (found,) = load(tmp_path, "prod", staging=values("staging"), prod=target())
    assert (
        '= "staging": does not let this environment read its versions; add { environment' in found
    )
    assert '{ environment = "prod", account = "333333333333" } to [sharing] readers' in found


def test_a_reader_that_is_not_as_its_file_says_is_refused(tmp_path: Path) -> None:
    both = [
        {"environment": "prd", "account": "333333333333"},
        {**named("prod"), "account": "4" * 12},
    ]
    content = set_at(source(), READERS, both)
    typo, account = load(tmp_path, "staging", staging=content, prod=target())
    assert typo.startswith(
        'sharing.readers[0].environment = "prd": has no file, did you mean \'pro'
    )
    assert account.startswith('sharing.readers[1].account = "444444444444": is not the account of')


def test_a_reader_that_imports_nothing_is_let_in_for_nothing(tmp_path: Path) -> None:
    (found,) = load(tmp_path, "staging", staging=source(), prod=values("prod"))
    assert found.startswith('sharing.readers[0].environment = "prod": would be let in, and imports')
    assert "add [models.upstream]" in found


def test_another_side_that_cannot_be_read_is_named_and_others_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "staging.toml").write_text("[environment\n")
    (found,) = load(tmp_path, "prod", prod=target())
    assert '= "staging": has a file that cannot be read; mend staging.toml first' in found
    assert load(tmp_path, "prod", prod=values("prod")) == []


def test_imports_that_go_round_in_a_circle_are_refused(tmp_path: Path) -> None:
    prod = set_at(target(), ("sharing",), {"readers": [named("dev")]})
    dev = set_at(values("dev"), UPSTREAM, upstream("prod"))
    dev = set_at(dev, ("sharing",), {"readers": [named("staging")]})
    staging = set_at(source(), UPSTREAM, upstream("dev"))
    (found,) = load(tmp_path, "prod", prod=prod, staging=staging, dev=dev)
    assert "(prod from staging from dev from prod); remove one" in found


def test_faults_of_both_sides_are_told_at_once_and_each_once(tmp_path: Path) -> None:
    content = set_at(target(), (*UPSTREAM, "account"), "22222222222")
    content = set_at(content, READERS[:1], {"readers": [named("staging")]})
    content = set_at(content, ("models", 0, "data", "folds"), 1)
    keys = [each.split(" = ")[0] for each in load(tmp_path, "prod", prod=content, staging=source())]
    assert keys == [
        "models[0].data.folds",
        "models[0].upstream.account",
        "sharing.readers[0].environment",
    ]


def test_an_environment_is_not_called_as_another_with_a_suffix(tmp_path: Path) -> None:
    contents = {"a": values("dev"), "a-b": values("dev"), "ab": values("dev")}
    (found,) = load(tmp_path, "a", **contents)
    assert found.startswith('name = "a": is in one account (')
    assert "with a-b.toml: what is allowed for a by prefix (warmfold-a-*) would be" in found
    assert "a model x of a-b is called as a model b-x of a; call a file otherwise" in found
    (found,) = load(tmp_path, "a-b")
    assert found.startswith('name = "a-b": is in one account (')
    assert load(tmp_path, "ab") == []
    apart = {**contents, "a-b": in_account(contents["a-b"], "444444444444")}
    assert load(tmp_path, "a", **apart) == []


def test_nor_in_another_region_for_roles_have_none(tmp_path: Path) -> None:
    other = set_at(values("dev"), ("environment", "region"), "eu-central-1")
    (found,) = load(tmp_path, "a", **{"a": values("dev"), "a-b": other})
    assert "with a-b.toml" in found


def test_an_account_has_one_identity_provider_of_github(tmp_path: Path) -> None:
    first = set_at(values("prod"), ("ci",), CI)
    second = in_account(set_at(values("staging"), ("ci",), CI))
    (found,) = load(tmp_path, "prod", prod=first, staging=second)
    assert found.startswith("ci.creates_oidc_provider = true: is said by staging.toml too")
    second = set_at(second, ("ci", "creates_oidc_provider"), False)
    assert load(tmp_path, "prod", staging=second) == []
