"""Faults on demand from the outside: each kind, set over the API, seen through boto3."""

import http.client
import json
import sys
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.conftest import ROLE, RunningCloud, make_client, wait_for
from tests.localcloud.fault_aids import (
    all_folds,
    ended_training,
    new_name,
    patient,
    trainer,
    training,
)
from tests.localcloud.hosting_aids import Hosting
from tests.localcloud.pipeline_aids import Deployed
from warmfold_local.faults.client import FaultError, FaultsClient

pytestmark = pytest.mark.localcloud


def code_of(call: Any, **members: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**members)
    return str(caught.value.response["Error"]["Code"])


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_faults_are_refused_without_a_signature(cloud: RunningCloud, method: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", cloud.settings.port, timeout=10)
    body = json.dumps({"kind": "throttle", "match": "*"})
    connection.request(method, "/_warmfold/faults", body=body)
    assert connection.getresponse().status == 403
    connection.close()
    assert FaultsClient(cloud.settings).listed()["faults"] == []


def test_a_wrong_secret_and_a_malformed_fault_are_refused(
    cloud: RunningCloud, faults: FaultsClient
) -> None:
    wrong = cloud.settings.__class__(**{**vars(cloud.settings), "secret": "guess"})
    with pytest.raises(FaultError, match="signature"):
        FaultsClient(wrong).listed()
    with pytest.raises(FaultError, match="no kind of fault 'rain'"):
        faults.add(kind="rain", match="*")
    with pytest.raises(FaultError, match="no fault fault-0 is set"):
        faults.clear("fault-0")


def test_throttled_calls_are_refused_and_then_listed(
    cloud: RunningCloud, faults: FaultsClient
) -> None:
    identifier = faults.add(kind="throttle", match="ListTrainingJobs", times=2)
    sagemaker = cloud.client("sagemaker")
    assert code_of(sagemaker.list_training_jobs) == "ThrottlingException"
    sagemaker.list_models()
    patient(cloud, "sagemaker").list_training_jobs()  # its first attempt is the second hit
    listed = faults.listed()
    assert listed["faults"][0]["fired"] == 2
    assert [firing["id"] for firing in listed["firings"]] == [identifier, identifier]


def test_other_services_are_throttled_in_their_own_format(
    cloud: RunningCloud, faults: FaultsClient
) -> None:
    faults.add(kind="throttle", match="DescribeStacks")
    faults.add(kind="throttle", match="ListQueues")
    assert code_of(cloud.client("cloudformation").describe_stacks) == "Throttling"
    assert code_of(cloud.client("sqs").list_queues) == "ThrottlingException"
    cloud.client("cloudformation").describe_stacks()


@pytest.mark.parametrize("how", ["close", "error"])
def test_a_create_whose_answer_is_lost_was_carried_out_once(
    cloud: RunningCloud, faults: FaultsClient, how: str
) -> None:
    group = new_name("lost")
    faults.add(kind="answer_lost", match="CreateModelPackageGroup", how=how)
    code = code_of(
        patient(cloud, "sagemaker").create_model_package_group, ModelPackageGroupName=group
    )
    assert code == "ValidationException"  # of the second attempt: the name is taken by the first
    found = cloud.client("sagemaker").list_model_package_groups(NameContains=group)
    assert len(found["ModelPackageGroupSummaryList"]) == 1


@pytest.mark.parametrize("how", ["close", "error"])
def test_a_start_whose_answer_is_lost_is_adopted_by_its_token(
    cloud: RunningCloud, faults: FaultsClient, store: str, how: str
) -> None:
    fail = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "enough"}}
    pipeline = Deployed(cloud, store, [fail])
    faults.add(kind="answer_lost", match="StartPipelineExecution", how=how)
    arn = patient(cloud, "sagemaker").start_pipeline_execution(
        PipelineName=pipeline.name, ClientRequestToken="t" * 32
    )["PipelineExecutionArn"]
    listed = pipeline.sagemaker.list_pipeline_executions(PipelineName=pipeline.name)
    found = [each["PipelineExecutionArn"] for each in listed["PipelineExecutionSummaries"]]
    assert found == [arn]
    assert len(faults.listed()["firings"]) == 1


