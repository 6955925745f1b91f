"""IAM in force: what a job, a model and a caller may not do, whoever has their credentials."""

import json
import sys
from typing import Any

import pytest

from tests.localcloud.conftest import RunningCloud, wait_for
from tests.localcloud.iam_aids import (
    ACCOUNT,
    BUCKET,
    READ,
    SAGEMAKER,
    Roles,
    model,
    refused,
    roles_of,
    statement,
)

pytestmark = pytest.mark.localcloud

# What a job tries with whatever credentials it has; the answers' codes go into its output.
ATTACKS = """
import json, os, boto3
from botocore.exceptions import BotoCoreError, ClientError
calls = {
    "read_own": lambda: boto3.client("s3").get_object(Bucket="iam-tests", Key="in/x"),
    "read_other": lambda: boto3.client("s3").get_object(Bucket="iam-tests", Key="secret/x"),
    "write_input": lambda: boto3.client("s3").put_object(Bucket="iam-tests", Key="in/y"),
    "assume": lambda: boto3.client("sts").assume_role(
        RoleArn="arn:aws:iam::000000000000:role/tests", RoleSessionName="attack"),
    "own_policy": lambda: boto3.client("iam").put_role_policy(
        RoleName=os.environ["ROLE"], PolicyName="more", PolicyDocument="{}"),
    "train": lambda: boto3.client("sagemaker").list_training_jobs(),
    "invoke": lambda: boto3.client("lambda").invoke(FunctionName="x"),
    "owner": lambda: boto3.client("s3", aws_access_key_id="000000000000",
        aws_secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=None).list_buckets(),
}
answers = {"arn": boto3.client("sts").get_caller_identity()["Arn"]}
for name, call in calls.items():
    try:
        call()
        answers[name] = "allowed"
    except ClientError as error:
        answers[name] = error.response["Error"]["Code"]
    except BotoCoreError as error:
        answers[name] = type(error).__name__
with open(os.environ["SAGEMAKER_BASE_DIR"] + "/processing/out/answers.json", "w") as stream:
    json.dump(answers, stream)
"""


@pytest.fixture
def roles(cloud: RunningCloud) -> Roles:
    return roles_of(cloud)


JOB = (
    statement("s3:GetObject", resource=f"arn:aws:s3:::{BUCKET}/in/*"),
    statement("s3:ListBucket", Condition={"StringLike": {"s3:prefix": ["in/*", "in"]}}),
    statement("s3:PutObject", resource=f"arn:aws:s3:::{BUCKET}/out/*"),
    statement("ecr:*", "logs:*", "cloudwatch:PutMetricData"),
)


def process(roles: Roles, role: str, *, name: str, key: str = "in/", **members: Any) -> Any:
    """A processing job that runs the attacks; its description once it has ended."""
    cloud = roles.cloud
    image = cloud.add_image("attacks", "v1", [sys.executable, "-c", ATTACKS])
    output = {
        "S3Uri": f"s3://{BUCKET}/out/{name}",
        "LocalPath": "/opt/ml/processing/out",
        "S3UploadMode": "EndOfJob",
    }
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_processing_job(
        ProcessingJobName=name,
        RoleArn=role,
        AppSpecification={"ImageUri": image},
        Environment={"ROLE": role.rpartition("/")[2]},
        ProcessingResources={
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": "ml.m5.large",
                "VolumeSizeInGB": 1,
            }
        },
        ProcessingInputs=[
            {
                "InputName": "in",
                "S3Input": {
                    "S3Uri": f"s3://{BUCKET}/{key}",
                    "LocalPath": "/opt/ml/processing/in",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                },
            }
        ],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "out", "S3Output": output}]},
        **members,
    )

    def ended() -> Any:
        job = sagemaker.describe_processing_job(ProcessingJobName=name)
        return job if job["ProcessingJobStatus"] in ("Completed", "Failed") else None

    return wait_for(ended, "the job's end", 60)


def test_a_job_may_do_what_its_role_may_and_nothing_else(roles: Roles) -> None:
    role = roles.make("job", *JOB)
    name = f"{roles.prefix}-attacks"
    job = process(roles, role, name=name)
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    body = roles.cloud.client("s3").get_object(Bucket=BUCKET, Key=f"out/{name}/answers.json")
    answers = json.loads(body["Body"].read())
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.rpartition('/')[2]}/SageMaker"
    assert answers.pop("arn") == session
    assert answers.pop("read_own") == "allowed"
    assert answers.pop("train") == "AccessDeniedException"
    assert answers.pop("invoke") == "AccessDeniedException"
    assert answers.pop("owner") in ("SignatureDoesNotMatch", "InvalidClientTokenId")
    assert set(answers.values()) == {"AccessDenied"}, answers
    denied = {found.action for found in roles.use(role).denied}
    assert {"sts:AssumeRole", "iam:PutRolePolicy", "s3:PutObject", "s3:GetObject"} <= denied


def test_a_channel_that_the_role_may_not_read_fails_the_job_with_awss_sentence(
    roles: Roles,
) -> None:
    role = roles.make("job", *JOB)
    job = process(roles, role, name=f"{roles.prefix}-channel", key="secret/")
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed:")
    assert "is not authorized to perform: s3:ListBucket on resource" in job["FailureReason"]
    assert "no identity-based policy allows the s3:ListBucket action" in job["FailureReason"]


