"""A modelled account: rates, quotas, pools and endings of training jobs on virtual time."""

import pytest

from warmfold_local.modelled.account import Account, Ending, Pace, Refused
from warmfold_local.modelled.clock import Clock, Process
from warmfold_local.modelled.matching import ClusterKey
from warmfold_local.modelled.quotas import Quotas
from warmfold_local.modelled.rates import DOCUMENTED

TYPE = "ml.m5.xlarge"
KEY = ClusterKey(role_arn="fold", instance_type=TYPE, instance_count=1, volume_gib=1)
ONE_POOL = Quotas({f"{TYPE} for training warm pool usage": 1, f"{TYPE} for training job usage": 1})


def account(**members: object) -> Account:
    values = {"clock": Clock(), "rates": {}, "quotas": ONE_POOL, **members}
    return Account(**values)  # type: ignore[arg-type]


def run(own: Account, process: Process) -> None:
    own.clock.spawn(process)
    own.clock.run()


def test_a_job_starts_cold_ends_and_leaves_its_machine_to_the_next() -> None:
    own = account(pace=Pace(release_seconds=30.0))
    seen: list[tuple[str, str | None]] = []

    def look(name: str) -> None:
        seen.extend((job.status, pool) for job, pool in own.listed(name))

    def process() -> Process:
        own.create("one", KEY, 600)
        look("one")
        yield 241.0
        look("one")
        yield 30.0
        look("one")
        own.create("two", KEY, 600)
        look("one")

    run(own, process())
    assert seen == [
        ("InProgress", "InUse"),
        ("Completed", "InUse"),
        ("Completed", "Available"),
        ("Completed", "Reused"),
    ]
    assert [job.warm for job in own.jobs.values()] == [False, True]
    assert own.most_live == 1


def test_what_the_account_refuses_has_awss_own_code() -> None:
    own = account(rates=DOCUMENTED)
    codes: list[str] = []

    def refused(call: object, *arguments: object) -> None:
        with pytest.raises(Refused) as caught:
            call(*arguments)  # type: ignore[operator]
        codes.append(caught.value.code)

    def process() -> Process:
        refused(own.describe, "none")
        refused(own.stop, "none")
        own.create("one", KEY, 0)
        refused(own.create, "two", KEY, 0)
        yield 1.0
        refused(own.create, "two", KEY, 0)
        yield 1.0
        refused(own.create, "one", KEY, 0)

    run(own, process())
    assert codes == [
        "ValidationException",
        "ValidationException",
        "ThrottlingException",
        "ResourceLimitExceeded",
        "ResourceInUse",
    ]
    assert own.throttled == {"CreateTrainingJob": 1}


def test_a_job_ends_as_scripted_or_is_stopped() -> None:
    failed = Ending(status="Failed", reason="CapacityError: none")
    own = account(quotas=Quotas(), outcomes=lambda name: failed if name == "one" else Ending())

    def process() -> Process:
        own.create("one", KEY, 0)
        own.create("two", KEY, 0)
        yield 10.0
        own.stop("two")

    run(own, process())
    assert [(job.status, job.ended) for job in own.jobs.values()] == [
        ("Failed", 240.0),
        ("Stopped", 15.0),
    ]
