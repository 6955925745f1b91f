"""Storage that fails: a key that is disabled, answers that break off (docs/faults.md, 30)."""

from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError

from tests.localcloud.conftest import RunningCloud
from tests.localcloud.fault_aids import bucket, ended_training, trainer, training
from tests.localcloud.test_faults import code_of
from warmfold_local.faults.client import FaultsClient

pytestmark = pytest.mark.localcloud

CODE = "(base / 'model').mkdir(exist_ok=True)\n(base / 'model' / 'model.txt').write_text('m')"


@dataclass(frozen=True)
class Vault:
    """A bucket that is encrypted with a key by default, an object in it, and a trainer."""

    cloud: RunningCloud
    store: str
    key_arn: str
    image: str

    def put(self, **members: Any) -> Any:
        body = {"Bucket": self.store, "Key": "train/x", "Body": b"rows", **members}
        return self.cloud.client("s3").put_object(**body)

    def disable(self) -> None:
        self.cloud.client("kms").disable_key(KeyId=self.key_arn)

    def enable(self) -> None:
        self.cloud.client("kms").enable_key(KeyId=self.key_arn)

    def read(self, key: str) -> bytes:
        found: bytes = self.cloud.client("s3").get_object(Bucket=self.store, Key=key)["Body"].read()
        return found

    def keys(self, prefix: str) -> list[str]:
        listed = self.cloud.client("s3").list_objects_v2(Bucket=self.store, Prefix=prefix)
        return [each["Key"] for each in listed.get("Contents", [])]

    def trained(self, **members: Any) -> dict[str, Any]:
        """A training job on the object that leaves a model, ended."""
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{self.store}/train/"}
        channel = {"ChannelName": "train", "DataSource": {"S3DataSource": source}}
        request = training(self.image, self.store, InputDataConfig=[channel], **members)
        self.cloud.client("sagemaker").create_training_job(**request)
        return ended_training(self.cloud, request["TrainingJobName"])


@pytest.fixture
def vault(cloud: RunningCloud) -> Vault:
    store, kms = bucket(cloud), cloud.client("kms")
    key_arn = kms.create_key()["KeyMetadata"]["Arn"]
    rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_arn}
    cloud.client("s3").put_bucket_encryption(
        Bucket=store,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": rule}]},
    )
    made = Vault(cloud, store, key_arn, trainer(cloud, CODE))
    made.put()
    return made


def test_30_nothing_is_read_or_written_with_a_key_that_is_disabled(vault: Vault) -> None:
    s3, store = vault.cloud.client("s3"), vault.store
    upload = s3.create_multipart_upload(Bucket=store, Key="parts")["UploadId"]
    vault.disable()
    refused = "KMS.DisabledException"
    assert code_of(s3.get_object, Bucket=store, Key="train/x") == refused
    assert code_of(s3.put_object, Bucket=store, Key="new", Body=b"x") == refused
    own = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": vault.key_arn}
    assert code_of(s3.put_object, Bucket=store, Key="new", Body=b"x", **own) == refused
    assert code_of(s3.create_multipart_upload, Bucket=store, Key="new") == refused
    part = {"Bucket": store, "Key": "parts", "UploadId": upload, "PartNumber": 1, "Body": b"x"}
    assert code_of(s3.upload_part, **part) == refused
    plain = bucket(vault.cloud)
    source = {"Bucket": store, "Key": "train/x"}
    assert code_of(s3.copy_object, Bucket=plain, Key="copy", CopySource=source) == refused
    assert s3.head_object(Bucket=store, Key="train/x")["SSEKMSKeyId"] == vault.key_arn
    assert vault.keys("new") == []
    s3.put_object(Bucket=plain, Key="other", Body=b"x")  # the key of nobody else
    vault.enable()
    assert vault.read("train/x") == b"rows"


def test_30_a_key_that_is_to_be_deleted_is_refused_too(vault: Vault) -> None:
    vault.cloud.client("kms").schedule_key_deletion(KeyId=vault.key_arn, PendingWindowInDays=7)
    call = vault.cloud.client("s3").get_object
    assert code_of(call, Bucket=vault.store, Key="train/x") == "KMS.KMSInvalidStateException"


def test_30_a_job_whose_input_has_a_disabled_key_says_so_and_a_rerun_trains(vault: Vault) -> None:
    vault.disable()
    job = vault.trained()
    assert job["TrainingJobStatus"] == "Failed"
    assert "Data download failed" in job["FailureReason"]
    assert f"s3://{vault.store}/train/x" in job["FailureReason"]
    assert f"{vault.key_arn} is disabled" in job["FailureReason"]
    vault.enable()
    assert vault.trained()["TrainingJobStatus"] == "Completed"


def test_30_a_job_whose_output_has_a_disabled_key_leaves_no_plain_model(
    cloud: RunningCloud, vault: Vault
) -> None:
    """The output's key is its own; the bucket's, with which it could be written, is enabled."""
    key_arn = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    output = {"S3OutputPath": f"s3://{vault.store}/sealed", "KmsKeyId": key_arn}
    cloud.client("kms").disable_key(KeyId=key_arn)
    job = vault.trained(OutputDataConfig=output)
    assert job["TrainingJobStatus"] == "Failed"
    assert "Artifact upload failed" in job["FailureReason"]
    assert f"{key_arn} is disabled" in job["FailureReason"]
    assert vault.keys("sealed/") == []
    cloud.client("kms").enable_key(KeyId=key_arn)
    model = vault.trained(OutputDataConfig=output)["ModelArtifacts"]["S3ModelArtifacts"]
    found = cloud.client("s3").head_object(
        Bucket=vault.store, Key=model.removeprefix(f"s3://{vault.store}/")
    )
    assert found["SSEKMSKeyId"] == key_arn


def test_30_an_answer_that_breaks_off_is_no_object(vault: Vault, faults: FaultsClient) -> None:
    vault.put(Body=b"row" * 1000)
    faults.add(kind="s3", match=f"{vault.store}/train/*", method="GET", error="BreaksOff")
    with pytest.raises(BotoCoreError):
        vault.read("train/x")
    assert vault.read("train/x") == b"row" * 1000


def test_30_a_job_whose_input_breaks_off_fails_with_its_place(
    vault: Vault, faults: FaultsClient
) -> None:
    faults.add(
        kind="s3", match=f"{vault.store}/train/*", method="GET", error="BreaksOff", times=None
    )
    job = vault.trained()
    assert job["TrainingJobStatus"] == "Failed"
    assert f"Could not read S3 object s3://{vault.store}/train/x" in job["FailureReason"]
    log = vault.cloud.settings.state_dir / "jobs" / "training" / job["TrainingJobName"] / "log.txt"
    assert not log.exists()  # nothing was trained on half of the rows
