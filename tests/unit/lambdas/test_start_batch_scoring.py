"""Starting the day's scoring from the schedule."""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from start_batch_scoring.aws import Scoring
from start_batch_scoring.handler import Environment, handle, respond
from start_batch_scoring.logic import (
    local_day,
    parse_scheduled_time,
    plan_run,
    request_token,
)
from tests.unit.lambdas.aids import LOG, Invocation, Stub, event, log_lines, playing
from tests.unit.lambdas.deploy_model_aids import GROUP, arn, package
from warmfold_lambda.errors import ConfigurationError, InputError, LambdaError
from warmfold_lambda.registry import Package

BUCKET = "warmfold-artifacts"
PREFIX = "warmfold-local-german-credit"
PIPELINE = f"{PREFIX}-scoring"
ROLE = "arn:aws:iam::000000000000:role/model"
ZURICH = ZoneInfo("Europe/Zurich")
ENVIRONMENT = Environment(
    model_name="german-credit",
    model_name_prefix=PREFIX,
    model_package_group_name=GROUP,
    scoring_pipeline_name=PIPELINE,
    bucket_name=BUCKET,
    model_role_arn=ROLE,
    time_zone=ZURICH,
)
IN_A_VPC = replace(ENVIRONMENT, subnet_ids=("subnet-1", "subnet-2"), security_group_ids=("sg-1",))
VPC = {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}
TAKEN = ("ValidationException", "Cannot create already existing model")
DAY = date(2026, 3, 2)
EXECUTION = f"arn:aws:sagemaker:us-east-1:000000000000:pipeline/{PIPELINE}/execution/a1b2c3d4e5f6"


@dataclass
class World:
    """Registry, bucket and pipelines, stubbed."""

    sagemaker: Stub = field(default_factory=lambda: Stub("sagemaker"))
    s3: Stub = field(default_factory=lambda: Stub("s3"))
    environment: Environment = ENVIRONMENT

    def data(self, *pages: list[int]) -> "World":
        """Objects of these sizes lie under the day's input prefix, page by page."""
        request = {"Bucket": BUCKET, "Prefix": "german-credit/batch/input/day=2026-03-02/"}
        for index, sizes in enumerate(pages):
            last = index + 1 == len(pages)
            answer: dict[str, Any] = {
                "Contents": [{"Key": f"k{index}", "Size": size} for size in sizes],
                "IsTruncated": not last,
            }
            if not last:
                answer["NextContinuationToken"] = f"page-{index + 1}"
            asked = request if index == 0 else request | {"ContinuationToken": f"page-{index}"}
            self.s3.answers("list_objects_v2", answer, **asked)
        return self

    def approved(self, *versions: int) -> "World":
        self.sagemaker.answers(
            "list_model_packages",
            {"ModelPackageSummaryList": [package(version) for version in versions]},
            ModelPackageGroupName=GROUP,
            ModelApprovalStatus="Approved",
            SortBy="CreationTime",
            SortOrder="Descending",
        )
        return self

    def creates_model(self, version: int) -> "World":
        self.sagemaker.answers(
            "create_model",
            {"ModelArn": f"arn:aws:sagemaker:us-east-1:000000000000:model/{PREFIX}-v{version}"},
            **create_request(version, self.environment),
        )
        return self

    def finds_model(
        self, version: int, code: str, message: str, made_from: str, vpc: object = None
    ) -> "World":
        request = create_request(version, self.environment)
        self.sagemaker.refuses("create_model", code, message, **request)
        self.sagemaker.answers(
            "describe_model",
            {
                "ModelName": f"{PREFIX}-v{version}",
                "ModelArn": f"arn:aws:sagemaker:us-east-1:000000000000:model/{PREFIX}-v{version}",
                "CreationTime": 0,
                "Containers": [{"ModelPackageName": made_from}],
                **({} if vpc is None else {"VpcConfig": vpc}),
            },
            ModelName=f"{PREFIX}-v{version}",
        )
        return self

    def starts(self, version: int) -> "World":
        self.sagemaker.answers(
            "start_pipeline_execution",
            {"PipelineExecutionArn": EXECUTION},
            **start_request(version),
        )
        return self

    def run(self, values: object = None) -> dict[str, Any]:
        with playing(self.sagemaker, self.s3):
            return respond(
                event("scheduler") if values is None else values,
                self.environment,
                Scoring(self.sagemaker.client, self.s3.client),
                LOG,
            )


def create_request(version: int, environment: Environment = ENVIRONMENT) -> dict[str, Any]:
    request = {
        "ModelName": f"{PREFIX}-v{version}",
        "Containers": [{"ModelPackageName": arn(version)}],
        "ExecutionRoleArn": ROLE,
        "EnableNetworkIsolation": True,
    }
    return request | ({"VpcConfig": VPC} if environment.subnet_ids else {})


def start_request(version: int) -> dict[str, Any]:
    root = f"s3://{BUCKET}/german-credit/batch"
    values = {
        "ModelName": f"{PREFIX}-v{version}",
        "InputUri": f"{root}/input/day=2026-03-02/",
        "OutputUri": f"{root}/output/day=2026-03-02/",
        "ManifestUri": f"{root}/output/day=2026-03-02/manifest.json",
        "Day": "2026-03-02",
    }
    return {
        "PipelineName": PIPELINE,
        "PipelineExecutionDisplayName": f"2026-03-02-v{version}",
        "PipelineParameters": [{"Name": key, "Value": value} for key, value in values.items()],
        "ClientRequestToken": token(version),
    }


def token(version: int, time: str = "2026-03-02T05:00:00Z") -> str:
    run = plan_run(BUCKET, "german-credit", DAY)
    found = Package(arn=arn(version), version=version)
    return request_token(PIPELINE, run, found, parse_scheduled_time(time))


