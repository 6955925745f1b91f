"""When a schedule is due by its own clock, across its changes, and what its target is handed."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from warmfold_local.ministack_schedules import Ticker, parse_expression
from warmfold_local.schedules import fill_context, scheduled_time, zone_of

FIRED = datetime(2026, 3, 29, 4, 0, 7, 250_000, tzinfo=UTC)
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
# Berlin: 2026-03-29 02:00 becomes 03:00, and 2026-10-25 03:00 becomes 02:00, both at 01:00 UTC.
SPRING, AUTUMN = datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)


def schedule(expression: str, zone: str = "UTC") -> dict[str, Any]:
    return {"ScheduleExpression": expression, "ScheduleExpressionTimezone": zone}


def firings(expression: str, zone: str, start: datetime, end: datetime) -> list[str]:
    """All of them in UTC, by asking for the next one again and again."""
    parsed, found, last = parse_expression(schedule(expression, zone)), [], start
    while (due := parsed.due(last, start)) is not None and due < end:
        found.append(f"{due:%m-%d %H:%M}")
        last = due
    return found


@pytest.mark.parametrize("expression", ["cron(0 4 * * ? *)", "rate(1 minute)"])
def test_a_recurring_firing_was_due_on_the_full_minute(expression: str) -> None:
    assert scheduled_time(schedule(expression), FIRED) == datetime(2026, 3, 29, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize("zone, hour", [("UTC", 4), (BERLIN, 2), (NEW_YORK, 8)])
def test_a_one_time_firing_is_due_when_its_expression_says(zone: str, hour: int) -> None:
    wanted = schedule("at(2026-03-29T04:00:05)", zone)
    due = datetime(2026, 3, 29, hour, 0, 5, tzinfo=UTC)
    assert scheduled_time(wanted, FIRED) == due
    assert parse_expression(wanted).due(None, FIRED) == due
    assert parse_expression(wanted).due(due, FIRED) is None


def test_every_keyword_is_filled_and_nothing_else_is_touched() -> None:
    text = (
        "<aws.scheduler.scheduled-time>|<aws.scheduler.schedule-arn>|"
        "<aws.scheduler.execution-id>|<aws.scheduler.attempt-number>|<aws.other>"
    )
    filled = fill_context(text, due=FIRED, schedule_arn="arn:s", execution_id="e-1")
    assert filled == "2026-03-29T04:00:07Z|arn:s|e-1|1|<aws.other>"


def test_the_same_hour_of_the_day_is_another_one_in_utc_after_the_change() -> None:
    days = timedelta(days=2)
    spring = firings("cron(0 6 * * ? *)", BERLIN, SPRING - days, SPRING + days)
    assert spring == ["03-27 05:00", "03-28 05:00", "03-29 04:00", "03-30 04:00"]
    autumn = firings("cron(0 6 * * ? *)", BERLIN, AUTUMN - days, AUTUMN + days)
    assert autumn == ["10-23 04:00", "10-24 04:00", "10-25 05:00", "10-26 05:00"]


def test_a_time_that_the_change_leaves_out_is_skipped() -> None:
    day = timedelta(days=1)
    found = firings("cron(30 2 * * ? *)", BERLIN, SPRING - day, SPRING + 2 * day)
    assert found == ["03-28 01:30", "03-30 00:30"]


def test_a_time_that_comes_twice_is_taken_once() -> None:
    day = timedelta(days=1)
    found = firings("cron(30 2 * * ? *)", BERLIN, AUTUMN - day, AUTUMN + 2 * day)
    assert found == ["10-24 00:30", "10-25 00:30", "10-26 01:30"]


def test_every_quarter_of_an_hour_is_taken_once_by_the_clock() -> None:
    two_hours = timedelta(hours=2)
    found = firings(
        "cron(0/30 * * * ? *)", BERLIN, AUTUMN - timedelta(minutes=1), AUTUMN + two_hours
    )
    assert found == ["10-25 00:00", "10-25 00:30"]  # 02:00 and 02:30, not once more at 01:00 UTC
    found = firings("cron(0/30 * * * ? *)", BERLIN, SPRING, SPRING + two_hours)
    assert found == ["03-29 00:30", "03-29 01:00", "03-29 01:30"]  # 01:30, then 03:00 and 03:30


def test_a_rate_counts_hours_whatever_the_clock_shows() -> None:
    found = firings("rate(1 day)", BERLIN, AUTUMN - timedelta(hours=12), AUTUMN + timedelta(days=2))
    assert found == ["10-25 12:00", "10-26 12:00"]


def test_the_last_day_of_the_month_is_the_zones_own() -> None:
    start = datetime(2026, 2, 1, tzinfo=UTC)
    found = firings("cron(0 22 L * ? *)", NEW_YORK, start, start + timedelta(days=60))
    assert found == ["02-01 03:00", "03-01 03:00", "04-01 02:00"]


def test_what_is_no_zone_and_no_expression_is_said() -> None:
    with pytest.raises(ValueError, match="'Mars/Olympus' is not a time zone"):
        zone_of(schedule("rate(1 day)", "Mars/Olympus"))
    assert zone_of({}) == ZoneInfo("UTC")
    with pytest.raises(ValueError, match="'hourly' is no at"):
        parse_expression(schedule("hourly"))


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now.timestamp()


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> dict[Any, Any]:
    """The schedules of ministack, and what has fired: nothing is really called."""
    from ministack.services import eventbridge, scheduler

    def invoke(_target: Any, event: dict[str, Any], rule: dict[str, Any]) -> None:
        at = datetime.fromtimestamp(event["Time"], UTC)
        fired.append(f"{rule['Name']} {scheduled_time(rule, at):%m-%d %H:%M}")

    fired: list[str] = []
    monkeypatch.setattr(eventbridge, "_invoke_target", invoke)
    monkeypatch.setattr(scheduler._schedules, "_data", {})
    return {"data": scheduler._schedules._data, "fired": fired}


def add(stored: dict[Any, Any], name: str, expression: str, zone: str, **members: Any) -> None:
    stored["data"]["000000000000", "us-east-1", f"default/{name}"] = {
        "Name": name,
        "Arn": f"arn:{name}",
        "State": "ENABLED",
        "Target": {"Arn": "arn:target"},
        **schedule(expression, zone),
        **members,
    }


@pytest.mark.parametrize(
    "change, wanted",
    [
        (
            SPRING,
            ["berlin 03-28 02:30", "utc 03-28 03:30", "berlin 03-29 01:30", "utc 03-29 03:30"],
        ),
        (
            AUTUMN,
            ["berlin 10-24 01:30", "utc 10-24 03:30", "berlin 10-25 02:30", "utc 10-25 03:30"],
        ),
    ],
)
def test_the_ticker_fires_by_each_schedules_zone_on_both_sides_of_a_change(
    stored: dict[Any, Any], change: datetime, wanted: list[str]
) -> None:
    add(stored, "berlin", "cron(30 3 * * ? *)", BERLIN)
    add(stored, "utc", "cron(30 3 * * ? *)", "UTC")
    clock = Clock(change - timedelta(days=1))
    ticker = Ticker(clock)
    while clock.now < change + timedelta(days=1):
        ticker.tick()
        clock.now += timedelta(seconds=50)
    assert stored["fired"] == wanted


def test_the_ticker_keeps_to_state_dates_and_completion(stored: dict[Any, Any]) -> None:
    clock = Clock(AUTUMN)
    hour, epoch = timedelta(hours=1), AUTUMN.timestamp()
    add(stored, "off", "rate(1 minute)", "UTC", State="DISABLED", CreationDate=epoch)
    add(stored, "later", "rate(1 minute)", "UTC", StartDate=(AUTUMN + hour).timestamp())
    add(
        stored,
        "over",
        "rate(1 minute)",
        "UTC",
        EndDate=(AUTUMN - hour).timestamp(),
        ActionAfterCompletion="DELETE",
    )
    add(stored, "once", "at(2026-10-25T02:00:30)", BERLIN, ActionAfterCompletion="DELETE")
    add(stored, "bad", "sometimes", "UTC")
    ticker = Ticker(clock)
    for _ in range(3):
        ticker.tick()
        clock.now += timedelta(seconds=40)
    assert stored["fired"] == ["once 10-25 00:00"]
    assert [key[2] for key in stored["data"]] == ["default/off", "default/later", "default/bad"]
