"""Training jobs on spot capacity that is taken back: they go on from their checkpoints, in time."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.local.jobs_support import BUCKET, Bench
from warmfold_local.faults.kinds import Budget, Killed, SpotInterrupted

# Counts its starts in a checkpoint, and needs two of them.
TWICE = """
import os, pathlib, time
path = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"]) / "checkpoints" / "starts"
starts = int(path.read_text()) + 1 if path.exists() else 1
path.write_text(str(starts))
print("start", starts, flush=True)
time.sleep(0 if starts == 2 else 60)
"""
CHECKPOINTS = {"S3Uri": f"s3://{BUCKET}/points", "LocalPath": "/opt/ml/checkpoints"}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def on_spot(bench: Bench, code: str, *, longest: int = 60, **members: Any) -> None:
    bench.train(
        bench.image(code),
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": longest} | members,
        CheckpointConfig=CHECKPOINTS,
    )


def interrupt(bench: Bench, **members: Any) -> None:
    bench.cloud.faults.add(SpotInterrupted(match="job", **{"at_line": 1, **members}))


def states(job: dict[str, Any]) -> list[str]:
    return [each["Status"] for each in job["SecondaryStatusTransitions"]]


def test_an_interrupted_job_starts_again_with_its_checkpoints(bench: Bench) -> None:
    interrupt(bench, wait_seconds=0.2)
    on_spot(bench, TWICE, MaxRuntimeInSeconds=30)
    job = bench.ended_training()
    assert job["TrainingJobStatus"] == "Completed"
    assert bench.get("points/starts") == b"2"
    starts = [line for line in bench.log("training").splitlines() if line.startswith("start")]
    assert starts == ["start 1", "start 2"]
    once = ["Starting", "Downloading", "Training"]
    assert states(job) == [*once, "Interrupted", *once, "Uploading", "Completed"]
    assert 1 <= job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"]
    told = [event["detail"]["SecondaryStatus"] for event in bench.events.all]
    assert "Interrupted" in told


def test_without_checkpoints_an_interrupted_job_starts_anew(bench: Bench) -> None:
    interrupt(bench)
    code = """
import os, pathlib, time
model = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"]) / "model"
assert list(model.iterdir()) == []
(model / "model.txt").write_text("x")
print("trained", flush=True)
time.sleep(1.5)
"""
    stopping = {"MaxRuntimeInSeconds": 30, "MaxWaitTimeInSeconds": 60}
    bench.train(bench.image(code), EnableManagedSpotTraining=True, StoppingCondition=stopping)
    job = bench.ended_training()
    assert (job["TrainingJobStatus"], states(job).count("Training")) == ("Completed", 2)
    assert [key for _, key in bench.s3.objects] == ["out/job/output/model.tar.gz"]


def test_a_job_may_be_interrupted_more_than_once(bench: Bench) -> None:
    interrupt(bench, budget=Budget(times=2))
    on_spot(bench, TWICE.replace("starts == 2", "starts == 3"), MaxRuntimeInSeconds=30)
    job = bench.ended_training()
    assert (job["TrainingJobStatus"], bench.get("points/starts")) == ("Completed", b"3")
    assert states(job).count("Interrupted") == 2


def test_without_other_capacity_in_time_a_job_is_given_up(bench: Bench) -> None:
    interrupt(bench, wait_seconds=600)
    on_spot(bench, TWICE, longest=1)
    job = bench.ended_training()
    assert job["TrainingJobStatus"] == "Stopped"
    assert job["SecondaryStatus"] == states(job)[-1] == "MaxWaitTimeExceeded"
    assert "ModelArtifacts" not in job
    assert bench.get("points/starts") == b"1"


def test_waiting_is_not_billed(bench: Bench) -> None:
    interrupt(bench, wait_seconds=600)
    on_spot(bench, TWICE, longest=3, MaxRuntimeInSeconds=2)
    job = bench.ended_training()
    lasted = (job["TrainingEndTime"] - job["CreationTime"]).total_seconds()
    assert lasted >= 3 > job["BillableTimeInSeconds"]


def test_a_job_that_waits_for_capacity_can_be_stopped(bench: Bench) -> None:
    interrupt(bench, wait_seconds=600)
    on_spot(bench, TWICE)
    bench.wait(lambda: bench.training_job()["SecondaryStatus"] == "Interrupted")
    bench.call("StopTrainingJob", TrainingJobName="job")
    assert bench.ended_training()["TrainingJobStatus"] == "Stopped"


def test_spot_capacity_ends_a_job_over_its_runtime_as_any_other(bench: Bench) -> None:
    on_spot(bench, TWICE)
    assert bench.ended_training()["SecondaryStatus"] == "MaxRuntimeExceeded"


def test_only_jobs_on_spot_capacity_are_interrupted(bench: Bench) -> None:
    interrupt(bench)
    bench.train(bench.image("print('ran')"))
    assert bench.ended_training()["TrainingJobStatus"] == "Completed"
    assert bench.cloud.faults.listed()["firings"] == []


def test_a_container_on_spot_capacity_may_fail_by_itself(bench: Bench) -> None:
    bench.cloud.faults.add(Killed(match="job", at_line=1))
    on_spot(bench, TWICE, MaxRuntimeInSeconds=30)
    assert bench.ended_training()["FailureReason"].endswith("exit code: 137")
