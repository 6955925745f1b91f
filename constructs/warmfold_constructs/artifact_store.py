"""The one bucket for data, features, models and predictions, its key and its access log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from warmfold_constructs.acknowledge import ACCESS_LOGS, BUCKET, accept, acknowledge
from warmfold_constructs.clean_up import CleanUp

_UNFINISHED_UPLOAD_DAYS = 7


@dataclass(frozen=True, kw_only=True)
class Retention:
    """Days after which things go. ``by_prefix`` expires current objects below a key prefix;
    ``without_trace`` does the same for personal data, and its expired versions go a day later.

    Model artifacts lie below ``{model}/executions/`` and are what registered packages point to:
    nothing there may be expired by age.
    """

    noncurrent_version_days: int
    access_log_days: int
    by_prefix: Mapping[str, int]
    without_trace: Mapping[str, int] = field(default_factory=dict)


class ArtifactStore(Construct):
    """An encrypted, versioned, private bucket that answers TLS only.

    ``removable`` deletes key and buckets with the stack (a bucket only once it is empty: see
    `emptied_by`); otherwise they outlive it. ``log_group_prefixes`` are those of the log groups
    that may use the key.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        bucket_name: str,
        key_alias: str,
        log_group_prefixes: Sequence[str],
        removable: bool,
        retention: Retention,
    ) -> None:
        super().__init__(scope, id)
        removal = RemovalPolicy.DESTROY if removable else RemovalPolicy.RETAIN
        self.key = kms.Key(
            self, "Key", alias=key_alias, enable_key_rotation=True, removal_policy=removal
        )
        self._allow_log_groups(log_group_prefixes)
        self.access_logs = self._access_logs(retention.access_log_days, removal)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            bucket_name=bucket_name,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            # One data key per bucket and day instead of one request to KMS per object.
            bucket_key_enabled=True,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=True,
            server_access_logs_bucket=self.access_logs,
            server_access_logs_prefix="artifacts/",
            lifecycle_rules=_lifecycle(retention),
            removal_policy=removal,
        )
        accept(self.bucket, BUCKET)

    def emptied_by(self, clean_up: CleanUp) -> None:
        """Once S3 may deliver no access log any more: the clean-up's own requests are logged too,
        for hours after, and would fill the bucket again."""
        if self.access_logs.policy is None:
            raise ValueError(f"{self.node.path}: without a policy, access logs are not delivered")
        clean_up.after(self.access_logs.policy)

    def _access_logs(self, retention_days: int, removal: RemovalPolicy) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "AccessLogs",
            # S3 delivers access logs to no bucket that is encrypted with a KMS key by default.
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(retention_days))],
            removal_policy=removal,
        )
        acknowledge(
            bucket, {"S1": "It holds the access log itself; logging its own writes never ends."}
        )
        accept(bucket, ACCESS_LOGS)
        return bucket

    def _allow_log_groups(self, prefixes: Sequence[str]) -> None:
        """CloudWatch Logs uses the key itself, for the log groups of this environment only."""
        stack = Stack.of(self)
        groups = [
            stack.format_arn(
                service="logs",
                resource="log-group",
                resource_name=f"{prefix}*",
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            )
            for prefix in prefixes
        ]
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
                actions=[
                    "kms:Encrypt",
                    "kms:Decrypt",
                    "kms:ReEncryptFrom",
                    "kms:ReEncryptTo",
                    "kms:GenerateDataKey",
                    "kms:DescribeKey",
                ],
                resources=["*"],
                conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
            )
        )


def _lifecycle(retention: Retention) -> list[s3.LifecycleRule]:
    everything = s3.LifecycleRule(
        noncurrent_version_expiration=Duration.days(retention.noncurrent_version_days),
        abort_incomplete_multipart_upload_after=Duration.days(_UNFINISHED_UPLOAD_DAYS),
    )
    expiring = [
        s3.LifecycleRule(prefix=prefix, expiration=Duration.days(days))
        for prefix, days in sorted(retention.by_prefix.items())
    ]
    # Where rules overlap, S3 honors the shorter one (user guide, "lifecycle-conflicts").
    vanishing = [
        s3.LifecycleRule(
            prefix=prefix,
            expiration=Duration.days(days),
            noncurrent_version_expiration=Duration.days(1),
        )
        for prefix, days in sorted(retention.without_trace.items())
    ]
    return [everything, *expiring, *vanishing]
