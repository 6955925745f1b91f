"""Training jobs under the container contract, with real containers of a few lines."""

import io
import json
import sys
import tarfile
from pathlib import Path

import pytest

from tests.unit.local.jobs_support import BUCKET, Bench, channel, training_request
from tests.unit.local.training_support import BASE, statuses


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "with spaces")


SUCCESS = (
    BASE
    + """
config = base / "input" / "config"
seen = {path.stem: json.loads(path.read_text()) for path in config.iterdir()}
seen["argv"] = sys.argv[1:]
seen["environment"] = dict(os.environ)
seen["data"] = {str(p.relative_to(base)): p.read_text() for p in base.glob("input/data/**/*.csv")}
(base / "model" / "seen.json").write_text(json.dumps(seen))
(base / "output" / "data" / "extra.txt").write_text("extra")
print("training:score=1.5;")
"""
)


def test_a_job_that_succeeds_passes_through_every_state(bench: Bench) -> None:
    bench.put("data/train/part 1.csv", "a,b\n")
    image = bench.image(SUCCESS)
    bench.train(
        image,
        HyperParameters={"rounds": "10"},
        Environment={"OWN": "1"},
        InputDataConfig=[channel("train", f"s3://{BUCKET}/data/train/")],
    )
    job = bench.ended_training()
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Completed"
    assert statuses(job) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    steps = job["SecondaryStatusTransitions"]
    assert [s["EndTime"] for s in steps[:-1]] == [s["StartTime"] for s in steps[1:]]
    assert job["CreationTime"] <= job["TrainingStartTime"] <= job["TrainingEndTime"]
    assert job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"] == 1
    assert job["TrainingJobArn"].endswith(":training-job/job")
    uri = job["ModelArtifacts"]["S3ModelArtifacts"]
    assert uri == f"s3://{BUCKET}/out/job/output/model.tar.gz"


def test_the_container_finds_what_the_contract_promises(bench: Bench) -> None:
    bench.put("data/train/part 1.csv", "a,b\n")
    bench.train(
        bench.image(SUCCESS),
        HyperParameters={"rounds": "10"},
        Environment={"OWN": "1", "TRAINING_JOB_NAME": "mine"},
        InputDataConfig=[{**channel("train", f"s3://{BUCKET}/data/train/"), "ContentType": "a/b"}],
    )
    bench.ended_training()
    with tarfile.open(fileobj=io.BytesIO(bench.get("out/job/output/model.tar.gz"))) as tar:
        member = tar.extractfile("seen.json")
        assert member is not None
        seen = json.load(member)
    assert seen["argv"] == ["train"]
    assert seen["hyperparameters"] == {"rounds": "10"}
    assert seen["inputdataconfig"] == {
        "train": {
            "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
            "ContentType": "a/b",
        }
    }
    assert seen["resourceconfig"]["current_instance_type"] == "ml.m5.large"
    assert seen["data"] == {"input/data/train/part 1.csv": "a,b\n"}
    environment = seen["environment"]
    assert environment["TRAINING_JOB_NAME"] == "job"
    assert environment["TRAINING_JOB_ARN"].endswith("training-job/job")
    assert (environment["OWN"], environment["FROM_IMAGE"]) == ("1", "yes")
    assert environment["AWS_ENDPOINT_URL"] == bench.cloud.settings.endpoint_url


def test_output_data_is_uploaded_beside_the_model_and_empty_folders_are_not(bench: Bench) -> None:
    bench.train(bench.image(SUCCESS))
    bench.ended_training()
    assert [key for _, key in sorted(bench.s3.objects)] == [
        "out/job/output/model.tar.gz",
        "out/job/output/output.tar.gz",
    ]
    bench.train(bench.image("pass", "idle"), "idle")
    assert bench.ended_training("idle")["TrainingJobStatus"] == "Completed"
    assert not [key for _, key in bench.s3.objects if key.startswith("out/idle")]


def test_an_uncompressed_model_is_uploaded_as_files(bench: Bench) -> None:
    output = {"S3OutputPath": f"s3://{BUCKET}/out", "CompressionType": "NONE"}
    bench.train(bench.image(SUCCESS), OutputDataConfig=output)
    uri = bench.ended_training()["ModelArtifacts"]["S3ModelArtifacts"]
    assert uri == f"s3://{BUCKET}/out/job/output/model/"
    assert (BUCKET, "out/job/output/model/seen.json") in bench.s3.objects


