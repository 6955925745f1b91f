"""Training jobs under the container contract, with real containers of a few lines."""

import io
import json
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from tests.unit.local.jobs_support import BUCKET, ROLE, Bench, channel, training_request
from warmfold_local.errors import (
    ResourceInUse,
    ResourceNotFound,
    ServiceError,
    UnsupportedOperation,
    ValidationError,
)
from warmfold_local.sagemaker import job_container

# Stands for /opt/ml in every container below.
BASE = "import os, sys, json, pathlib\nbase = pathlib.Path(os.environ['SAGEMAKER_BASE_DIR'])\n"
WAIT = (
    BASE
    + """
import signal, time
def end(*_):
    (base / "output" / "failure").write_text("asked to stop")
    (base / "model" / "partial.txt").write_text("so far")
    print("score=0.25;", flush=True)
    raise SystemExit(143)
signal.signal(signal.SIGTERM, end)
print("score=0.5;", flush=True)
time.sleep(60)
"""
)
SCORE = [{"Name": "score", "Regex": "score=([^;]*);"}]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "with spaces")


def with_metrics(image: str, definitions: list[dict[str, str]]) -> dict[str, Any]:
    own = training_request(image)["AlgorithmSpecification"]
    return {"AlgorithmSpecification": {**own, "MetricDefinitions": definitions}}


def statuses(job: dict[str, Any]) -> list[str]:
    return [step["Status"] for step in job["SecondaryStatusTransitions"]]


def metrics(job: dict[str, Any]) -> dict[str, float]:
    return {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]}


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