def test_only_who_may_list_a_bucket_is_told_that_a_key_is_not_there(roles: Roles) -> None:
    reads = statement("s3:GetObject", "s3:PutObject")
    owner = roles.cloud.client("s3")
    blind = roles.client(roles.make("blind", reads), "s3")
    for key in ("in/x", "in/a b+ü%20.txt"):
        owner.put_object(Bucket=BUCKET, Key=key, Body=b"data")
        assert blind.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"data"
        source = {"Bucket": BUCKET, "Key": key}
        blind.copy_object(Bucket=BUCKET, Key="out/copy", CopySource=source)
    gone = {"Bucket": BUCKET, "Key": "in/gone"}
    code, message = refused(lambda: blind.get_object(**gone))
    assert code == "AccessDenied"
    assert "is not authorized to perform: s3:ListBucket on resource" in message
    assert refused(lambda: blind.head_object(**gone))[0] == "403"
    copy = {"Bucket": BUCKET, "Key": "out/copy", "CopySource": gone}
    assert refused(lambda: blind.copy_object(**copy))[0] == "AccessDenied"
    for name, condition in (("all", {}), ("below", {"StringLike": {"s3:prefix": ["in/*"]}})):
        lists = statement("s3:ListBucket", Condition=condition)
        told = roles.client(roles.make(name, reads, lists), "s3")
        assert refused(lambda: told.get_object(**gone))[0] == "NoSuchKey"  # noqa: B023
        assert refused(lambda: told.copy_object(**copy))[0] == "NoSuchKey"  # noqa: B023


def test_an_image_that_the_role_may_not_pull_fails_the_job(roles: Roles) -> None:
    role = roles.make("job", *JOB[:3])
    job = process(roles, role, name=f"{roles.prefix}-image")
    assert job["ProcessingJobStatus"] == "Failed"
    assert "is not authorized to perform: ecr:GetAuthorizationToken" in job["FailureReason"]


def test_a_role_that_is_not_there_or_trusts_another_service_is_refused(roles: Roles) -> None:
    missing = f"arn:aws:iam::{ACCOUNT}:role/{roles.prefix}-missing"
    other = roles.make("other", *JOB, service="ec2.amazonaws.com")
    for role in (missing, other):
        create = roles.cloud.client("sagemaker").create_model
        code, message = refused(
            lambda: create(ModelName=roles.prefix, ExecutionRoleArn=role)  # noqa: B023
        )
        assert code == "ValidationException"
        assert message == (
            f"Could not assume role {role}. Please ensure that the role exists and allows "
            f"principal '{SAGEMAKER}' to assume the role."
        )


def test_a_model_without_a_role_is_nobody(roles: Roles) -> None:
    sagemaker = roles.cloud.client("sagemaker")
    wanted = model(roles, "")
    del wanted["ExecutionRoleArn"]
    wanted["PrimaryContainer"]["ModelDataUrl"] = f"s3://{BUCKET}/secret/x"
    sagemaker.create_model(**wanted)
    sagemaker.create_transform_job(
        TransformJobName=roles.prefix,
        ModelName=roles.prefix,
        TransformInput={
            "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/in/"}
            }
        },
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/out/"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )

    def failed() -> Any:
        job = sagemaker.describe_transform_job(TransformJobName=roles.prefix)
        return job.get("FailureReason")

    assert "session is no longer valid" in wait_for(failed, "the job's end")


def test_only_a_role_that_may_be_passed_is_passed(roles: Roles) -> None:
    listed, unlisted = roles.make("listed"), roles.make("unlisted")
    to = {"StringEquals": {"iam:PassedToService": SAGEMAKER}}
    caller = roles.make(
        "caller",
        statement("sagemaker:CreateModel"),
        statement("iam:PassRole", resource=listed, Condition=to),
    )
    sagemaker = roles.client(caller, "sagemaker")
    code, message = refused(lambda: sagemaker.create_model(**model(roles, unlisted)))
    assert code == "AccessDeniedException"
    assert f"is not authorized to perform: iam:PassRole on resource: {unlisted}" in message
    assert sagemaker.create_model(**model(roles, listed))["ModelArn"]


def test_a_role_that_may_be_passed_to_another_service_only_is_not_passed(roles: Roles) -> None:
    job = roles.make("listed")
    to = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    caller = roles.make(
        "caller",
        statement("sagemaker:CreateModel"),
        statement("iam:PassRole", resource=job, Condition=to),
    )
    sagemaker = roles.client(caller, "sagemaker")
    assert refused(lambda: sagemaker.create_model(**model(roles, job)))[0] == (
        "AccessDeniedException"
    )


def test_an_object_needs_its_keys_permission_too(roles: Roles) -> None:
    key = roles.cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    roles.cloud.client("s3").put_object(
        Bucket=BUCKET,
        Key="encrypted",
        Body=b"x",
        ServerSideEncryption="aws:kms",
        SSEKMSKeyId=key,
    )
    without = roles.client(roles.make("without", READ), "s3")
    code, message = refused(lambda: without.get_object(Bucket=BUCKET, Key="encrypted"))
    assert code == "AccessDenied"
    assert f"kms:Decrypt on resource: {key}" in message
    through_s3 = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    decrypt = statement("kms:Decrypt", resource=key, Condition=through_s3)
    read = roles.client(roles.make("with", READ, decrypt), "s3")
    assert read.get_object(Bucket=BUCKET, Key="encrypted")["Body"].read() == b"x"