def test_s3_fails_or_is_slow_for_the_keys_asked_for(
    cloud: RunningCloud, faults: FaultsClient, store: str
) -> None:
    s3 = cloud.client("s3")
    faults.add(kind="s3", match=f"{store}/bad/*", method="PUT", error="SlowDown")
    faults.add(kind="s3", match=f"{store}/slow", delay_seconds=0.4)
    assert code_of(s3.put_object, Bucket=store, Key="bad/x", Body=b"1") == "SlowDown"
    s3.put_object(Bucket=store, Key="bad/x", Body=b"2")
    started = time.monotonic()
    s3.put_object(Bucket=store, Key="slow", Body=b"3")
    assert time.monotonic() - started >= 0.4
    faults.add(kind="s3", match=f"{store}/bad/x", error="AccessDenied")
    assert code_of(s3.get_object, Bucket=store, Key="bad/x") == "AccessDenied"
    assert s3.get_object(Bucket=store, Key="bad/x")["Body"].read() == b"2"


def test_a_job_outlasts_some_failures_of_s3_and_names_a_lasting_one(
    cloud: RunningCloud, faults: FaultsClient, store: str
) -> None:
    image = trainer(cloud, "(base / 'model' / 'model.txt').write_text('m')")
    faults.add(kind="s3", match=f"{store}/jobs/*", method="PUT", error="InternalError", times=2)
    request = training(image, store)
    cloud.client("sagemaker").create_training_job(**request)
    job = ended_training(cloud, request["TrainingJobName"])
    assert job["TrainingJobStatus"] == "Completed", job
    faults.add(kind="s3", match=f"{store}/jobs/*", method="PUT", error="AccessDenied", times=None)
    request = training(image, store)
    cloud.client("sagemaker").create_training_job(**request)
    job = ended_training(cloud, request["TrainingJobName"])
    assert job["TrainingJobStatus"] == "Failed"
    assert "Artifact upload failed" in job["FailureReason"]
    assert "Access Denied" in job["FailureReason"]


@pytest.mark.parametrize("when", [{"at_line": 2}, {"after_seconds": 0.3}])
def test_a_killed_container_fails_its_job_with_137(
    cloud: RunningCloud, faults: FaultsClient, store: str, when: dict[str, Any]
) -> None:
    image = trainer(cloud, "print('one', flush=True)\nprint('two', flush=True)\ntime.sleep(50)")
    request = training(image, store, RetryStrategy={"MaximumRetryAttempts": 3})
    faults.add(kind="job_killed", match=request["TrainingJobName"], **when)
    cloud.client("sagemaker").create_training_job(**request)
    job = ended_training(cloud, request["TrainingJobName"])
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].endswith("exit code: 137")
    assert job["FinalMetricDataList"] == []
    assert faults.listed()["faults"][0]["fired"] == 1  # the user's container: it is not retried


def test_a_lost_node_is_an_internal_error_that_the_retry_strategy_mends(
    cloud: RunningCloud, faults: FaultsClient, store: str
) -> None:
    image = trainer(cloud, "say('validation:fold_1_score', 0.1)\ntime.sleep(0.5)\n" + all_folds())
    request = training(image, store, RetryStrategy={"MaximumRetryAttempts": 1})
    faults.add(kind="node_lost", match=request["TrainingJobName"], at_line=1)
    cloud.client("sagemaker").create_training_job(**request)
    job = ended_training(cloud, request["TrainingJobName"])
    assert job["TrainingJobStatus"] == "Completed", job
    found = [each["Value"] for each in job["FinalMetricDataList"]]
    assert 0.75 in found
    assert 0.1 not in found
    states = [each["Status"] for each in job["SecondaryStatusTransitions"]]
    assert states.count("Starting") == states.count("Training") == 2


