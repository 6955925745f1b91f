"""What a schedule's target is handed in the place of Scheduler's keywords."""

from datetime import UTC, datetime

import pytest

from warmfold_local.schedules import fill_context, scheduled_time

FIRED = datetime(2026, 3, 29, 4, 0, 7, 250_000, tzinfo=UTC)


@pytest.mark.parametrize("expression", ["cron(0 4 * * ? *)", "rate(1 minute)"])
def test_a_recurring_firing_was_due_on_the_full_minute(expression: str) -> None:
    assert scheduled_time(expression, FIRED) == datetime(2026, 3, 29, 4, 0, tzinfo=UTC)


def test_a_one_time_firing_was_due_when_its_expression_says() -> None:
    due = scheduled_time("at(2026-03-29T04:00:05)", FIRED)
    assert due == datetime(2026, 3, 29, 4, 0, 5, tzinfo=UTC)


def test_every_keyword_is_filled_and_nothing_else_is_touched() -> None:
    text = (
        "<aws.scheduler.scheduled-time>|<aws.scheduler.schedule-arn>|"
        "<aws.scheduler.execution-id>|<aws.scheduler.attempt-number>|<aws.other>"
    )
    filled = fill_context(text, due=FIRED, schedule_arn="arn:s", execution_id="e-1")
    assert filled == "2026-03-29T04:00:07Z|arn:s|e-1|1|<aws.other>"