STARTED = {"status": "started", "execution_arn": EXECUTION, "day": "2026-03-02"}


def test_the_latest_approved_version_scores_the_local_day() -> None:
    world = World().data([10]).approved(1, 3, 2).creates_model(3).starts(3)
    assert world.run() == STARTED


@pytest.mark.parametrize(
    "code, message",
    [
        ("ValidationException", "Cannot create already existing model"),
        ("ResourceInUse", "Model names must be unique"),
    ],
)
def test_a_model_that_exists_already_is_used(code: str, message: str) -> None:
    world = World().data([10]).approved(3).finds_model(3, code, message, arn(3)).starts(3)
    assert world.run() == STARTED


def test_a_model_of_that_name_made_from_something_else_is_refused() -> None:
    world = World().data([10]).approved(3)
    world.finds_model(3, "ValidationException", "Cannot create already existing model", arn(9))
    with pytest.raises(LambdaError, match="was not made from"):
        world.run()


def test_a_model_is_created_in_the_environments_network() -> None:
    world = World(environment=IN_A_VPC).data([10]).approved(3).creates_model(3).starts(3)
    assert world.run() == STARTED


def test_a_model_of_the_same_network_is_used_whatever_the_order_of_its_ids() -> None:
    world = World(environment=IN_A_VPC).data([10]).approved(3)
    found = {"Subnets": ["subnet-2", "subnet-1"], "SecurityGroupIds": ["sg-1"]}
    world.finds_model(3, *TAKEN, arn(3), found).starts(3)
    assert world.run() == STARTED


@pytest.mark.parametrize(
    "environment,found",
    [
        (IN_A_VPC, None),
        (IN_A_VPC, {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}),
        (ENVIRONMENT, VPC),
    ],
)
def test_a_model_of_another_network_is_refused(environment: Environment, found: object) -> None:
    world = World(environment=environment).data([10]).approved(3)
    world.finds_model(3, *TAKEN, arn(3), found)
    with pytest.raises(LambdaError, match="is not in the network"):
        world.run()


def test_any_other_refusal_of_the_model_is_not_swallowed() -> None:
    world = World().data([10]).approved(3)
    world.sagemaker.refuses("create_model", "AccessDeniedException", "no", **create_request(3))
    with pytest.raises(ClientError, match="AccessDenied"):
        world.run()


def test_a_day_without_data_starts_nothing_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert World().data([]).run() == {"status": "no_data", "day": "2026-03-02"}

    counted, line = log_lines(capsys.readouterr)
    assert counted["DaysWithoutData"] == 1
    assert line["event"] == "no_data"
    assert line["input_uri"].endswith("/batch/input/day=2026-03-02/")


def test_a_folder_marker_is_not_data() -> None:
    assert World().data([0]).run()["status"] == "no_data"


def test_data_is_found_on_a_later_page() -> None:
    assert World().data([0], [5]).approved(1).creates_model(1).starts(1).run() == STARTED


def test_without_an_approved_model_nothing_starts(capsys: pytest.CaptureFixture[str]) -> None:
    assert World().data([10]).approved().run() == {"status": "no_model", "day": "2026-03-02"}
    assert log_lines(capsys.readouterr)[0]["DaysWithoutModel"] == 1


@pytest.mark.parametrize(
    "time, day",
    [
        # 29 March 2026: 02:00 becomes 03:00.
        ("2026-03-28T22:59:59Z", "2026-03-28"),
        ("2026-03-28T23:00:00Z", "2026-03-29"),
        ("2026-03-29T00:59:00Z", "2026-03-29"),
        ("2026-03-29T01:00:00Z", "2026-03-29"),
        ("2026-03-29T21:59:59Z", "2026-03-29"),
        ("2026-03-29T22:00:00Z", "2026-03-30"),
        # 25 October 2026: 02:30 comes twice.
        ("2026-10-25T00:30:00Z", "2026-10-25"),
        ("2026-10-25T01:30:00Z", "2026-10-25"),
        ("2026-10-25T22:59:59Z", "2026-10-25"),
        ("2026-10-25T23:00:00+00:00", "2026-10-26"),
    ],
)
def test_the_day_is_the_local_one_when_the_clocks_change(time: str, day: str) -> None:
    assert local_day(parse_scheduled_time(time), ZURICH).isoformat() == day


@pytest.mark.parametrize("time", ["yesterday", "2026-03-02T05:00:00", "", 17])
def test_a_time_that_does_not_fix_a_day_is_refused(time: object) -> None:
    with pytest.raises(InputError, match=r"scheduled_time"):
        World().run({"scheduled_time": time})


def test_a_retry_of_the_same_schedule_repeats_the_token_and_nothing_else_does() -> None:
    tokens = {token(3), token(3), token(4), token(3, "2026-03-02T05:00:01Z")}
    assert len(tokens) == 3
    assert token(3, "2026-03-02T06:00:00+01:00") == token(3)


@given(version=st.integers(1, 10**9), pipeline=st.text(min_size=1, max_size=256))
def test_a_token_has_the_length_that_the_service_takes(version: int, pipeline: str) -> None:
    run = plan_run(BUCKET, "german-credit", DAY)
    scheduled = parse_scheduled_time("2026-03-02T05:00:00Z")
    found = request_token(pipeline, run, Package(arn="a", version=version), scheduled)
    assert 32 <= len(found) <= 128


def test_the_function_says_at_once_which_variables_are_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TIME_ZONE", "Europe/Zuerich")
    with pytest.raises(ConfigurationError) as caught:
        handle(event("scheduler"), Invocation())
    assert "TIME_ZONE is 'Europe/Zuerich', not an IANA time zone" in str(caught.value)
    assert "BUCKET_NAME is not set" in str(caught.value)