@pytest.mark.parametrize("reason", ["InternalServerError", "CapacityError"])
def test_without_a_retry_strategy_a_failure_of_the_service_is_the_jobs_end(
    cloud: RunningCloud, faults: FaultsClient, store: str, reason: str
) -> None:
    request = training(trainer(cloud, "print('ran')"), store)
    faults.add(kind="job_fails", match=request["TrainingJobName"], reason=reason)
    cloud.client("sagemaker").create_training_job(**request)
    job = ended_training(cloud, request["TrainingJobName"])
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith(f"{reason}: ")
    log = cloud.settings.state_dir / "jobs" / "training" / request["TrainingJobName"] / "log.txt"
    assert not log.exists()  # the container never started


def test_a_capacity_error_is_not_mended_by_a_retry_strategy(
    cloud: RunningCloud, faults: FaultsClient, store: str
) -> None:
    request = training(
        trainer(cloud, "print('ran')"), store, RetryStrategy={"MaximumRetryAttempts": 5}
    )
    faults.add(kind="job_fails", match=request["TrainingJobName"], reason="CapacityError")
    cloud.client("sagemaker").create_training_job(**request)
    job = ended_training(cloud, request["TrainingJobName"])
    assert job["FailureReason"].startswith("CapacityError: Unable to provision")


def test_an_endpoint_answers_500_or_late_on_demand(
    faults: FaultsClient,
    hosting: Hosting,
) -> None:
    endpoint = hosting.create(hosting.config(hosting.cloud.tiny_server()))
    hosting.settled(endpoint)
    faults.add(kind="endpoint", match=endpoint, status=503)
    response = hosting.invoke_error(endpoint, b"x")
    assert response["Error"]["Code"] == "ModelError"
    assert response["OriginalStatusCode"] == 503
    faults.add(kind="endpoint", match=endpoint, delay_seconds=0.4)
    started = time.monotonic()
    assert hosting.invoke(endpoint)["Body"]["body"] == "x"
    assert time.monotonic() - started >= 0.4


def test_a_full_disk_fails_the_job_and_leaves_no_model(
    cloud: RunningCloud, faults: FaultsClient, store: str
) -> None:
    image = trainer(cloud, "(base / 'model' / 'model.txt').write_text('m' * 9999)")
    request = training(image, store)
    if sys.platform == "darwin":  # it has no /dev/full
        with pytest.raises(FaultError, match="does not support the fault disk_full"):
            faults.add(kind="disk_full", match=request["TrainingJobName"])
        return
    faults.add(kind="disk_full", match=request["TrainingJobName"])
    cloud.client("sagemaker").create_training_job(**request)
    job = ended_training(cloud, request["TrainingJobName"])
    assert job["TrainingJobStatus"] == "Failed"
    log = cloud.settings.state_dir / "jobs" / "training" / request["TrainingJobName"] / "log.txt"
    assert "No space left on device" in log.read_text()
    prefix = f"jobs/{request['TrainingJobName']}/"
    assert "Contents" not in cloud.client("s3").list_objects_v2(Bucket=store, Prefix=prefix)


def test_an_alarm_fires_after_its_delay(cloud: RunningCloud, faults: FaultsClient) -> None:
    cloudwatch, name = cloud.client("cloudwatch"), new_name("alarm")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="test",
        MetricName="errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    faults.add(kind="alarm", match=name, after_seconds=0.2)

    def state() -> str:
        return str(cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"])

    wait_for(lambda: state() == "ALARM", "the alarm fired")
    wait_for(lambda: faults.listed()["faults"][0]["fired"] == 1, "it was noted")


def test_a_role_may_not_set_faults(cloud: RunningCloud) -> None:
    sts = cloud.client("sts")
    cloud.client("iam").create_role(
        RoleName="faults",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}),
    )
    given = sts.assume_role(RoleArn=ROLE, RoleSessionName="job")["Credentials"]
    signed = make_client(
        cloud.settings,
        "s3",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    assert code_of(signed.get_object, Bucket="_warmfold", Key="faults") == "AccessDenied"
