"""Checkpoints and continuous outputs: sent while the container runs, deletes too."""

from pathlib import Path

import pytest

from tests.unit.local.jobs_support import BUCKET, ROLE, Bench
from warmfold_local.engine import sync
from warmfold_local.engine.sync import FolderSync

BASE = "import os, pathlib, time\nbase = pathlib.Path(os.environ['SAGEMAKER_BASE_DIR'])\n"
# Goes on when the test says so, by a file in the container's folder.
WAIT = "while not (base / 'tmp' / 'go').exists(): time.sleep(0.01)\n"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(sync, "INTERVAL_SECONDS", 0.02)
    return Bench(tmp_path / "with spaces")


def stored(bench: Bench) -> dict[str, bytes]:
    return {key: data for (_, key), data in bench.s3.objects.items()}


def go_on(bench: Bench, kind: str) -> None:
    (bench.cloud.settings.state_dir / "jobs" / kind / "job" / "ml" / "tmp" / "go").touch()


CHECKPOINTS = {"S3Uri": f"s3://{BUCKET}/points", "LocalPath": "/opt/ml/checkpoints"}


def test_checkpoints_are_kept_while_the_job_runs_deletes_too(bench: Bench) -> None:
    bench.put("points/old", "1")
    code = (
        BASE
        + """
folder = base / "checkpoints"
(folder / "old").unlink()
(folder / "deep").mkdir()
(folder / "deep" / "new").write_text("2")
"""
        + WAIT
        + "(folder / 'deep' / 'new').write_text('changed')\n"
    )
    bench.train(bench.image(code), CheckpointConfig=CHECKPOINTS)
    bench.wait(lambda: stored(bench) == {"points/deep/new": b"2"})
    assert bench.training_job()["TrainingJobStatus"] == "InProgress"
    go_on(bench, "training")
    bench.ended_training()
    assert stored(bench) == {"points/deep/new": b"changed"}


def test_the_last_checkpoint_of_a_failed_job_is_kept(bench: Bench) -> None:
    code = BASE + "(base / 'checkpoints' / 'last').write_text('x')\nraise SystemExit(1)"
    bench.train(bench.image(code), CheckpointConfig=CHECKPOINTS)
    assert bench.ended_training()["TrainingJobStatus"] == "Failed"
    assert stored(bench) == {"points/last": b"x"}


def test_a_job_starts_from_the_checkpoints_that_another_left(bench: Bench) -> None:
    code = (
        BASE
        + """
path = base / "checkpoints" / "count"
path.write_text(str(int(path.read_text()) + 1 if path.exists() else 1))
"""
    )
    image = bench.image(code)
    for name in ("one", "two"):
        bench.train(image, name, CheckpointConfig=CHECKPOINTS)
        bench.ended_training(name)
    assert stored(bench) == {"points/count": b"2"}


def test_continuous_outputs_are_sent_while_the_job_runs(bench: Bench) -> None:
    code = BASE + "(base / 'processing/output/one').write_text('1')\n" + WAIT
    target = {"S3Uri": f"s3://{BUCKET}/out", "LocalPath": "/opt/ml/processing/output"}
    output = {"OutputName": "o", "S3Output": {**target, "S3UploadMode": "Continuous"}}
    cluster = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
    bench.call(
        "CreateProcessingJob",
        ProcessingJobName="job",
        ProcessingResources={"ClusterConfig": cluster},
        AppSpecification={"ImageUri": bench.image(code)},
        RoleArn=ROLE,
        ProcessingOutputConfig={"Outputs": [output]},
    )
    bench.wait(lambda: stored(bench) == {"out/one": b"1"})
    record = bench.cloud.table("Processing job").get("job")
    assert record["ProcessingJobStatus"] == "InProgress"
    go_on(bench, "processing")
    bench.wait(lambda: "ProcessingEndTime" in record)
    assert record["ProcessingJobStatus"] == "Completed"


def test_what_came_from_s3_is_not_sent_back_and_only_changes_are_sent(
    bench: Bench, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "given").write_text("x", encoding="utf-8")
    kept = FolderSync(cloud=bench.cloud, folder=folder, uri=f"s3://{BUCKET}/c", deletes=True)
    kept.note_present()
    kept.sync()
    assert stored(bench) == {}
    (folder / "given").write_text("changed", encoding="utf-8")
    kept.sync()
    assert stored(bench) == {"c/given": b"changed"}


def test_without_deletes_what_was_sent_stays(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a").write_text("x", encoding="utf-8")
    kept = FolderSync(cloud=bench.cloud, folder=folder, uri=f"s3://{BUCKET}/c/", deletes=False)
    kept.sync()
    (folder / "a").unlink()
    kept.sync()
    assert stored(bench) == {"c/a": b"x"}
