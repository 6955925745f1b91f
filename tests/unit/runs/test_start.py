"""Before a run is started: whether there is anything to train on, and where its own data goes."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from tests.sessions import shared_session
from warmfold.errors import WarmfoldError
from warmfold.runs.aws import Aws, Deployment
from warmfold.runs.start import raw_data, upload_data

DEPLOYMENT = Deployment(
    model="credit",
    training={
        "RawDataUri": "s3://bucket/credit/raw/",
        "RunDataUri": "s3://bucket/credit/raw-runs/",
    },
    serving={},
    batch={},
)


@dataclass(frozen=True, kw_only=True)
class Bucket(Aws):
    """S3 with recorded answers."""

    s3: Any = field(default_factory=lambda: shared_session().client("s3"))

    def client(self, service: str) -> Any:
        assert service == "s3"
        return self.s3


@pytest.fixture
def bucket() -> Bucket:
    return Bucket(session=shared_session(), environment="dev")


@pytest.fixture
def answers(bucket: Bucket) -> Stubber:
    stubber = Stubber(bucket.s3)
    stubber.activate()
    return stubber


def page(*keys: str, more: bool = False) -> dict[str, Any]:
    contents = [{"Key": f"credit/raw/{key}"} for key in keys]
    return {"Contents": contents, "IsTruncated": more} | (
        {"NextContinuationToken": "next"} if more else {}
    )


@pytest.mark.parametrize("keys", [(), ("notes.txt", "data.csv.gz", "csv")])
def test_a_run_without_data_is_refused_with_the_remedy(
    bucket: Bucket, answers: Stubber, keys: tuple[str, ...]
) -> None:
    asked = {"Bucket": "bucket", "Prefix": "credit/raw/"}
    answers.add_response("list_objects_v2", page(*keys), asked)
    with pytest.raises(
        WarmfoldError, match=r"no \.csv or \.parquet file below s3://bucket/credit/raw/.* by --data"
    ):
        raw_data(bucket, DEPLOYMENT)


@pytest.mark.parametrize("key", ["loans.csv", "2026/LOANS.CSV", "loans.parquet"])
def test_a_data_file_on_any_page_is_enough(bucket: Bucket, answers: Stubber, key: str) -> None:
    answers.add_response("list_objects_v2", page("notes.txt", more=True))
    answers.add_response("list_objects_v2", page(key))
    assert raw_data(bucket, DEPLOYMENT) == [key]
    answers.assert_no_pending_responses()


def test_files_of_all_pages_are_named(bucket: Bucket, answers: Stubber) -> None:
    answers.add_response("list_objects_v2", page("b.csv", more=True))
    answers.add_response("list_objects_v2", page("notes.txt", "a/c.parquet"))
    assert raw_data(bucket, DEPLOYMENT) == ["a/c.parquet", "b.csv"]


def test_who_may_not_list_the_bucket_may_start_a_run(bucket: Bucket, answers: Stubber) -> None:
    answers.add_client_error("list_objects_v2", "AccessDenied", http_status_code=403)
    assert raw_data(bucket, DEPLOYMENT) is None


def test_another_refusal_is_not_swallowed(bucket: Bucket, answers: Stubber) -> None:
    answers.add_client_error("list_objects_v2", "NoSuchBucket", http_status_code=404)
    with pytest.raises(ClientError, match="NoSuchBucket"):
        raw_data(bucket, DEPLOYMENT)


@dataclass(frozen=True)
class Shelf:
    """What is uploaded, by key."""

    objects: dict[str, bytes] = field(default_factory=dict)

    def upload_file(self, file: str, bucket: str, key: str) -> None:
        assert bucket == "bucket"
        self.objects[key] = Path(file).read_bytes()


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_data_of_a_run_are_alone_in_a_folder_outside_what_all_runs_read(tmp_path: Path) -> None:
    shelf = Shelf()
    bucket = Bucket(session=shared_session(), environment="dev", s3=shelf)
    files = [
        written(tmp_path / "a/loans.csv", "a\n1\n"),
        written(tmp_path / "b/loans.csv", "b\n1\n"),
        written(tmp_path / "b/renamed.csv", "b\n1\n"),
    ]
    uris = [upload_data(bucket, DEPLOYMENT, file) for file in files]
    assert len(set(uris)) == len(files)
    for uri, file in zip(uris, files, strict=True):
        assert uri.startswith("s3://bucket/credit/raw-runs/")
        below = uri.removeprefix("s3://bucket/")
        assert [key for key in shelf.objects if key.startswith(below)] == [f"{below}{file.name}"]
    assert not [key for key in shelf.objects if key.startswith("credit/raw/")]


def test_the_same_file_is_uploaded_to_the_same_place(tmp_path: Path) -> None:
    bucket = Bucket(session=shared_session(), environment="dev", s3=Shelf())
    first = upload_data(bucket, DEPLOYMENT, written(tmp_path / "a/loans.csv", "a\n1\n"))
    assert upload_data(bucket, DEPLOYMENT, written(tmp_path / "b/loans.csv", "a\n1\n")) == first


def test_a_stack_without_a_place_for_data_of_runs_is_to_be_deployed_again(tmp_path: Path) -> None:
    shelf = Shelf()
    bucket = Bucket(session=shared_session(), environment="dev", s3=shelf)
    before = replace(DEPLOYMENT, training={"RawDataUri": "s3://bucket/credit/raw/"})
    with pytest.raises(WarmfoldError, match=r"training stack of credit .* deploy it again"):
        upload_data(bucket, before, written(tmp_path / "loans.csv", "a\n1\n"))
    assert not shelf.objects
