"""The bucket, its key, and the image repositories."""

import json

import pytest

from tests.unit.infrastructure.assembly import Assembly, Template, flat


def bucket(assembly: Assembly) -> dict[str, object]:
    (found,) = [
        resource["Properties"]
        for resource in assembly.stack("storage").of_type("AWS::S3::Bucket").values()
        if "BucketName" in resource["Properties"]
    ]
    properties: dict[str, object] = found
    return properties


def test_objects_are_encrypted_with_the_platforms_key(prod: Assembly) -> None:
    (key,) = prod.stack("storage").of_type("AWS::KMS::Key")
    assert bucket(prod)["BucketEncryption"] == {
        "ServerSideEncryptionConfiguration": [
            {
                "BucketKeyEnabled": True,
                "ServerSideEncryptionByDefault": {
                    "SSEAlgorithm": "aws:kms",
                    "KMSMasterKeyID": {"Fn::GetAtt": [key, "Arn"]},
                },
            }
        ]
    }


def test_the_key_rotates_and_logs_may_use_it_for_this_environment(prod: Assembly) -> None:
    key = prod.stack("storage").only("AWS::KMS::Key")["Properties"]
    assert key["EnableKeyRotation"] is True
    (logs,) = [
        statement
        for statement in key["KeyPolicy"]["Statement"]
        if "logs" in str(statement["Principal"])
    ]
    groups = logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    assert [flat(group) for group in groups] == [
        "arn:aws:logs:eu-west-1:333333333333:log-group:warmfold-prod-*",
        "arn:aws:logs:eu-west-1:333333333333:log-group:/aws/sagemaker/Endpoints/warmfold-prod-*",
    ]


def test_every_bucket_is_private_and_answers_tls_only(prod: Assembly) -> None:
    template = prod.stack("storage")
    buckets = template.of_type("AWS::S3::Bucket")
    for resource in buckets.values():
        assert set(resource["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    denied = {
        policy["Properties"]["Bucket"]["Ref"]
        for policy in template.of_type("AWS::S3::BucketPolicy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
    }
    assert denied == set(buckets)


def test_artifacts_are_versioned_and_their_access_is_logged(prod: Assembly) -> None:
    assert bucket(prod)["VersioningConfiguration"] == {"Status": "Enabled"}
    assert "DestinationBucketName" in str(bucket(prod)["LoggingConfiguration"])


def lifecycle(assembly: Assembly) -> list[dict[str, object]]:
    rules: list[dict[str, object]] = bucket(assembly)["LifecycleConfiguration"]["Rules"]  # type: ignore[index]
    return rules


def test_no_age_expires_what_registered_models_point_to(prod: Assembly) -> None:
    expiring = [rule for rule in lifecycle(prod) if "ExpirationInDays" in rule]
    prefixes = ["german-credit/batch/", "german-credit/captured/"]
    assert [rule["Prefix"] for rule in expiring] == prefixes


def test_captured_requests_go_with_their_old_versions(prod: Assembly) -> None:
    (rule,) = [r for r in lifecycle(prod) if r.get("Prefix") == "german-credit/captured/"]
    assert rule["ExpirationInDays"] == 30
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}


def retention(template: Template, kind: str) -> set[str]:
    return {resource["DeletionPolicy"] for resource in template.of_type(kind).values()}


@pytest.mark.parametrize(
    "ending,kind",
    [
        ("storage", "AWS::S3::Bucket"),
        ("storage", "AWS::KMS::Key"),
        ("images", "AWS::ECR::Repository"),
        ("training", "AWS::SageMaker::ModelPackageGroup"),
        ("training", "AWS::Logs::LogGroup"),
        ("delivery", "AWS::Logs::LogGroup"),
        ("batch", "AWS::Logs::LogGroup"),
    ],
)
def test_production_keeps_what_it_has_and_the_local_cloud_does_not(
    prod: Assembly, local: Assembly, ending: str, kind: str
) -> None:
    assert retention(prod.stack(ending), kind) == {"Retain"}
    assert retention(local.stack(ending), kind) == {"Delete"}


def test_image_tags_never_change_and_images_are_scanned(prod: Assembly) -> None:
    repositories = prod.stack("images").of_type("AWS::ECR::Repository").values()
    assert {r["Properties"]["RepositoryName"] for r in repositories} == {
        "warmfold-prod-trainer",
        "warmfold-prod-server",
    }
    for repository in repositories:
        properties = repository["Properties"]
        assert properties["ImageTagMutability"] == "IMMUTABLE"
        assert properties["ImageScanningConfiguration"] == {"ScanOnPush": True}
        assert properties["EncryptionConfiguration"] == {"EncryptionType": "KMS"}


def test_an_image_with_a_tag_is_never_expired(prod: Assembly) -> None:
    repositories = prod.stack("images").of_type("AWS::ECR::Repository").values()
    for repository in repositories:
        (rule,) = json.loads(repository["Properties"]["LifecyclePolicy"]["LifecyclePolicyText"])[
            "rules"
        ]
        assert rule["selection"] == {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countNumber": 14,
            "countUnit": "days",
        }


def test_other_stacks_are_not_tied_to_the_bucket_by_an_export(prod: Assembly) -> None:
    exports = [
        output["Export"]["Name"]
        for output in prod.stack("storage").content["Outputs"].values()
        if "Export" in output
    ]
    assert len(exports) == 1
    assert "ArtifactsKey" in exports[0]