def test_every_state_change_is_an_event(bench: Bench) -> None:
    bench.train(
        bench.image("pass"),
        HyperParameters={"_tuning_objective_metric": "score"},
        Tags=[{"Key": "team", "Value": "risk"}],
    )
    bench.ended_training()
    bench.wait(lambda: len(bench.events.all) == 5)
    details = [event["detail"] for event in bench.events.all]
    assert [detail["SecondaryStatus"] for detail in details] == [
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    last = bench.events.all[-1]
    assert last["detail_type"] == "SageMaker Training Job State Change"
    assert last["resources"] == [bench.training_job()["TrainingJobArn"]]
    assert last["detail"]["HyperParameters"] == {"_tuning_objective_metric": "score"}
    assert last["detail"]["Tags"] == {"team": "risk"}
    assert abs(last["detail"]["TrainingEndTime"] / 1000 - time.time()) < 60


def test_a_lost_event_does_not_fail_the_job(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    def broken(**event: Any) -> None:
        raise ConnectionError("no bus")

    bench.cloud.publish = broken
    bench.train(bench.image("pass"))
    assert bench.ended_training()["TrainingJobStatus"] == "Completed"
    assert "was lost" in caplog.text


def test_a_name_is_used_once(bench: Bench) -> None:
    image = bench.image("pass")
    bench.train(image)
    with pytest.raises(ResourceInUse, match="must be unique"):
        bench.train(image)


def test_an_unknown_job_is_not_found_as_the_service_says_it(bench: Bench) -> None:
    for operation in ("DescribeTrainingJob", "StopTrainingJob"):
        with pytest.raises(ValidationError, match=r"^Requested resource not found\.$"):
            bench.call(operation, TrainingJobName="nobody")


def test_jobs_are_listed_filtered_and_paged(bench: Bench) -> None:
    bad, good = bench.image("raise SystemExit(1)", "bad"), bench.image("pass", "good")
    for name, image in (("a-1", good), ("a-2", bad), ("b-1", good)):
        bench.train(image, name)
        bench.ended_training(name)

    def names(**request: Any) -> list[str]:
        page = bench.call("ListTrainingJobs", **request)
        return [summary["TrainingJobName"] for summary in page["TrainingJobSummaries"]]

    assert names() == ["b-1", "a-2", "a-1"]
    assert names(SortBy="Name", SortOrder="Ascending") == ["a-1", "a-2", "b-1"]
    assert names(NameContains="a-") == ["a-2", "a-1"]
    assert names(StatusEquals="Failed") == ["a-2"]
    first = bench.call("ListTrainingJobs", MaxResults=2)
    assert names(MaxResults=2, NextToken=first["NextToken"]) == ["a-1"]


BAD_REQUESTS: list[tuple[dict[str, Any], type[ServiceError], str]] = [
    ({"TrainingJobName": "a" * 64}, ValidationError, "length less than or equal to 63"),
    ({"RoleArn": "x" * 20}, ValidationError, "pattern"),
    ({"AlgorithmSpecification": {"TrainingInputMode": "File"}}, ValidationError, "TrainingImage"),
    ({"ResourceConfig": {"InstanceCount": 1}}, ValidationError, "InstanceType"),
    (
        {"InputDataConfig": [{**channel("a", "s3://b/c"), "CompressionType": "Gzip"}]},
        ValidationError,
        "only in Pipe mode",
    ),
    (
        {"InputDataConfig": [{**channel("a", "s3://b/c"), "RecordWrapperType": "RecordIO"}]},
        ValidationError,
        "only in Pipe mode",
    ),
    (
        {"InputDataConfig": [channel("a", "s3://b/c", S3DataType="AugmentedManifestFile")]},
        ValidationError,
        "only be used with input mode Pipe",
    ),
    (
        {"Environment": {f"V{number}": "x" for number in range(101)}},
        ValidationError,
        "less than or equal to 100",
    ),
    ({"EnableManagedSpotTraining": True}, UnsupportedOperation, "managed spot"),
    (
        {"InputDataConfig": [channel("a", "s3://b/c"), channel("a", "s3://b/d")]},
        ValidationError,
        "Duplicate channel names are not allowed: a",
    ),
    (
        {"InputDataConfig": [{**channel("a", "s3://b/c"), "InputMode": "Pipe"}]},
        UnsupportedOperation,
        "Pipe mode",
    ),
    (
        {"CheckpointConfig": {"S3Uri": "s3://b/c", "LocalPath": "/etc"}},
        ValidationError,
        "must be a path below /opt/ml",
    ),
]


@pytest.mark.parametrize("members, error, message", BAD_REQUESTS)
def test_a_wrong_request_is_refused_before_anything_runs(
    bench: Bench, members: dict[str, Any], error: type[ServiceError], message: str
) -> None:
    with pytest.raises(error, match=message):
        bench.train(bench.image("pass"), **members)
    assert bench.call("ListTrainingJobs")["TrainingJobSummaries"] == []


@pytest.mark.parametrize(
    "pattern, message", [("score=(", "Invalid regex"), ("score=1", "no capture group")]
)
def test_a_wrong_metric_regex_is_refused(bench: Bench, pattern: str, message: str) -> None:
    image = bench.image("pass")
    with pytest.raises(ValidationError, match=message):
        bench.train(image, **with_metrics(image, [{"Name": "score", "Regex": pattern}]))


def test_an_image_that_was_not_built_is_refused(bench: Bench) -> None:
    with pytest.raises(ValidationError, match="has not been built"):
        bench.train("000000000000.dkr.ecr.us-east-1.amazonaws.com/trainer:v1")


def test_a_job_starts_its_container_at_once(bench: Bench) -> None:
    image = bench.image("import time; print(time.time())")
    overheads = []
    for number in range(5):
        began = time.time()
        bench.train(image, f"job-{number}", RoleArn=ROLE)
        bench.ended_training(f"job-{number}")
        overheads.append(float(bench.log("training", f"job-{number}")) - began)
    assert min(overheads) < 0.3


def test_a_deleted_job_is_forgotten_and_its_name_can_be_used_again(bench: Bench) -> None:
    image = bench.image("pass")
    for _ in range(2):
        bench.train(image, Tags=[{"Key": "team", "Value": "risk"}])
        arn = bench.ended_training()["TrainingJobArn"]
        bench.call("DeleteTrainingJob", TrainingJobName="job")
        assert bench.call("ListTrainingJobs")["TrainingJobSummaries"] == []
        assert bench.call("ListTags", ResourceArn=arn) == {"Tags": []}


def test_only_a_job_that_has_ended_can_be_deleted(bench: Bench) -> None:
    bench.train(bench.image(WAIT))
    with pytest.raises(ResourceInUse, match="is in status InProgress"):
        bench.call("DeleteTrainingJob", TrainingJobName="job")
    bench.call("StopTrainingJob", TrainingJobName="job")
    bench.ended_training()
    with pytest.raises(ResourceNotFound):
        bench.call("DeleteTrainingJob", TrainingJobName="nobody")


def test_a_job_that_retains_a_warm_pool_is_not_deleted(bench: Bench) -> None:
    bench.train(bench.image("pass"))
    bench.ended_training()
    bench.cloud.table("Training job").get("job")["WarmPoolStatus"] = {"Status": "Available"}
    with pytest.raises(ResourceInUse, match="retains a warm pool"):
        bench.call("DeleteTrainingJob", TrainingJobName="job")
