"""A training job while it runs: metrics, stops, time-outs, checkpoints."""

from pathlib import Path

import pytest

from tests.unit.local.jobs_support import BUCKET, Bench
from tests.unit.local.training_support import BASE, SCORE, WAIT, metrics, statuses, with_metrics
from warmfold_local.errors import (
    ValidationError,
)
from warmfold_local.sagemaker import job_container


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "with spaces")


def test_the_last_value_of_each_metric_is_kept(bench: Bench) -> None:
    code = r"""
        import sys
        print("epoch 1 score=-0.5; loss=1e3; other=1")
        print("score=not a number;")
        print("user says score: 99", flush=True)
        print("loss=-2.5E-03;", file=sys.stderr)
        sys.stdout.buffer.write(b"\xff\xfe score=0.75; caf\xe9\n")
        sys.stdout.flush()
        print("score=nan;")
        print("loss=inf;")
    """
    definitions = [
        {"Name": "score", "Regex": "score=([^;]*);"},
        {"Name": "loss", "Regex": r"loss=([-+0-9.eEinf]+);"},
        {"Name": "absent", "Regex": "absent=([0-9]+)"},
    ]
    image = bench.image(code)
    bench.train(image, **with_metrics(image, definitions))
    assert metrics(bench.ended_training()) == {"score": 0.75, "loss": -0.0025}


def test_an_anchored_metric_is_not_fooled_by_the_users_own_lines(bench: Bench) -> None:
    code = """
        print("#tag# score=0.5;")
        print("my notes: #tag# score=0.9;")
        print("#tag# score=0.9; or so")
    """
    image = bench.image(code)
    definition = {"Name": "score", "Regex": r"^#tag# score=([0-9.]+);$"}
    bench.train(image, **with_metrics(image, [definition]))
    assert metrics(bench.ended_training()) == {"score": 0.5}


def test_metrics_can_be_read_while_the_job_runs(bench: Bench) -> None:
    image = bench.image(WAIT)
    bench.train(image, **with_metrics(image, SCORE))
    bench.wait(lambda: metrics(bench.training_job()) == {"score": 0.5})
    assert bench.training_job()["SecondaryStatus"] == "Training"
    bench.call("StopTrainingJob", TrainingJobName="job")
    bench.ended_training()


def test_a_stopped_job_keeps_what_it_wrote_on_sigterm(bench: Bench) -> None:
    image = bench.image(WAIT)
    bench.train(image, **with_metrics(image, SCORE))
    bench.wait(lambda: metrics(bench.training_job()) == {"score": 0.5})
    bench.call("StopTrainingJob", TrainingJobName="job")
    assert bench.training_job()["TrainingJobStatus"] in ("Stopping", "Stopped")
    job = bench.ended_training()
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Stopped"
    assert statuses(job)[2:] == ["Training", "Stopping", "Uploading", "Stopped"]
    assert metrics(job) == {"score": 0.25}
    assert "FailureReason" not in job
    assert (BUCKET, "out/job/output/model.tar.gz") in bench.s3.objects


def test_sigkill_follows_when_a_stopped_container_ignores_sigterm(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_container, "STOP_GRACE_SECONDS", 0.2)
    code = """
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("ready", flush=True)
        time.sleep(60)
    """
    bench.train(bench.image(code))
    bench.wait(lambda: "ready" in bench.log("training"))
    bench.call("StopTrainingJob", TrainingJobName="job")
    assert bench.ended_training()["TrainingJobStatus"] == "Stopped"


def test_a_job_over_its_time_is_stopped_not_failed(bench: Bench) -> None:
    bench.train(bench.image(WAIT), StoppingCondition={"MaxRuntimeInSeconds": 1})
    job = bench.ended_training()
    assert job["TrainingJobStatus"] == "Stopped"
    assert job["SecondaryStatus"] == "MaxRuntimeExceeded"
    assert statuses(job)[-1] == "MaxRuntimeExceeded"
    assert job["BillableTimeInSeconds"] == 2


def test_a_job_that_has_ended_cannot_be_stopped(bench: Bench) -> None:
    bench.train(bench.image("pass"))
    bench.ended_training()
    with pytest.raises(ValidationError, match="the training job is in status Completed"):
        bench.call("StopTrainingJob", TrainingJobName="job")


def test_jobs_end_stopped_when_the_cloud_shuts_down(bench: Bench) -> None:
    bench.train(bench.image(WAIT))
    bench.wait(lambda: "score" in bench.log("training"))
    bench.cloud.stopping.set()
    assert bench.ended_training()["TrainingJobStatus"] == "Stopped"
    assert bench.s3.objects == {}


def test_checkpoints_go_both_ways(bench: Bench) -> None:
    bench.put("points/deep/old", "1")
    code = (
        BASE
        + """
folder = base / "my points"
assert (folder / "deep" / "old").read_text() == "1"
(folder / "new").write_text("2")
"""
    )
    checkpoints = {"S3Uri": f"s3://{BUCKET}/points", "LocalPath": "/opt/ml/my points"}
    bench.train(bench.image(code), CheckpointConfig=checkpoints)
    assert bench.ended_training()["TrainingJobStatus"] == "Completed"
    assert bench.get("points/new") == b"2"