def test_entry_point_and_arguments_of_the_request_replace_the_images(bench: Bench) -> None:
    image = bench.image("raise SystemExit(9)")
    code = "import sys; print(sys.argv[1:]); raise SystemExit(sys.argv[1:] != ['a b'])"
    algorithm = {
        **training_request(image)["AlgorithmSpecification"],
        "ContainerEntrypoint": [sys.executable, "-S", "-c", code],
        "ContainerArguments": ["a b"],
    }
    bench.train(image, AlgorithmSpecification=algorithm)
    assert bench.ended_training()["TrainingJobStatus"] == "Completed"
    assert bench.log("training") == "['a b']\n"


def test_an_isolated_container_gets_no_credentials(bench: Bench) -> None:
    code = "import os; raise SystemExit('AWS_SECRET_ACCESS_KEY' in os.environ)"
    bench.train(bench.image(code), EnableNetworkIsolation=True)
    assert bench.ended_training()["TrainingJobStatus"] == "Completed"


def failing(message: str, code: int = 1) -> str:
    return BASE + f"(base / 'output' / 'failure').write_bytes({message})\nraise SystemExit({code})"


@pytest.mark.parametrize(
    "code, reason",
    [
        (failing("b'target column absent'"), "AlgorithmError: target column absent, exit code: 1"),
        (failing(r"b'caf\xe9'", 3), "AlgorithmError: caf�, exit code: 3"),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            "AlgorithmError: the container left no message, see its log, exit code: 137",
        ),
        (
            BASE + "(base / 'output' / 'failure').mkdir(); raise SystemExit(2)",
            "AlgorithmError: the container left no message, see its log, exit code: 2",
        ),
        (
            BASE + "(base / 'output' / 'failure').symlink_to('/etc/passwd'); raise SystemExit(2)",
            "AlgorithmError: the container left no message, see its log, exit code: 2",
        ),
    ],
)
def test_a_failed_job_says_why_with_its_exit_code(bench: Bench, code: str, reason: str) -> None:
    bench.train(bench.image(code))
    job = bench.ended_training()
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Failed"
    assert job["FailureReason"] == reason
    assert statuses(job) == ["Starting", "Downloading", "Training", "Failed"]
    assert bench.s3.objects == {}


def test_a_long_failure_is_cut_but_keeps_its_exit_code(bench: Bench) -> None:
    bench.train(bench.image(failing("b'x' * 100_000")))
    reason = bench.ended_training()["FailureReason"]
    assert len(reason) == 1024
    assert reason.endswith("xxx, exit code: 1")


def test_only_a_failed_jobs_files_are_kept(bench: Bench) -> None:
    bench.train(bench.image("pass", "good"), "good")
    bench.train(bench.image("raise SystemExit(1)", "bad"), "bad")
    folder = bench.cloud.settings.state_dir / "jobs" / "training"
    bench.ended_training("good")
    bench.ended_training("bad")
    kept = ["log.txt", "resources.json"]
    bench.wait(lambda: sorted(path.name for path in (folder / "good").iterdir()) == kept)
    bench.wait(lambda: len(list((folder / "bad").iterdir())) == 3)
    assert sorted(path.name for path in (folder / "bad").iterdir()) == ["log.txt", "ml", kept[1]]


def test_a_crash_leaves_its_traceback_in_the_log(bench: Bench) -> None:
    bench.train(bench.image("1 / 0"))
    assert bench.ended_training()["FailureReason"].endswith("exit code: 1")
    assert "ZeroDivisionError" in bench.log("training")


def test_a_container_that_cannot_start_fails_the_job(bench: Bench) -> None:
    bench.train(bench.image("pass", entrypoint=["nonesuch"]))
    reason = bench.ended_training()["FailureReason"]
    assert reason.startswith("ClientError: The container did not start: ")


def test_a_channel_without_data_fails_the_job_before_it_trains(bench: Bench) -> None:
    bench.train(bench.image("pass"), InputDataConfig=[channel("train", f"s3://{BUCKET}/nothing/")])
    job = bench.ended_training()
    assert job["FailureReason"].startswith("ClientError: Data download failed:No S3 objects found")
    assert statuses(job) == ["Starting", "Downloading", "Failed"]
