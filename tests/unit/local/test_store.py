"""The state file: what goes in comes out, and nothing that was answered is missing."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.local.jobs_support import Events
from warmfold_local.cloud import Cloud, Record, Settings
from warmfold_local.state_folder import (
    Identity,
    LocalCloudError,
    save_identity,
    saved_identity,
)
from warmfold_local.store.database import FILE, Database
from warmfold_local.store.encoding import decode_record, encode_record
from warmfold_local.store.journal import Journal
from warmfold_local.store.services import write_services

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
IDENTITY = Identity(id="a" * 32, secret="s", port=4566)

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.datetimes(timezones=st.just(UTC))
    | st.decimals(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text() | st.just("$time"), inner, max_size=4)
    ),
    max_leaves=10,
)


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    of_test = Settings(
        account="000000000000",
        region="us-east-1",
        port=1,
        secret="s",
        state_dir=tmp_path,
        images_dir=tmp_path,
    )
    return Cloud(of_test, Events())


def journal_of(cloud: Cloud, services: dict[str, str] | None = None) -> Journal:
    database = Database(cloud.settings.state_dir / FILE)
    return Journal(cloud, database, lambda: services or {})


def saved(cloud: Cloud) -> list[tuple[str, str, Record]]:
    with closing(Database(cloud.settings.state_dir / FILE)) as database:
        return list(database.records())


@settings(deadline=None)
@given(st.dictionaries(st.text() | st.just("$time"), PLAIN, max_size=4))
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    assert decode_record(encode_record(record)) == record


def test_live_objects_stay_behind_and_what_they_give_does_not() -> None:
    class Run:
        def stored(self) -> Record:
            return {"at": NOW}

    record = {"Name": "a", "_thread": object(), "_run": Run(), "_kept": (1, Decimal("1.10"))}
    restored = decode_record(encode_record(record))
    assert restored == {"Name": "a", "_run": {"at": NOW}, "_kept": [1, Decimal("1.10")]}


def test_a_public_member_that_cannot_be_stored_is_our_fault_and_said() -> None:
    with pytest.raises(TypeError, match="a object cannot be stored"):
        encode_record({"Name": object()})


def test_what_is_committed_is_there_in_the_order_in_which_it_was_made(cloud: Cloud) -> None:
    journal = journal_of(cloud)
    for name in ("b", "a", "c"):
        cloud.table("Model").add(name, {"Name": name, "CreationTime": NOW})
    cloud.table("Endpoint").add("e", {"Name": "e"})
    journal.commit()
    cloud.table("Model").remove("a")
    cloud.table("Model").get("b")["Changed"] = True
    journal.commit()
    assert saved(cloud) == [
        ("Model", "b", {"Name": "b", "CreationTime": NOW, "Changed": True}),
        ("Model", "c", {"Name": "c", "CreationTime": NOW}),
        ("Endpoint", "e", {"Name": "e"}),
    ]


def test_a_commit_writes_only_what_has_changed(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = journal_of(cloud)
    for number in range(50):
        cloud.table("Model").add(f"m{number}", {"Number": number})
    journal.commit()
    written: list[Any] = []
    write = Database.write

    def noting(self: Database, rows: Any, services: Any) -> None:
        written.extend(rows)
        write(self, rows, services)

    monkeypatch.setattr(Database, "write", noting)
    journal.commit()
    assert written == []
    cloud.table("Model").get("m7")["Number"] = 70
    cloud.table("Model").remove("m8")
    journal.commit()
    assert written == [("Model", "m7", '{"Number":70}'), ("Model", "m8", None)]


def test_a_change_deep_inside_is_found_by_the_last_look(cloud: Cloud) -> None:
    journal = journal_of(cloud)
    record: Record = {"Variants": [{"Count": 1}]}
    cloud.table("Endpoint").add("e", record)
    journal.commit()
    record["Variants"][0]["Count"] = 2
    journal.close()
    assert saved(cloud) == [("Endpoint", "e", {"Variants": [{"Count": 2}]})]


def test_a_name_that_is_taken_again_has_the_new_record(cloud: Cloud) -> None:
    journal = journal_of(cloud)
    cloud.table("Model").add("m", {"Version": 1})
    journal.commit()
    cloud.table("Model").remove("m")
    journal.commit()
    assert saved(cloud) == []
    cloud.table("Model").add("m", {"Version": 2})
    journal.commit()
    assert saved(cloud) == [("Model", "m", {"Version": 2})]


def test_a_failed_write_is_made_up_for_by_the_next(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = journal_of(cloud)
    cloud.table("Model").add("m", {"Version": 1})
    with monkeypatch.context() as patch:

        def full(*_: Any) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        patch.setattr(Database, "write", full)
        with pytest.raises(sqlite3.OperationalError):
            journal.commit()
    journal.commit()
    assert saved(cloud) == [("Model", "m", {"Version": 1})]


def test_an_interrupted_stack_can_be_gone_on_from(tmp_path: Path) -> None:
    write_services(tmp_path, {"cloudformation": stacks("UPDATE_IN_PROGRESS"), "sqs": "{}"})
    (stack,) = stored_stacks(tmp_path)
    assert stack["StackStatus"] == "UPDATE_FAILED"
    assert "restarted" in stack["StackStatusReason"]
    assert (tmp_path / "sqs.json").read_text() == "{}"


def stored_stacks(folder: Path) -> list[dict[str, Any]]:
    values = json.loads((folder / "cloudformation.json").read_text())
    return list(values["payload"]["stacks"]["data"].values())


def stacks(status: str = "CREATE_COMPLETE") -> str:
    """As ministack writes them."""
    resource = {
        "PhysicalResourceId": "arn:aws:sagemaker:us-east-1:000000000000:endpoint/live",
        "ResourceType": "AWS::SageMaker::Endpoint",
    }
    stack = {"StackName": "serving", "StackStatus": status, "_resources": {"E": resource}}
    scoped = {"__account_region_scoped__": True, "data": {"0\x00r\x00'serving'": stack}}
    return json.dumps({"__ministack_format__": 2, "payload": {"stacks": scoped}})


def folder_with(tmp_path: Path, rows: list[tuple[str, str, str | None]]) -> Path:
    save_identity(tmp_path, IDENTITY)
    with closing(Database(tmp_path / FILE)) as database:
        database.write(rows, {"cloudformation": stacks()})
    return tmp_path


def test_a_folder_whose_parts_fit_is_restored(tmp_path: Path) -> None:
    assert saved_identity(folder_with(tmp_path, [("Endpoint", "live", "{}")])) == IDENTITY


def test_an_endpoint_deleted_by_hand_is_drift_and_no_disagreement(tmp_path: Path) -> None:
    assert saved_identity(folder_with(tmp_path, [("Endpoint", "live", None)])) == IDENTITY


def test_a_stack_that_names_what_was_never_there_is_refused(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, [])
    message = 'serving names the endpoint "live", which SageMaker lacks.*local reset'
    with pytest.raises(LocalCloudError, match=message):
        saved_identity(folder)


@pytest.mark.parametrize("name", ["ministack", "s3"])
def test_a_folder_of_another_local_cloud_is_refused(tmp_path: Path, name: str) -> None:
    folder = folder_with(tmp_path, [("Endpoint", "live", "{}")])
    (folder / name / ".warmfold-identity").write_text("b" * 32)
    with pytest.raises(LocalCloudError, match=f"{name} is missing, or belongs to another"):
        saved_identity(folder)


def test_another_clouds_or_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    folder = folder_with(tmp_path / "one", [])
    other = Identity(id="c" * 32, secret="s", port=1)
    (tmp_path / "two").mkdir()
    save_identity(tmp_path / "two", other)
    (tmp_path / "two" / FILE).replace(folder / FILE)
    with pytest.raises(LocalCloudError, match=f"{FILE} belongs to another local cloud"):
        saved_identity(folder)
    (folder / FILE).write_bytes(b"no database at all" * 100)
    with pytest.raises(LocalCloudError, match=f"{FILE} cannot be read"):
        saved_identity(folder)


def test_a_start_that_was_cut_off_leaves_nothing_to_restore(tmp_path: Path) -> None:
    assert saved_identity(tmp_path) is None
    save_identity(tmp_path, IDENTITY)
    (tmp_path / "identity.json").unlink()
    assert saved_identity(tmp_path) is None


def test_a_lost_identity_is_refused_where_there_is_something_to_lose(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, [("Endpoint", "live", "{}")])
    (folder / "identity.json").unlink()
    with pytest.raises(LocalCloudError, match=r"identity\.json is missing"):
        saved_identity(folder)


def test_the_file_is_for_its_owners_eyes(tmp_path: Path) -> None:
    save_identity(tmp_path, IDENTITY)
    for name in (FILE, "identity.json"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
