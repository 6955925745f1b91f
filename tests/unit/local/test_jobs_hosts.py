"""Jobs of several hosts: who they are, how they find each other, what each gets and leaves."""

import io
import json
import socket
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.local.jobs_support import BUCKET, Bench, channel, training_request
from warmfold_local.engine import hosts, sandbox
from warmfold_local.engine.sandbox import Kind

BASE = """
import json, os, pathlib, socket, sys, time
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
config = json.loads((base / "input/config/resourceconfig.json").read_text())
me = config["current_host"]
places = dict(item.split("=") for item in os.environ["WARMFOLD_HOST_ADDRESSES"].split(","))
"""
# Every host but the first says its name to the first one.
MEET = (
    BASE
    + """
if me == "algo-1":
    with socket.create_server((places[me], 47011)) as server:
        server.settimeout(20)
        for _ in config["hosts"][1:]:
            with server.accept()[0] as peer:
                print("met", peer.recv(100).decode(), flush=True)
else:
    for _ in range(400):
        try:
            with socket.create_connection((places["algo-1"], 47011), 5) as peer:
                peer.sendall(me.encode())
            break
        except OSError:
            time.sleep(0.02)
    else:
        raise SystemExit("algo-1 was not there")
"""
)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "with spaces")


@pytest.fixture(params=["none", "unshare", "bubblewrap"])
def kind(request: pytest.FixtureRequest) -> Iterator[Kind]:
    yield from use(request.param)


@pytest.fixture(params=["unshare", "bubblewrap"])
def walled(request: pytest.FixtureRequest) -> Iterator[Kind]:
    yield from use(request.param)


def use(wanted: Kind) -> Iterator[Kind]:
    if not sandbox.usable(wanted):
        pytest.skip(f"{wanted} does not work on this machine")
    with sandbox.forced(wanted):
        yield wanted


def several(count: int) -> dict[str, Any]:
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": count, "VolumeSizeInGB": 1}
    return {"ResourceConfig": resources}


def members(bench: Bench, key: str = "out/job/output/model.tar.gz") -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(bench.get(key))) as tar:
        return {m.name: stream.read() for m in tar if (stream := tar.extractfile(m)) is not None}


def test_hosts_meet_at_addresses_of_their_own(bench: Bench, kind: Kind) -> None:
    assert hosts.own_addresses(), "Linux answers on all of 127.0.0.0/8"
    bench.train(bench.image(MEET), **several(3))
    job = bench.ended_training()
    assert job["TrainingJobStatus"] == "Completed", (kind, bench.log("training"))
    assert sorted(bench.log("training").split("\n")[:2]) == ["met algo-2", "met algo-3"]


