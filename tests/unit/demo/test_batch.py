"""The one-time schedule has the daily schedule's target, with the time filled in."""

import json
from datetime import UTC, datetime

import pytest

from warmfold.demo.batch import manifest_uri, one_time_target
from warmfold.runs.aws import Deployment

AT = datetime(2026, 3, 29, 4, 0, tzinfo=UTC)


def test_the_target_keeps_function_and_role_and_gets_the_scheduled_time() -> None:
    target = {
        "Arn": "arn:aws:lambda:us-east-1:000000000000:function:start",
        "RoleArn": "arn:aws:iam::000000000000:role/schedule",
        "Input": '{"scheduled_time":"<aws.scheduler.scheduled-time>"}',
        "RetryPolicy": {"MaximumRetryAttempts": 5},
    }
    filled = one_time_target(target, AT)
    assert json.loads(filled["Input"]) == {"scheduled_time": "2026-03-29T04:00:00Z"}
    assert {**filled, "Input": None} == {**target, "Input": None}


def test_a_deployed_input_that_is_no_json_is_not_sent() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        one_time_target({"Input": "<aws.scheduler.scheduled-time>x"[30:]}, AT)


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_manifest_stands_in_the_days_folder(slash: str) -> None:
    deployment = Deployment(
        model="m", training={}, serving={}, batch={"BatchOutputUri": f"s3://b/m/output{slash}"}
    )
    assert manifest_uri(deployment, "2026-03-29") == "s3://b/m/output/day=2026-03-29/manifest.json"
