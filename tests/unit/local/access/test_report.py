"""The report, and the recorder that it is made from."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.local.access.clouds import bare_cloud
from warmfold_local.access.asks import Ask, Decision
from warmfold_local.access.recorder import KIND, LIMIT, Recorder
from warmfold_local.access.report import Denied, Unused, Used, report

ALLOWED = Decision(allowed=True, statement="own#0")
REFUSED = Decision(allowed=False, reason="because no identity-based policy allows it")
READ = Ask(action="s3:GetObject", resource="arn:aws:s3:::b/x", context={"k": ("a", "b")})
POLICY = {
    "own": {
        "Statement": [
            {"Effect": "Allow", "Action": ["s3:Get*", "s3:PutObject"], "Resource": "*"},
            {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"},
        ]
    }
}


def calls_of(recorder: Recorder, cloud: Any) -> list[Any]:
    return [call for record in cloud.table(KIND) for call in record["Calls"]]


def test_a_call_is_recorded_once_also_after_a_restart() -> None:
    cloud = bare_cloud()
    for _ in range(2):  # a second recorder is another life of the same cloud
        recorder = Recorder(cloud)
        recorder.note("trial", READ, ALLOWED)
        recorder.note("trial", READ, ALLOWED)
    assert len(calls_of(recorder, cloud)) == 1


@given(st.integers(min_value=0, max_value=3 * LIMIT))
def test_of_one_role_and_action_so_many_calls_are_kept(count: int) -> None:
    cloud = bare_cloud()
    recorder = Recorder(cloud)
    for number in range(count):
        recorder.note("trial", Ask(action="s3:GetObject", resource=str(number)), ALLOWED)
    assert len(calls_of(recorder, cloud)) == min(count, LIMIT)
    assert [record["More"] for record in cloud.table(KIND)] == ([count > LIMIT] if count else [])


def test_the_report_tells_used_from_never_used_and_denied() -> None:
    cloud = bare_cloud()
    recorder = Recorder(cloud)
    recorder.note("trial", READ, ALLOWED)
    write = Ask(action="s3:PutObject", resource="arn:aws:s3:::b/y")
    recorder.note("trial", write, REFUSED)
    recorder.note("events.amazonaws.com", Ask(action="sqs:SendMessage"), ALLOWED)
    usage = {"roles": {"trial": POLICY, "idle": {}}, "calls": list(cloud.table(KIND))}
    events, idle, trial = report(usage)
    assert events.used == (Used(action="sqs:SendMessage", statements=("own#0",), resources=("*",)),)
    assert (idle.used, idle.never_used, idle.denied) == ((), (), ())
    assert trial.used == (
        Used(action="s3:GetObject", statements=("own#0",), resources=(READ.resource,)),
    )
    assert trial.never_used == (Unused(action="s3:PutObject", statement="own#0", resources=("*",)),)
    assert trial.denied == (
        Denied(action="s3:PutObject", resource=write.resource, reason=REFUSED.reason),
    )
