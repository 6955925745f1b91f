"""Jobs' logs where one looks for them: CloudWatch Logs by boto3, and ``warmfold local logs -f``."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.localcloud.conftest import ROLE, RunningCloud, wait_for
from tests.unit.local.jobs_support import training_request

pytestmark = pytest.mark.localcloud

# Its second line comes when it is stopped: however slow the machine, the first is seen alone.
CODE = """
import signal, sys, time
def end(*_):
    print("epoch 2", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("epoch 1", flush=True)
time.sleep(300)
"""
GROUP = "/aws/sagemaker/TrainingJobs"


def test_a_jobs_log_is_in_cloudwatch_while_it_runs_and_followed_by_the_command(
    cloud: RunningCloud, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(CODE, encoding="utf-8")
    image = cloud.add_image("logging", "v1", [sys.executable, str(program)])
    name, client = f"logged-{time.time_ns()}", cloud.client("logs")
    cloud.client("s3").create_bucket(Bucket="artifacts")
    request = {**training_request(image, name), "RoleArn": ROLE}
    cloud.client("sagemaker").create_training_job(**request)

    def events() -> list[dict[str, Any]]:
        """Of this job's streams: the group has every job's."""
        asked = {"logGroupName": GROUP, "logStreamNamePrefix": f"{name}/"}
        streams = client.describe_log_streams(**asked)["logStreams"]
        names = [stream["logStreamName"] for stream in streams]
        if not names:
            return []
        found: list[dict[str, Any]] = client.filter_log_events(
            logGroupName=GROUP, logStreamNames=names
        )["events"]
        return found

    where = ["--state-dir", str(cloud.settings.state_dir)]
    command = [sys.executable, "-m", "warmfold.cli", *where, "local", "logs", "-f", name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as follower:
        wait_for(lambda: _messages(_quietly(events)) == ["epoch 1"], "the first line")
        cloud.client("sagemaker").stop_training_job(TrainingJobName=name)
        wait_for(lambda: _messages(events()) == ["epoch 1", "epoch 2"], "the last line")
        written, _ = follower.communicate(timeout=30)
    assert (written, follower.returncode) == ("epoch 1\nepoch 2\n", 0)
    (stream,) = client.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{name}/")[
        "logStreams"
    ]
    assert stream["logStreamName"].startswith(f"{name}/algo-1-")
    got = client.get_log_events(
        logGroupName=GROUP, logStreamName=stream["logStreamName"], startFromHead=True
    )
    assert _messages(got["events"]) == ["epoch 1", "epoch 2"]


def _quietly(events: Any) -> list[dict[str, Any]]:
    """The group is made with its first line."""
    try:
        found: list[dict[str, Any]] = events()
    except Exception as error:
        if "ResourceNotFoundException" not in str(error):
            raise
        return []
    return found


def _messages(events: list[dict[str, Any]]) -> list[str]:
    return [event["message"] for event in events]
