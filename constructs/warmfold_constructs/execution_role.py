"""The roles that SageMaker works with: one per kind of job, each with its own few prefixes."""

from collections.abc import Sequence

from aws_cdk import ArnFormat
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from warmfold_constructs.acknowledge import acknowledge
from warmfold_constructs.container_image import ContainerImage
from warmfold_constructs.policies import allow, arn, new_role, sagemaker_principal

_LOG_ACTIONS = [
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
]


class ExecutionRole(Construct):
    """A role of a job or model: logs, metrics, its image, and what it is granted of the bucket.

    ``log_group`` is SageMaker's own for the kind of job, as ``/aws/sagemaker/TrainingJobs``; it
    may end in ``*``. ``role_name`` is only for a role that another stack knows by name.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        description: str,
        log_groups: Sequence[str],
        image: ContainerImage,
        role_name: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        self.role = new_role(
            self,
            "Role",
            role_name=role_name,
            description=description,
            assumed_by=sagemaker_principal(self),
        )
        self._allow_logs(log_groups)
        self._allow_metrics()
        image.grant_pull(self.role)

    @property
    def arn(self) -> str:
        return self.role.role_arn

    def grant_objects(
        self, bucket: s3.IBucket, *, read: Sequence[str] = (), write: Sequence[str] = ()
    ) -> None:
        """Read and write objects below key prefixes, which may hold ``*`` for an execution's id.

        SageMaker lists the bucket while it copies; the listing is bound to the same prefixes.
        """
        because = "Objects below a prefix of one bucket: executions and days are named later."
        for actions, prefixes in (
            (["s3:GetObject"], read),
            (["s3:PutObject", "s3:AbortMultipartUpload"], write),
        ):
            objects = [bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes]
            if objects:
                allow(self.role, actions, objects, because=because)
        # Without the slash: the prefix of a listing is the job's S3Uri, which may have none.
        listed = sorted({f"{prefix.rstrip('/')}*" for prefix in (*read, *write)})
        allow(
            self.role,
            ["s3:ListBucket"],
            [bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": listed}},
        )

    def grant_key(self, key: kms.IKey) -> None:
        """Use the key for objects, and let SageMaker use it for the job's volume."""
        allow(
            self.role,
            ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
            [key.key_arn],
        )
        allow(
            self.role,
            ["kms:CreateGrant"],
            [key.key_arn],
            conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
        )

    def grant_alarms(self, alarm_names: Sequence[str]) -> None:
        """Let SageMaker look at the alarms that roll an update of the role's endpoint back.

        Source: developer guide, "Auto-Rollback Configuration and Monitoring".
        """
        alarms = [
            arn(self, "cloudwatch", "alarm", name, separator=ArnFormat.COLON_RESOURCE_NAME)
            for name in alarm_names
        ]
        allow(self.role, ["cloudwatch:DescribeAlarms"], alarms)

    def _allow_logs(self, log_groups: Sequence[str]) -> None:
        streams = [
            arn(self, "logs", "log-group", f"{group}:*", separator=ArnFormat.COLON_RESOURCE_NAME)
            for group in log_groups
        ]
        because = "SageMaker names log streams after jobs that do not exist yet."
        allow(self.role, _LOG_ACTIONS, streams, because=because)

    def _allow_metrics(self) -> None:
        allow(
            self.role,
            ["cloudwatch:PutMetricData"],
            ["*"],
            conditions={"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}},
        )
        acknowledge(
            self.role,
            {
                "IAM5[Resource::*]": "cloudwatch:PutMetricData (bound to SageMaker's namespaces) "
                "and ecr:GetAuthorizationToken know no resources."
            },
        )
