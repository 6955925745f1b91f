"""A local cloud that ends, well or badly, and starts again with what it held."""

import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.localcloud.conftest import RunningCloud, wait_for
from tests.localcloud.hosting_aids import Hosting
from tests.localcloud.processes import alive, free
from tests.localcloud.restart_aids import (
    children,
    kill,
    sleeping_job,
    sleeping_pipeline,
    start,
    steps_of,
)
from tests.localcloud.test_data_capture import BUCKET, Capturing
from warmfold.cli.main import run
from warmfold_local import launcher
from warmfold_local.access.client import usage
from warmfold_local.launcher import LocalCloudError

pytestmark = pytest.mark.localcloud

REASON = "The local cloud was restarted while this was in progress"
KILLS = 3


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "state with spaces"
    yield path
    launcher.reset(path)


def test_after_a_kill_what_ran_has_failed_and_what_served_serves(state_dir: Path) -> None:
    first = start(state_dir)
    hosting = Hosting(first)
    data = hosting.model_data("the model")
    endpoint = hosting.create(hosting.config(first.tiny_server(), data))
    assert hosting.settled(endpoint)["EndpointStatus"] == "InService"
    sleeping_job(first, "asleep")
    execution = sleeping_pipeline(first)
    wait_for(lambda: len(children(state_dir)) == 3, "the containers")
    served = hosting.invoke(endpoint)["Body"]
    left = children(state_dir)
    # What was answered survives; what nobody was told may be lost.
    wait_for(lambda: steps_of(first, execution), "the step")
    kill(first.instance)

    again = start(state_dir)
    assert again.settings == first.settings  # port and secret: a client's environment stays valid
    assert not any(map(alive, left))
    sagemaker = again.client("sagemaker")
    job = sagemaker.describe_training_job(TrainingJobName="asleep")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Failed", "Failed")
    assert REASON in job["FailureReason"]
    described = sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)
    assert described["PipelineExecutionStatus"] == "Failed"
    assert REASON in described["FailureReason"]
    (step,) = steps_of(again, execution)
    assert (step["StepName"], step["StepStatus"]) == ("Train", "Failed")
    found = Hosting(again).settled(endpoint)
    assert found["EndpointStatus"] == "InService", found.get("FailureReason")
    assert Hosting(again).invoke(endpoint)["Body"].keys() == served.keys()
    with pytest.raises(ClientError, match="already exists"):
        sleeping_job(again, "asleep")


def test_what_was_captured_when_the_cloud_is_stopped_is_in_s3(state_dir: Path) -> None:
    first = start(state_dir)
    first.client("s3").create_bucket(Bucket=BUCKET)
    hosting = Capturing(first)
    endpoint = hosting.create(hosting.capturing())
    assert hosting.settled(endpoint)["EndpointStatus"] == "InService"
    for number in range(3):
        hosting.invoke(endpoint, str(number).encode(), ContentType="text/csv")
    assert launcher.stop(state_dir, keep_state=True)

    hosting.cloud = again = start(state_dir)
    records = hosting.records()
    assert {r["captureData"]["endpointInput"]["data"] for r in records} == {"0", "1", "2"}
    described = Hosting(again).settled(endpoint)
    assert described["DataCaptureConfig"]["CaptureStatus"] == "Started"
    hosting.invoke(endpoint, b"again", ContentType="text/csv")
    wait_for(lambda: len(hosting.records()) == 4, "the capture after the restart")


def test_what_was_stopped_well_is_there_again_with_ministacks_part(state_dir: Path) -> None:
    first = start(state_dir)
    first.client("s3").create_bucket(Bucket="empty-bucket")
    queue = first.client("sqs").create_queue(QueueName="work")["QueueUrl"]
    first.client("sqs").send_message(QueueUrl=queue, MessageBody="to do")
    first.client("sagemaker").create_model_package_group(ModelPackageGroupName="group")
    sleeping_job(first, "asleep")
    asked = wait_for(lambda: usage(first.settings)["calls"], "the role was used")
    assert launcher.stop(state_dir, keep_state=True)
    assert not (state_dir / "instance.json").exists()
    assert free(first.settings.port)

    again = start(state_dir)
    assert again.settings == first.settings
    buckets = again.client("s3").list_buckets()["Buckets"]
    assert [bucket["Name"] for bucket in buckets] == ["empty-bucket"]
    messages = again.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert [message["Body"] for message in messages] == ["to do"]
    groups = again.client("sagemaker").list_model_package_groups()
    assert len(groups["ModelPackageGroupSummaryList"]) == 1
    job = again.client("sagemaker").describe_training_job(TrainingJobName="asleep")
    assert REASON in job["FailureReason"]
    remembered = {call["Action"] for call in usage(again.settings)["calls"]}
    assert {call["Action"] for call in asked} <= remembered


