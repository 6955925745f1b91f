"""What the tests of imports share: an upstream's package as SageMaker describes it."""

from datetime import UTC, datetime
from typing import Any

from warmfold_lambda.registry import Package

UPSTREAM_ACCOUNT, OWN_ACCOUNT = "222222222222", "333333333333"
UPSTREAM_BUCKET, OWN_BUCKET = "warmfold-staging-bucket", "warmfold-prod-bucket"
GROUP = "warmfold-prod-credit"
UPSTREAM_GROUP = f"arn:aws:sagemaker:eu-west-1:{UPSTREAM_ACCOUNT}:model-package-group/upstream"
RUN = f"s3://{UPSTREAM_BUCKET}/credit/executions/a1b2"
ARTIFACT = f"{RUN}/final/job/output/model.tar.gz"
EVALUATION = f"{RUN}/evaluation/evaluation.json"
REPOSITORY = "warmfold-staging-server"
TAG = "credit-0123456789abcdef"
IMAGE = f"{UPSTREAM_ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/{REPOSITORY}:{TAG}"
OWN_REPOSITORY_URI = f"{OWN_ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/warmfold-prod-server"
DIGEST = f"sha256:{'ab' * 32}"
SAID = {"git_commit": "0123abc", "fold_hash": "f0", "data_fingerprint": "d1"}


def source_arn(version: int) -> str:
    return f"arn:aws:sagemaker:eu-west-1:{UPSTREAM_ACCOUNT}:model-package/upstream/{version}"


def own_arn(version: int) -> str:
    return f"arn:aws:sagemaker:eu-west-1:{OWN_ACCOUNT}:model-package/{GROUP}/{version}"


def package(version: int) -> Package:
    return Package(arn=source_arn(version), version=version)


def described(version: int = 3, **members: Any) -> dict[str, Any]:
    """DescribeModelPackage's answer; ``members`` replace its own."""
    container = {"Image": IMAGE, "ModelDataUrl": ARTIFACT, "ModelDataETag": "e", "ImageDigest": "d"}
    return {
        "ModelPackageName": "upstream",
        "ModelPackageGroupName": "upstream",
        "ModelPackageVersion": version,
        "ModelPackageArn": source_arn(version),
        "CreationTime": datetime(2026, 3, 2, tzinfo=UTC),
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
        "ModelApprovalStatus": "Approved",
        "ApprovalDescription": "looks good, really",
        "LastModifiedTime": datetime(2026, 3, 3, 12, tzinfo=UTC),
        "LastModifiedBy": {"UserProfileName": "ada"},
        "InferenceSpecification": {
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
            "SupportedRealtimeInferenceInstanceTypes": ["ml.t3.medium"],
            "SupportedTransformInstanceTypes": ["ml.t3.medium"],
        },
        "ModelMetrics": {
            "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": EVALUATION}}
        },
        "CustomerMetadataProperties": SAID,
        **members,
    }
