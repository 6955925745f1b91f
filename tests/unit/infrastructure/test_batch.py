"""The daily run."""

import json

import pytest

from tests.unit.infrastructure.assembly import Assembly, flat


def test_the_schedule_fires_daily_on_the_clock_of_its_time_zone(prod: Assembly) -> None:
    schedule = prod.stack("batch").only("AWS::Scheduler::Schedule")["Properties"]
    assert schedule["Name"] == "warmfold-prod-german-credit-daily"
    assert schedule["ScheduleExpression"] == "cron(0 6 * * ? *)"
    assert schedule["ScheduleExpressionTimezone"] == "Europe/London"
    assert schedule["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}


def test_the_function_is_told_for_when_it_was_scheduled(prod: Assembly) -> None:
    target = prod.stack("batch").only("AWS::Scheduler::Schedule")["Properties"]["Target"]
    assert json.loads(target["Input"]) == {"scheduled_time": "<aws.scheduler.scheduled-time>"}
    assert "DailyStart" in flat(target["Arn"])


def test_a_run_that_cannot_start_is_retried_and_then_kept(prod: Assembly) -> None:
    target = prod.stack("batch").only("AWS::Scheduler::Schedule")["Properties"]["Target"]
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 21600, "MaximumRetryAttempts": 5}
    assert "DailyDeadLetters" in flat(target["DeadLetterConfig"]["Arn"])


@pytest.mark.parametrize(
    "variable,expected",
    [
        ("MODEL_NAME", "german-credit"),
        ("MODEL_NAME_PREFIX", "warmfold-prod-german-credit"),
        ("MODEL_PACKAGE_GROUP_NAME", "warmfold-prod-german-credit"),
        ("SCORING_PIPELINE_NAME", "warmfold-prod-german-credit-scoring"),
        ("BUCKET_NAME", "warmfold-prod-333333333333-eu-west-1"),
        ("MODEL_ROLE_ARN", "arn:aws:iam::333333333333:role/warmfold-prod-german-credit-model"),
        ("TIME_ZONE", "Europe/London"),
    ],
)
def test_the_function_knows_what_to_start(prod: Assembly, variable: str, expected: str) -> None:
    (start,) = [
        function["Properties"]
        for function in prod.stack("batch").of_type("AWS::Lambda::Function").values()
        if function["Properties"]["Handler"] == "start_batch_scoring.handler.handle"
    ]
    assert flat(start["Environment"]["Variables"][variable]) == expected


def test_what_holds_no_data_goes_with_its_stack_and_gives_its_name_back(prod: Assembly) -> None:
    """A group that is left behind is empty, and its name refuses the next deployment."""
    group = prod.stack("batch").only("AWS::Scheduler::ScheduleGroup")
    assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == ("Delete", "Delete")
