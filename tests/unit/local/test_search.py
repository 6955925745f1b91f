"""Search: filters, nested filters, order and pages, over records of this process."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.local.pipelines.aids import make_cloud
from warmfold_local.cloud import Cloud
from warmfold_local.errors import UnsupportedOperation, ValidationError
from warmfold_local.sagemaker import search  # noqa: F401 - the operation registers itself
from warmfold_local.sagemaker.protocol import call
from warmfold_local.sagemaker.search_filters import satisfies
from warmfold_local.sagemaker.tags import put_tags
from warmfold_shapes.constraints import service_model

START = datetime(2026, 1, 1, tzinfo=UTC)
TRAINING_JOB = service_model("sagemaker").shape_for("TrainingJob")


def job(number: int, **members: Any) -> dict[str, Any]:
    name = f"job-{number}"
    return {
        "TrainingJobName": name,
        "TrainingJobArn": f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{name}",
        "TrainingJobStatus": "Completed" if number % 2 else "Failed",
        "HyperParameters": {"learning_rate": f"0.{number}", "note.text": "x"},
        "FinalMetricDataList": [{"MetricName": "validation:score", "Value": number / 10}],
        "InputDataConfig": [
            channel("train", f"s3://bucket/{number}/train"),
            channel("selection", "s3://bucket/selection"),
        ],
        "BillableTimeInSeconds": number * 10,
        "EnableNetworkIsolation": number == 1,
        "CreationTime": START + timedelta(hours=number),
        "_private": object(),
        **members,
    }


def channel(name: str, uri: str) -> dict[str, Any]:
    return {"ChannelName": name, "DataSource": {"S3DataSource": {"S3Uri": uri}}}


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    cloud = make_cloud(tmp_path)
    for number in range(1, 6):
        record = job(number)
        cloud.table("Training job").add(record["TrainingJobName"], record)
    return cloud


def names(cloud: Cloud, *filters: dict[str, str], **members: Any) -> list[str]:
    request = {"Resource": "TrainingJob", **members}
    if filters:
        request["SearchExpression"] = {"Filters": list(filters)}
    found = call(cloud, "Search", request)["Results"]
    return [result["TrainingJob"]["TrainingJobName"] for result in found]


def where(name: str, operator: str, value: str | None = None) -> dict[str, str]:
    return {"Name": name, "Operator": operator, **({} if value is None else {"Value": value})}


@pytest.mark.parametrize(
    "one, expected",
    [
        (where("TrainingJobName", "Equals", "job-2"), {2}),
        (where("TrainingJobName", "NotEquals", "job-2"), {1, 3, 4, 5}),
        (where("TrainingJobName", "Contains", "b-3"), {3}),
        (where("TrainingJobName", "In", "job-1, job-5"), {1, 5}),
        (where("BillableTimeInSeconds", "GreaterThan", "30"), {4, 5}),
        (where("BillableTimeInSeconds", "LessThanOrEqualTo", "10"), {1}),
        (where("Metrics.validation:score", "GreaterThanOrEqualTo", "0.4"), {4, 5}),
        (where("HyperParameters.learning_rate", "LessThan", "0.25"), {1, 2}),
        (where("HyperParameters.note.text", "Equals", "x"), {1, 2, 3, 4, 5}),
        (where("EnableNetworkIsolation", "Equals", "true"), {1}),
        (where("CreationTime", "LessThan", "2026-01-01T02:30:00"), {1, 2}),
        (where("InputDataConfig.DataSource.S3DataSource.S3Uri", "Contains", "/4/"), {4}),
        (where("FailureReason", "NotExists"), {1, 2, 3, 4, 5}),
        (where("FailureReason", "Exists"), set()),
        ({"Name": "TrainingJobName", "Value": "job-3"}, {3}),
    ],
)
def test_each_operator_on_each_kind_of_property(
    cloud: Cloud, one: dict[str, str], expected: set[int]
) -> None:
    assert set(names(cloud, one)) == {f"job-{number}" for number in expected}


def test_filters_are_joined_by_and_unless_the_expression_says_or(cloud: Cloud) -> None:
    filters = [
        where("TrainingJobName", "Equals", "job-1"),
        where("TrainingJobStatus", "Equals", "Failed"),
    ]
    either = {"Filters": filters, "Operator": "Or"}
    assert names(cloud, *filters) == []
    assert set(names(cloud, SearchExpression=either)) == {"job-1", "job-2", "job-4"}
    both = {"SubExpressions": [either, {"Filters": [where("TrainingJobName", "Contains", "4")]}]}
    assert names(cloud, SearchExpression=both) == ["job-4"]


def test_nested_filters_hold_for_a_single_element(cloud: Cloud) -> None:
    uri = "InputDataConfig.DataSource.S3DataSource.S3Uri"

    def nested(name: str) -> list[str]:
        filters = [
            where("InputDataConfig.ChannelName", "Equals", name),
            where(uri, "Contains", "/2/"),
        ]
        one = {"NestedPropertyName": "InputDataConfig", "Filters": filters}
        return names(cloud, SearchExpression={"NestedFilters": [one]})

    assert nested("train") == ["job-2"]
    assert nested("selection") == []


def test_tags_are_found_and_answered(cloud: Cloud) -> None:
    arn = job(3)["TrainingJobArn"]
    put_tags(cloud, arn, [{"Key": "team.name", "Value": "risk"}])
    found = call(
        cloud,
        "Search",
        {
            "Resource": "TrainingJob",
            "SearchExpression": {"Filters": [where("Tags.team.name", "Equals", "risk")]},
        },
    )
    assert [r["TrainingJob"]["TrainingJobArn"] for r in found["Results"]] == [arn]
    assert found["Results"][0]["TrainingJob"]["Tags"] == [{"Key": "team.name", "Value": "risk"}]
    assert found["TotalHits"] == {"Value": 1, "Relation": "EqualTo"}


def test_the_latest_comes_first_and_any_property_sorts(cloud: Cloud) -> None:
    assert names(cloud) == ["job-5", "job-4", "job-3", "job-2", "job-1"]
    by_name = names(cloud, SortBy="TrainingJobName", SortOrder="Ascending")
    assert by_name == ["job-1", "job-2", "job-3", "job-4", "job-5"]
    by_score = names(cloud, SortBy="Metrics.validation:score", SortOrder="Ascending")
    assert by_score == by_name
    cloud.table("Training job").add("job-0", job(0, FailureReason="ClientError: no"))
    assert names(cloud, SortBy="FailureReason")[0] == "job-0"


def test_pages_hold_every_record_once(cloud: Cloud) -> None:
    request = {"Resource": "TrainingJob", "MaxResults": 2, "SortBy": "BillableTimeInSeconds"}
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = call(cloud, "Search", {**request, **token})
        found += [result["TrainingJob"]["TrainingJobName"] for result in page["Results"]]
        assert page["TotalHits"]["Value"] == 5
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert found == ["job-5", "job-4", "job-3", "job-2", "job-1"]


@pytest.mark.parametrize(
    "one, text",
    [
        (where("Colour", "Equals", "red"), "Unknown property name: Colour"),
        (where("TrainingJobName", "GreaterThan", "a"), "not supported for text"),
        (where("BillableTimeInSeconds", "Contains", "1"), "for text only"),
        (where("BillableTimeInSeconds", "Equals", "many"), "does not fit"),
        (where("TrainingJobName", "Equals"), "needs a Value"),
    ],
)
def test_what_cannot_be_asked_is_refused(cloud: Cloud, one: dict[str, str], text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        names(cloud, one)


def test_a_property_must_exist_even_if_there_is_no_record(tmp_path: Path) -> None:
    empty = make_cloud(tmp_path)
    with pytest.raises(ValidationError, match="Unknown property name"):
        names(empty, where("InputDataConfig.Colour", "Equals", "red"))
    with pytest.raises(ValidationError, match="Unknown property name"):
        names(empty, SortBy="Colour")
    with pytest.raises(ValidationError, match="Unknown property name"):
        names(empty, where("InputDataConfig.Tags.x", "Equals", "red"))
    assert names(empty, where("InputDataConfig.ChannelName", "Equals", "train")) == []


def test_resources_that_are_not_here_are_refused(cloud: Cloud) -> None:
    with pytest.raises(UnsupportedOperation, match="resource FeatureGroup"):
        call(cloud, "Search", {"Resource": "FeatureGroup"})


@given(value=st.integers(-5, 5), limit=st.integers(-5, 5))
def test_a_comparison_and_its_opposite_divide_the_records(value: int, limit: int) -> None:
    record = {"BillableTimeInSeconds": value}

    def holds(operator: str) -> bool:
        filters = [where("BillableTimeInSeconds", operator, str(limit))]
        return satisfies({"Filters": filters}, record, TRAINING_JOB)

    assert holds("GreaterThan") != holds("LessThanOrEqualTo")
    assert holds("LessThan") != holds("GreaterThanOrEqualTo")
    assert holds("Equals") != holds("NotEquals")