def test_a_stack_and_its_resources_are_restored_together(state_dir: Path) -> None:
    first = start(state_dir)
    group = {
        "Type": "AWS::SageMaker::ModelPackageGroup",
        "Properties": {"ModelPackageGroupName": "of-the-stack"},
    }
    cloudformation = first.client("cloudformation")
    template = json.dumps({"Resources": {"Group": group}})
    cloudformation.create_stack(StackName="kept", TemplateBody=template)
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="kept", WaiterConfig={"Delay": 1}
    )
    time.sleep(1.0)  # ministack's part is saved within a second
    kill(first.instance)
    again = start(state_dir)
    cloudformation = again.client("cloudformation")
    (stack,) = cloudformation.describe_stacks(StackName="kept")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    cloudformation.delete_stack(StackName="kept")
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName="kept", WaiterConfig={"Delay": 1}
    )
    assert (
        again.client("sagemaker").list_model_package_groups()["ModelPackageGroupSummaryList"] == []
    )


def test_another_port_only_if_the_old_one_is_taken(state_dir: Path) -> None:
    first = start(state_dir)
    launcher.stop(state_dir, keep_state=True)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", first.settings.port))
        taken.listen()
        second = start(state_dir)
    assert second.settings.port != first.settings.port
    assert second.settings.secret == first.settings.secret


def test_clouds_side_by_side_do_not_meet(state_dir: Path, tmp_path: Path) -> None:
    other_dir = tmp_path / "other"
    one, other = start(state_dir), start(other_dir)
    try:
        one.client("sagemaker").create_model_package_group(ModelPackageGroupName="of-one")
        kill(one.instance)
        assert (
            other.client("sagemaker").list_model_package_groups()["ModelPackageGroupSummaryList"]
            == []
        )
        launcher.reset(state_dir)
        assert launcher.running(other_dir) == other.instance
    finally:
        launcher.reset(other_dir)


def test_a_state_that_does_not_fit_is_refused_and_kept_until_reset(
    state_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start(state_dir)
    launcher.stop(state_dir, keep_state=True)
    (state_dir / "s3" / ".warmfold-identity").write_text("another one")
    with pytest.raises(LocalCloudError, match=r"does not fit together.*local reset"):
        start(state_dir)
    assert (state_dir / "state.db").exists()
    (state_dir / "cdk.log").write_text("of a deployment")
    (state_dir / "cdk.out.1").mkdir()
    assert run(["--state-dir", str(state_dir), "local", "reset"]) == 0
    assert "deleted" in capsys.readouterr().out
    assert [path.name for path in state_dir.iterdir()] == [".warmfold-local"]
    start(state_dir)


def test_a_fresh_start_forgets(state_dir: Path) -> None:
    first = start(state_dir)
    first.client("sagemaker").create_model_package_group(ModelPackageGroupName="group")
    launcher.stop(state_dir, keep_state=True)
    second = start(state_dir, restore=False)
    assert second.settings.secret != first.settings.secret
    found = second.client("sagemaker").list_model_package_groups()
    assert found["ModelPackageGroupSummaryList"] == []


class Stream:
    """Keeps making objects, groups and jobs until the cloud is gone; ``answered`` is what it has
    made for certain."""

    def __init__(self, cloud: RunningCloud, run: int) -> None:
        self.answered: list[tuple[str, str]] = []
        self._cloud = cloud
        self._run = run
        for service in ("s3", "sagemaker"):  # reading a service's model takes its time
            cloud.client(service)
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def wait(self) -> None:
        self._thread.join(30)
        assert not self._thread.is_alive()

    def _work(self) -> None:
        cloud = self._cloud
        try:
            for number in range(1000):
                name = f"r{self._run}-{number}"
                cloud.client("s3").put_object(Bucket="stream", Key=name, Body=name.encode())
                self.answered.append(("object", name))
                cloud.client("sagemaker").create_model_package_group(ModelPackageGroupName=name)
                self.answered.append(("group", name))
                if number % 5 == 0:
                    sleeping_job(cloud, name)
                    self.answered.append(("job", name))
        except (BotoCoreError, ClientError):
            return  # killed


def test_random_kills_leave_what_was_answered_and_no_process(state_dir: Path) -> None:
    moments = random.Random(3)  # noqa: S311 (moments to kill at)
    answered: list[tuple[str, str]] = []
    cloud = start(state_dir)
    cloud.client("s3").create_bucket(Bucket="stream")
    for number in range(KILLS):
        stream = Stream(cloud, number)
        time.sleep(moments.uniform(0.05, 1.0))
        left = children(state_dir)
        kill(cloud.instance)
        stream.wait()
        answered += stream.answered
        cloud = start(state_dir)
        assert not any(map(alive, left))
        assert children(state_dir) == []
        check(cloud, answered)
    assert len(answered) > 10 * KILLS
    launcher.stop(state_dir, keep_state=True)
    assert free(cloud.settings.port)
    assert not {"tmp", "home", "server", "children"} & {p.name for p in state_dir.iterdir()}


def check(cloud: RunningCloud, answered: list[tuple[str, str]]) -> None:
    for kind, name in answered:
        if kind == "object":
            body = cloud.client("s3").get_object(Bucket="stream", Key=name)["Body"].read()
            assert body == name.encode()
        elif kind == "group":
            cloud.client("sagemaker").describe_model_package_group(ModelPackageGroupName=name)
        else:
            job = cloud.client("sagemaker").describe_training_job(TrainingJobName=name)
            assert job["TrainingJobStatus"] == "Failed"
