"""Updates of endpoints: both fleets count, traffic moves step by step, alarms bring it back."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.local.jobs_support import ROLE, Bench
from warmfold_local.errors import ServiceError, ValidationError
from warmfold_local.sagemaker import capacity, deployments, endpoint_weights, endpoints
from warmfold_local.sagemaker.fleet import FleetError
from warmfold_local.sagemaker.rollouts import parse_rollout

MODULES = (endpoint_weights,)  # imported for its operation
TYPE = "ml.m5.large"


class Fleets:
    """In place of ``Fleet``: nothing runs; a configuration in ``broken`` does not come up."""

    def __init__(self) -> None:
        self.broken: set[str] = set()
        self.stopped: list[str] = []
        self.hold = threading.Event()
        self.hold.set()

    def __call__(self, _cloud: Any, _endpoint: str, _generation: int, config: Any) -> Any:
        name = config["EndpointConfigName"]

        def start() -> None:
            self.hold.wait(10)
            if name in self.broken:
                raise FleetError("it did not come up")

        servers = {
            v["VariantName"]: SimpleNamespace(image="i") for v in config["ProductionVariants"]
        }
        stop = lambda: self.stopped.append(name)  # noqa: E731
        return SimpleNamespace(config=config, servers=servers, start=start, stop=stop)


class Alarms:
    def __init__(self) -> None:
        self.states = {"errors": "OK"}

    def describe_alarms(self, *, AlarmNames: list[str], AlarmTypes: list[str]) -> Any:  # noqa: N803
        assert AlarmTypes == ["MetricAlarm", "CompositeAlarm"]
        found = [{"AlarmName": n, "StateValue": self.states[n]} for n in AlarmNames]
        return {"MetricAlarms": found}


@pytest.fixture
def fleets(monkeypatch: pytest.MonkeyPatch) -> Fleets:
    made = Fleets()
    monkeypatch.setattr(endpoints, "Fleet", made)
    monkeypatch.setattr(deployments, "_POLL_SECONDS", 0.01)
    return made


@pytest.fixture
def bench(tmp_path: Path, fleets: Fleets) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    bench.cloud._clients["cloudwatch"] = Alarms()
    container = {"Image": bench.image("")}
    bench.call("CreateModel", ModelName="m", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    for name, count in (("one", 2), ("two", 2), ("large", 4)):
        variant = {"VariantName": "v", "ModelName": "m", "InstanceType": TYPE}
        bench.call(
            "CreateEndpointConfig",
            EndpointConfigName=name,
            ProductionVariants=[{**variant, "InitialInstanceCount": count}],
        )
    bench.call("CreateEndpoint", EndpointName="live", EndpointConfigName="one")
    settled(bench)
    yield bench
    fleets.hold.set()
    bench.cloud.stopping.set()


def alarms(bench: Bench) -> dict[str, str]:
    states: dict[str, str] = bench.cloud._clients["cloudwatch"].states
    return states


def live(bench: Bench) -> dict[str, Any]:
    return bench.call("DescribeEndpoint", EndpointName="live")


def settled(bench: Bench) -> dict[str, Any]:
    bench.wait(lambda: live(bench)["EndpointStatus"] not in endpoints.IN_PROGRESS)
    return live(bench)


def update(bench: Bench, config: str = "two", **members: Any) -> None:
    bench.call("UpdateEndpoint", EndpointName="live", EndpointConfigName=config, **members)


def rollout(kind: str, wait: int = 0, last: int = 0, **traffic: Any) -> dict[str, Any]:
    routing = {"Type": kind, "WaitIntervalInSeconds": wait, **traffic}
    policy = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": last}
    rollback = {"Alarms": [{"AlarmName": "errors"}]}
    config = {"BlueGreenUpdatePolicy": policy, "AutoRollbackConfiguration": rollback}
    return {"DeploymentConfig": config}


def canary(value: int = 50, kind: str = "CAPACITY_PERCENT", **waits: int) -> dict[str, Any]:
    return rollout("CANARY", **waits, CanarySize={"Type": kind, "Value": value})


def share(bench: Bench, requests: int = 2000) -> float:
    """Of so many requests, those that the new fleet would answer."""
    record = bench.cloud.table("Endpoint").get("live")
    taken = [deployments.serving(record)[0] for _ in range(requests)]
    return sum(fleet is not record["_fleet"] for fleet in taken) / requests


def limit(bench: Bench, **values: Any) -> None:
    path = bench.cloud.settings.state_dir / capacity.LIMITS_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values), encoding="utf-8")


@pytest.mark.parametrize("total", [False, True])
def test_an_update_needs_room_for_both_fleets_at_once(
    bench: Bench, fleets: Fleets, total: bool
) -> None:
    name = "Number of instances across active endpoints" if total else f"{TYPE} for endpoint usage"
    limit(bench, **{"account" if total else "quotas": {name: 4}})
    with pytest.raises(ServiceError, match="utilization of 2 Instances and a request delta of 4"):
        update(bench, "large")
    assert live(bench)["EndpointStatus"] == "InService"
    fleets.hold.clear()
    update(bench, "two")
    with pytest.raises(ServiceError, match="current utilization of 4 Instances"):
        bench.call("CreateEndpoint", EndpointName="more", EndpointConfigName="one")
    fleets.hold.set()
    assert settled(bench)["EndpointConfigName"] == "two"
    bench.call("CreateEndpoint", EndpointName="more", EndpointConfigName="one")
    scale = [{"VariantName": "v", "DesiredInstanceCount": 5}]
    asked = {"EndpointName": "live", "DesiredWeightsAndCapacities": scale}
    with pytest.raises(ServiceError, match="and a request delta of 3 Instances"):
        bench.call("UpdateEndpointWeightsAndCapacities", **asked)


def test_a_rolling_update_needs_room_for_a_batch_only(bench: Bench) -> None:
    limit(bench, account={"Number of instances across active endpoints": 4})
    batch = {"Type": "CAPACITY_PERCENT", "Value": 50}
    policy = {"MaximumBatchSize": batch, "WaitIntervalInSeconds": 0}
    update(bench, "large", DeploymentConfig={"RollingUpdatePolicy": policy})
    assert settled(bench)["EndpointConfigName"] == "large"


def test_all_at_once_switches_and_ends_the_old_fleet(bench: Bench, fleets: Fleets) -> None:
    update(bench, **rollout("ALL_AT_ONCE"))
    assert settled(bench)["EndpointConfigName"] == "two"
    assert fleets.stopped == ["one"]


def test_a_canary_gets_its_share_before_all_of_it(bench: Bench, fleets: Fleets) -> None:
    update(bench, **canary(25, wait=3600))
    bench.wait(lambda: share(bench, 100) > 0)
    assert share(bench) == pytest.approx(0.25, abs=0.06)
    described = live(bench)
    assert described["EndpointStatus"] == "Updating"
    assert described["EndpointConfigName"] == "one"
    assert described["PendingDeploymentSummary"]["EndpointConfigName"] == "two"
    assert fleets.stopped == []


def test_a_linear_update_goes_up_in_steps(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    def look(cloud: Any, *_: Any) -> None:
        seen.append(cloud.table("Endpoint").get("live")["_shift"].share)

    monkeypatch.setattr(deployments, "_bake", look)
    step = {"Type": "CAPACITY_PERCENT", "Value": 30}
    update(bench, **rollout("LINEAR", LinearStepSize=step))
    assert settled(bench)["EndpointConfigName"] == "two"
    assert seen == pytest.approx([0.3, 0.6, 0.9, 1.0])


@pytest.mark.parametrize("waits", [{"wait": 3600}, {"last": 3600}])
def test_an_alarm_brings_all_traffic_back_to_the_old_fleet(
    bench: Bench, fleets: Fleets, waits: dict[str, int]
) -> None:
    update(bench, **canary(50, wait=waits.get("wait", 0), last=waits.get("last", 0)))
    bench.wait(lambda: share(bench, 100) > 0)
    alarms(bench)["errors"] = "ALARM"
    described = settled(bench)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "one")
    assert "alarm(s) errors went into the ALARM state" in described["FailureReason"]
    assert "PendingDeploymentSummary" not in described
    assert (share(bench, 200), fleets.stopped) == (0.0, ["two"])
    alarms(bench)["errors"] = "OK"
    update(bench, RetainDeploymentConfig=True)
    bench.wait(lambda: share(bench, 100) > 0)


def test_an_update_that_takes_too_long_is_rolled_back(bench: Bench, fleets: Fleets) -> None:
    plan = parse_rollout(None, 1)
    record = bench.cloud.table("Endpoint").get("live")
    late = type(plan)(limit_seconds=0.02, last_wait_seconds=3600)
    new = fleets(None, "live", 2, record["_fleet"].config)
    with pytest.raises(deployments.RolledBack, match="MaximumExecutionTimeoutInSeconds"):
        deployments.shift_traffic(bench.cloud, record, new, [], late)
    assert "_shift" not in record


def test_a_fleet_that_does_not_come_up_leaves_nothing_behind(bench: Bench, fleets: Fleets) -> None:
    fleets.broken.add("two")
    update(bench, **canary())
    described = settled(bench)
    assert (described["EndpointStatus"], described["FailureReason"]) == (
        "InService",
        "it did not come up",
    )
    assert "_coming" not in bench.cloud.table("Endpoint").get("live")


@pytest.mark.parametrize(
    "members, said",
    [
        (canary(51), "CanarySize must be 0 to 50 percent"),
        (canary(2, "INSTANCE_COUNT"), "it is 2 of 2"),
        (rollout("CANARY"), "CANARY needs a CanarySize"),
        (rollout("LINEAR", LinearStepSize={"Type": "CAPACITY_PERCENT", "Value": 5}), "10 to 50"),
        (
            rollout("ALL_AT_ONCE", CanarySize={"Type": "CAPACITY_PERCENT", "Value": 5}),
            "does not take a CanarySize",
        ),
    ],
)
def test_a_rollout_that_cannot_be_is_refused_and_nothing_begins(
    bench: Bench, members: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        update(bench, **members)
    assert live(bench)["EndpointStatus"] == "InService"


def test_waits_that_exceed_the_limit_are_refused(bench: Bench) -> None:
    asked = canary(50, wait=500, last=200)
    policy = asked["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    policy["MaximumExecutionTimeoutInSeconds"] = 600
    with pytest.raises(ValidationError, match="must be larger than the total waiting"):
        update(bench, **asked)
