"""How fast the local cloud's own machinery is: ``python benchmarks/control_plane.py [--json]``.

Starts a cloud in a temporary folder, keeps 100 training jobs running in it (or ``--jobs N``), and
measures through the port, as a client does: SageMaker calls one after another, the time from
CreateTrainingJob to the first line of user code, and the server's memory.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from warmfold_local import launcher
from warmfold_local.cloud import Settings

ROLE_NAME = "benchmark"
BUCKET = "benchmark"
# Prints when user code begins, or holds the job open; `-S` because images do not need site either.
PROGRAM = "import sys, time; print(f'started={time.time()};', flush=True); time.sleep({seconds})"
LIMITS = {"call_p99_ms": 20.0, "overhead_p50_s": 0.3, "memory_mb": 300.0}

Report = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--calls", type=int, default=300, help="of each operation")
    arguments = parser.parse_args()
    with running_cloud() as settings:
        report = measure(settings, arguments.jobs, arguments.calls)
    print(json.dumps(report, indent=2) if arguments.json else table(report))
    return 0


@contextmanager
def running_cloud() -> Iterator[Settings]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, seconds in (("quick", 0), ("held", 600)):
            place = root / "images" / name / "v1"
            place.mkdir(parents=True)
            code = PROGRAM.replace("{seconds}", str(seconds))
            argv = [sys.executable, "-S", "-c", code]
            image = {"Entrypoint": argv, "Cmd": [], "Env": {"PATH": "/usr/bin:/bin"}}
            (place / "image.json").write_text(json.dumps(image), encoding="utf-8")
        state = root / "state"
        instance = launcher.start(state, root / "images")
        try:
            yield instance.settings
        finally:
            launcher.stop(state)


def measure(settings: Settings, jobs: int, calls: int) -> Report:
    sagemaker, role = client(settings, "sagemaker"), make_role(settings)
    client(settings, "s3").create_bucket(Bucket=BUCKET)
    pid = json.loads((settings.state_dir / "instance.json").read_text(encoding="utf-8"))["pid"]
    idle = memory_mb(pid)
    overhead = [training_overhead(sagemaker, settings, role, number) for number in range(11)][1:]
    held = [f"held-{number:03d}" for number in range(jobs)]
    for name in held:
        create(sagemaker, settings, role, "held", name)
    for name in held:
        wait_for(partial(runs, sagemaker, name), f"{name} runs")
    timings = {name: timed(call, calls) for name, call in operations(sagemaker).items()}
    return {
        "jobs_live": jobs,
        "calls": {name: summary(values) for name, values in timings.items()},
        "all_calls": summary([value for values in timings.values() for value in values]),
        "training_overhead_s": summary(overhead),
        "server_memory_mb": {"idle": idle, "with_jobs": memory_mb(pid)},
        "limits": LIMITS,
    }


def client(settings: Settings, service: str) -> Any:
    session: Any = boto3.Session(
        aws_access_key_id=settings.account,
        aws_secret_access_key=settings.secret,
        region_name=settings.region,
    )
    config = Config(retries={"total_max_attempts": 1})
    return session.client(service, endpoint_url=settings.endpoint_url, config=config)


def make_role(settings: Settings) -> str:
    """A role that may do anything: what is permitted is not what is measured."""
    iam = client(settings, "iam")
    principal = {"Service": "sagemaker.amazonaws.com"}
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    arn = iam.create_role(RoleName=ROLE_NAME, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=ROLE_NAME, PolicyName="all", PolicyDocument=policy(allow))
    return str(arn)


def policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def create(sagemaker: Any, settings: Settings, role: str, image: str, name: str) -> None:
    sagemaker.create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={
            "TrainingImage": f"{settings.account}.dkr.ecr.us-east-1.amazonaws.com/{image}:v1",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "started", "Regex": "started=([0-9.]+);"}],
        },
        RoleArn=role,
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )


def training_overhead(sagemaker: Any, settings: Settings, role: str, number: int) -> float:
    """Seconds from the call to the first line of user code, one job at a time."""
    name = f"quick-{number:03d}"
    began = time.time()
    create(sagemaker, settings, role, "quick", name)

    def job() -> Any:
        return sagemaker.describe_training_job(TrainingJobName=name)

    wait_for(lambda: job()["TrainingJobStatus"] == "Completed", f"{name} completes")
    return float(job()["FinalMetricDataList"][0]["Value"]) - began


def runs(sagemaker: Any, name: str) -> bool:
    """Whether its container has started to print."""
    job = sagemaker.describe_training_job(TrainingJobName=name)
    return job["TrainingJobStatus"] == "InProgress" and bool(job.get("FinalMetricDataList"))


def operations(sagemaker: Any) -> dict[str, Callable[[], Any]]:
    numbers = iter(range(1_000_000))
    return {
        "DescribeTrainingJob": lambda: sagemaker.describe_training_job(TrainingJobName="held-000"),
        "ListTrainingJobs": lambda: sagemaker.list_training_jobs(MaxResults=10),
        "ListTrainingJobs (100)": lambda: sagemaker.list_training_jobs(MaxResults=100),
        "ListEndpoints": sagemaker.list_endpoints,
        "CreateModelPackageGroup": lambda: sagemaker.create_model_package_group(
            ModelPackageGroupName=f"group-{next(numbers)}"
        ),
    }


def timed(call: Callable[[], Any], calls: int) -> list[float]:
    """Milliseconds of each call, after a few that do not count."""
    for _ in range(5):
        call()
    found = []
    for _ in range(calls):
        began = time.perf_counter()
        call()
        found.append(1000 * (time.perf_counter() - began))
    return found


def summary(values: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": round(cuts[49], 3), "p99": round(cuts[98], 3), "max": round(max(values), 3)}


def memory_mb(pid: int) -> float:
    """Resident, of the server alone: its children are the user's containers."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    resident = next(line for line in lines if line.startswith("VmRSS"))
    return round(int(resident.split()[1]) / 1024, 1)


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.02)


def table(report: Report) -> str:
    rows = [("ms, with jobs live: " + str(report["jobs_live"]), "p50", "p99", "max")]
    shown = {**report["calls"], "all of them": report["all_calls"]}
    shown["create to user code (s)"] = report["training_overhead_s"]
    rows += [(name, *(str(v[key]) for key in ("p50", "p99", "max"))) for name, v in shown.items()]
    memory = report["server_memory_mb"]
    rows.append(("server memory (MB)", f"{memory['idle']} idle", str(memory["with_jobs"]), ""))
    return "\n".join(f"{name:<28}{p50:>12}{p99:>10}{top:>10}" for name, p50, p99, top in rows)


if __name__ == "__main__":
    sys.exit(main())