@pytest.mark.usefixtures("walled")
def test_an_isolated_jobs_hosts_meet_and_nobody_else(bench: Bench) -> None:
    outside = (
        BASE
        + """
try:
    socket.create_connection(("127.0.0.1", PORT), 2)
except OSError:
    pass
else:
    raise SystemExit("the machine's network is there")
"""
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = outside.replace("PORT", str(server.getsockname()[1])) + MEET
        bench.train(bench.image(code), EnableNetworkIsolation=True, **several(2))
        job = bench.ended_training()
    assert job["TrainingJobStatus"] == "Completed", bench.log("training")
    assert bench.log("training") == "met algo-2\n"


@pytest.mark.usefixtures("walled")
def test_names_of_hosts_resolve_behind_walls(bench: Bench) -> None:
    code = BASE + "assert {n: socket.gethostbyname(n) for n in places} == places\n"
    bench.train(bench.image(code), **several(2))
    assert bench.ended_training()["TrainingJobStatus"] == "Completed", bench.log("training")


def test_every_host_reads_who_it_is_and_the_first_ones_model_is_the_jobs(bench: Bench) -> None:
    code = BASE + '(base / "model" / f"{me}.json").write_text(json.dumps(config))\n'
    bench.train(bench.image(code), **several(2))
    bench.ended_training()
    model = members(bench)
    assert list(model) == ["algo-1.json"]
    config = json.loads(model["algo-1.json"])
    assert config["current_host"] == "algo-1"
    assert config["hosts"] == ["algo-1", "algo-2"]
    assert config["instance_groups"] == [
        {
            "instance_group_name": "homogeneousCluster",
            "instance_type": "ml.m5.large",
            "hosts": ["algo-1", "algo-2"],
        }
    ]


def test_a_hosts_failure_is_the_jobs_and_ends_the_others(bench: Bench, kind: Kind) -> None:
    code = (
        BASE
        + """
import signal
if me == "algo-2":
    time.sleep(0.3)
    (base / "output" / "failure").write_text("bad shard")
    raise SystemExit(3)
def end(*_):
    print("asked to end", flush=True)
    raise SystemExit(0)
signal.signal(signal.SIGTERM, end)
time.sleep(60)
"""
    )
    bench.train(bench.image(code), **several(2))
    job = bench.ended_training()
    assert job["TrainingJobStatus"] == "Failed", kind
    assert job["FailureReason"] == "AlgorithmError: bad shard, exit code: 3"
    assert bench.log("training") == "asked to end\n"


def test_a_stop_reaches_every_host(bench: Bench) -> None:
    code = (
        BASE
        + """
import signal
def end(*_):
    print("asked to end", flush=True)
    raise SystemExit(143)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(60)
"""
    )
    bench.train(bench.image(code), **several(2))
    folder = bench.cloud.settings.state_dir / "jobs" / "training" / "job"
    logs = [folder / "log.txt", folder / "log-algo-2.txt"]
    bench.wait(lambda: all(log.exists() and "ready" in log.read_text("utf-8") for log in logs))
    bench.call("StopTrainingJob", TrainingJobName="job")
    assert bench.ended_training()["TrainingJobStatus"] == "Stopped"
    assert [log.read_text("utf-8") for log in logs] == ["ready\nasked to end\n"] * 2


def test_sharded_channels_are_dealt_out_and_replicated_ones_are_not(bench: Bench) -> None:
    for name in "abc":
        bench.put(f"data/{name}", name)
    code = BASE + (
        'data = base / "input" / "data"\n'
        'print(*sorted(f"{p.parent.name}/{p.name}" for p in data.glob("*/*")))\n'
    )
    uri = f"s3://{BUCKET}/data/"
    sharded = channel("shard", uri, S3DataDistributionType="ShardedByS3Key")
    bench.train(bench.image(code), **several(2), InputDataConfig=[sharded, channel("all", uri)])
    assert bench.ended_training()["TrainingJobStatus"] == "Completed"
    other = bench.cloud.settings.state_dir / "jobs" / "training" / "job" / "log-algo-2.txt"
    assert bench.log("training") == "all/a all/b all/c shard/a shard/c\n"
    assert other.read_text("utf-8") == "all/a all/b all/c shard/b\n"


def test_every_hosts_lines_are_read_for_metrics(bench: Bench) -> None:
    image = bench.image(BASE + 'print(f"{me} score={len(places)};")')
    own = training_request(image)["AlgorithmSpecification"]
    regex = [{"Name": "score", "Regex": "algo-2 score=([^;]*);"}]
    algorithm = {**own, "MetricDefinitions": regex}
    bench.train(image, AlgorithmSpecification=algorithm, **several(2))
    metric = bench.ended_training()["FinalMetricDataList"][0]
    assert (metric["MetricName"], metric["Value"]) == ("score", 2.0)


def test_a_processing_job_gathers_the_outputs_of_all_its_hosts(bench: Bench) -> None:
    code = """
        import json, os, pathlib
        base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
        me = json.loads((base / "config/resourceconfig.json").read_text())["current_host"]
        (base / "processing/output" / me).write_text(me)
        (base / "processing/output/same").write_text(me)
    """
    cluster = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}
    target = {"S3Uri": f"s3://{BUCKET}/out", "LocalPath": "/opt/ml/processing/output"}
    output = {"OutputName": "o", "S3Output": {**target, "S3UploadMode": "EndOfJob"}}
    bench.call(
        "CreateProcessingJob",
        ProcessingJobName="job",
        ProcessingResources={"ClusterConfig": cluster},
        AppSpecification={"ImageUri": bench.image(code)},
        RoleArn="arn:aws:iam::000000000000:role/warmfold-local-trial",
        ProcessingOutputConfig={"Outputs": [output]},
    )
    table = bench.cloud.table("Processing job")
    bench.wait(lambda: "ProcessingEndTime" in table.get("job"))
    assert table.get("job")["ProcessingJobStatus"] == "Completed"
    found = {key: data for (_, key), data in bench.s3.objects.items()}
    assert found == {"out/algo-1": b"algo-1", "out/algo-2": b"algo-2", "out/same": b"algo-1"}


def test_a_host_that_cannot_start_leaves_no_other_running(bench: Bench) -> None:
    bench.train(bench.image("pass", entrypoint=["nonesuch"]), **several(2))
    assert "did not start" in bench.ended_training()["FailureReason"]


def test_addresses_are_given_back_and_never_shared() -> None:
    with hosts.leased_hosts(4660, 2) as first, hosts.leased_hosts(4660, 2) as second:
        places = {host.address for host in (*first, *second)}
    assert places == {f"127.18.52.{number}" for number in range(1, 5)}
    with hosts.leased_hosts(4660, 254) as every:
        assert len({host.address for host in every}) == 254
        with pytest.raises(hosts.NoAddress, match="2 hosts need"), hosts.leased_hosts(4660, 2):
            pass


def test_where_addresses_are_shared_hosts_differ_by_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "own_addresses", lambda: False)
    with hosts.leased_hosts(4660, 2) as found:
        assert [host.address for host in found] == ["127.0.0.1", "127.0.0.1"]
        assert len({host.port for host in found}) == 2
        value = hosts.address_variable(found)[hosts.ADDRESSES_VARIABLE]
    assert value == f"algo-1=127.0.0.1:{found[0].port},algo-2=127.0.0.1:{found[1].port}"
