"""The rest of the control plane through boto3: callbacks, caching, search, quotas, versions."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.conftest import ROLE, RunningCloud, wait_for
from tests.localcloud.pipeline_aids import mounted

pytestmark = pytest.mark.localcloud

TINY_JOB = Path(__file__).with_name("tiny_job.py")


@pytest.fixture
def name(cloud: RunningCloud) -> Iterator[str]:
    name = f"control-{time.time_ns()}"
    yield name
    cloud.client("sagemaker").delete_pipeline(PipelineName=name)


def deploy(cloud: RunningCloud, name: str, *steps: dict[str, Any]) -> None:
    body = json.dumps({"Version": "2020-12-01", "Steps": list(steps)})
    cloud.client("sagemaker").create_pipeline(
        PipelineName=name, RoleArn=ROLE, PipelineDefinition=body
    )


def start(cloud: RunningCloud, name: str, **members: Any) -> str:
    answer = cloud.client("sagemaker").start_pipeline_execution(PipelineName=name, **members)
    return str(answer["PipelineExecutionArn"])


def ended(cloud: RunningCloud, arn: str) -> dict[str, Any]:
    def described() -> dict[str, Any] | None:
        found: dict[str, Any] = cloud.client("sagemaker").describe_pipeline_execution(
            PipelineExecutionArn=arn
        )
        return None if found["PipelineExecutionStatus"] in ("Executing", "Stopping") else found

    found: dict[str, Any] = wait_for(described, f"{arn} ended")
    return found


def steps_of(cloud: RunningCloud, arn: str) -> dict[str, Any]:
    listed = cloud.client("sagemaker").list_pipeline_execution_steps(PipelineExecutionArn=arn)
    return {step["StepName"]: step for step in listed["PipelineExecutionSteps"]}


def test_a_callback_goes_through_a_queue_and_comes_back(cloud: RunningCloud, name: str) -> None:
    sqs, sagemaker = cloud.client("sqs"), cloud.client("sagemaker")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    ask = {
        "Name": "Ask",
        "Type": "Callback",
        "SqsQueueUrl": url,
        "Arguments": {"question": "deploy?"},
        "OutputParameters": [{"OutputName": "answer", "OutputType": "String"}],
    }
    message = {"Get": "Steps.Ask.OutputParameters['answer']"}
    fail = {"Name": "Refuse", "Type": "Fail", "Arguments": {"ErrorMessage": message}}
    deploy(cloud, name, ask, fail)
    arn = start(cloud, name)
    received = wait_for(
        lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"), "a message"
    )
    body = json.loads(received[0]["Body"])
    assert (body["arguments"], body["pipelineExecutionArn"]) == ({"question": "deploy?"}, arn)
    answer = sagemaker.send_pipeline_execution_step_success(
        CallbackToken=body["token"], OutputParameters=[{"Name": "answer", "Value": "not today"}]
    )
    assert answer["PipelineExecutionArn"] == arn
    execution = ended(cloud, arn)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert "not today" in execution["FailureReason"]
    assert steps_of(cloud, arn)["Ask"]["Metadata"]["Callback"]["SqsQueueUrl"] == url


def test_a_cached_step_does_not_run_again(cloud: RunningCloud, name: str) -> None:
    image = cloud.add_image("tiny-job", "v1", [sys.executable, "-I", str(TINY_JOB)])
    bucket = name
    cloud.client("s3").create_bucket(Bucket=bucket)
    cloud.client("s3").put_object(Bucket=bucket, Key="raw/0.txt", Body=b"1\n2\n")
    deploy(cloud, name, processing(image, bucket))
    first = start(cloud, name)
    run = ended(cloud, first)
    assert run["PipelineExecutionStatus"] == "Succeeded", run.get("FailureReason")
    second = start(cloud, name)
    assert ended(cloud, second)["PipelineExecutionStatus"] == "Succeeded"
    one, two = steps_of(cloud, first)["Evaluate"], steps_of(cloud, second)["Evaluate"]
    assert two["CacheHitResult"] == {"SourcePipelineExecutionArn": first}
    assert two["Metadata"] == one["Metadata"]
    selected = {
        "SourcePipelineExecutionArn": first,
        "SelectedSteps": [{"StepName": "Evaluate"}],
    }
    third = start(cloud, name, SelectiveExecutionConfig=selected)
    assert ended(cloud, third)["PipelineExecutionStatus"] == "Succeeded"


def test_pipelines_versions_and_executions_are_found_by_search(
    cloud: RunningCloud, name: str
) -> None:
    sagemaker = cloud.client("sagemaker")
    fail = {"Name": "Refuse", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}
    deploy(cloud, name, fail)
    arn = start(cloud, name, PipelineExecutionDescription="searched")
    ended(cloud, arn)
    by_name = {"Filters": [{"Name": "PipelineName", "Operator": "Equals", "Value": name}]}
    found = sagemaker.search(Resource="Pipeline", SearchExpression=by_name)
    assert [r["Pipeline"]["PipelineName"] for r in found["Results"]] == [name]
    searched = {
        "Filters": [
            {"Name": "PipelineArn", "Value": found["Results"][0]["Pipeline"]["PipelineArn"]},
            {"Name": "PipelineExecutionStatus", "Operator": "In", "Value": "Failed,Stopped"},
        ]
    }
    pages = sagemaker.get_paginator("search").paginate(
        Resource="PipelineExecution", SearchExpression=searched
    )
    results = [result["PipelineExecution"] for page in pages for result in page["Results"]]
    assert [r["PipelineExecutionArn"] for r in results] == [arn]
    body = json.dumps({"Version": "2020-12-01", "Steps": [{**fail, "Name": "Other"}]})
    sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=body)
    listed = sagemaker.list_pipeline_versions(PipelineName=name)["PipelineVersionSummaries"]
    assert [version["PipelineVersionId"] for version in listed] == [2, 1]
    sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn)
    assert ended(cloud, arn)["PipelineExecutionStatus"] == "Failed"
    assert set(steps_of(cloud, arn)) == {"Refuse"}


def test_quotas_are_answered_by_their_own_service(cloud: RunningCloud) -> None:
    quotas = cloud.client("service-quotas")
    found = quotas.get_service_quota(ServiceCode="sagemaker", QuotaCode="L-0BEF44E8")["Quota"]
    assert found["QuotaName"] == "ml.m5.xlarge for training warm pool usage"
    pages = quotas.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    assert "L-21A1652A" in [quota["QuotaCode"] for page in pages for quota in page["Quotas"]]
    with pytest.raises(quotas.exceptions.NoSuchResourceException):
        quotas.get_service_quota(ServiceCode="sagemaker", QuotaCode="L-00000000")
    with pytest.raises(ClientError, match="UnsupportedOperation"):
        quotas.list_services()


def processing(image: str, bucket: str) -> dict[str, Any]:
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    return {
        "Name": "Evaluate",
        "Type": "Processing",
        "CacheConfig": {"Enabled": True, "ExpireAfter": "P1D"},
        "Arguments": {
            "AppSpecification": {"ImageUri": image, "ContainerArguments": ["sum"]},
            **mounted(f"s3://{bucket}/raw/", f"s3://{bucket}/evaluation"),
            "ProcessingResources": {"ClusterConfig": cluster},
            "RoleArn": ROLE,
        },
    }
