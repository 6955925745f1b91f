"""Permissions that AWS uses on a role's behalf, without a call that the role's holder makes.

Each row names what SageMaker, or a service below it, does with the role, and AWS's page that says
so. A row that is not ``verified`` is this cloud's reading of that page: what AWS asks for there has
not been seen to be refused on AWS. Only rows with ``fails`` end a job that lacks the permission;
the others are asked for and remembered, since their lack costs a log or a metric and no result.
"""

from dataclasses import dataclass

_GUIDE = "https://docs.aws.amazon.com/sagemaker/latest/dg/"
ROLES_PAGE = f"{_GUIDE}sagemaker-roles.html"
KMS_PAGE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html"
_ESM = "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"
_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html"
_XRAY = "https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html"
_SCHEDULER = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html"
_CLOUDFORMATION = "https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/resource-types.html"
_PIPELINES = f"{_GUIDE}build-and-manage-access.html"


@dataclass(frozen=True, kw_only=True)
class Use:
    """``what`` is done with ``actions``; by whom says the name of the row."""

    what: str
    actions: tuple[str, ...]
    source: str
    verified: bool
    fails: bool


@dataclass(frozen=True, kw_only=True)
class ObjectKey:
    """The KMS key of an S3 object, and whether it is written in several parts."""

    arn: str
    multipart: bool


USES = {
    "image": Use(
        what="SageMaker pulls the image from Amazon ECR",
        actions=(
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:GetDownloadUrlForLayer",
        ),
        source=ROLES_PAGE,
        verified=True,
        fails=True,
    ),
    "image token": Use(
        what="SageMaker signs in to Amazon ECR",
        actions=("ecr:GetAuthorizationToken",),
        source=ROLES_PAGE,
        verified=True,
        fails=True,
    ),
    "log group": Use(
        what="SageMaker writes what the container prints to CloudWatch Logs",
        actions=(
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
        ),
        source=ROLES_PAGE,
        verified=True,
        fails=False,
    ),
    "metrics": Use(
        what="SageMaker sends the job's or endpoint's metrics to CloudWatch",
        actions=("cloudwatch:PutMetricData",),
        source=ROLES_PAGE,
        verified=True,
        fails=False,
    ),
    "volume": Use(
        what="SageMaker attaches a volume that is encrypted with the key",
        actions=("kms:CreateGrant",),
        source=ROLES_PAGE,
        verified=True,
        fails=True,
    ),
    "volume key": Use(
        what="SageMaker looks at the key of the volume or of the output",
        actions=("kms:DescribeKey",),
        source=ROLES_PAGE,
        verified=False,
        fails=False,
    ),
    "rollback alarms": Use(
        what="SageMaker looks at the alarms that roll an endpoint's update back",
        actions=("cloudwatch:DescribeAlarms",),
        source=f"{_GUIDE}deployment-guardrails-configuration.html",
        verified=False,
        fails=True,
    ),
    "network interface": Use(
        what="SageMaker makes network interfaces in the job's subnets, with its security groups",
        actions=("ec2:CreateNetworkInterface",),
        source=ROLES_PAGE,
        verified=True,
        fails=True,
    ),
    "network interface use": Use(
        what="SageMaker attaches the job's network interfaces, and removes them",
        actions=("ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface"),
        source=ROLES_PAGE,
        verified=True,
        fails=True,
    ),
    "network": Use(
        what="SageMaker looks at the job's subnets and security groups",
        actions=(
            "ec2:DescribeDhcpOptions",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        ),
        source=ROLES_PAGE,
        verified=True,
        fails=True,
    ),
    "read object": Use(
        what="Amazon S3 decrypts the object's data key with the caller's permission",
        actions=("kms:Decrypt",),
        source=KMS_PAGE,
        verified=True,
        fails=True,
    ),
    "write object": Use(
        what="Amazon S3 makes the object's data key with the caller's permission",
        actions=("kms:GenerateDataKey",),
        source=KMS_PAGE,
        verified=True,
        fails=True,
    ),
    "write parts": Use(
        what="Amazon S3 decrypts the data key for each part of an upload, and to complete it",
        actions=("kms:Decrypt", "kms:GenerateDataKey"),
        source=KMS_PAGE,
        verified=True,
        fails=True,
    ),
    "function log": Use(
        what="AWS Lambda writes what the function prints to CloudWatch Logs",
        actions=("logs:CreateLogStream", "logs:PutLogEvents"),
        source=_LAMBDA,
        verified=True,
        fails=False,
    ),
    "function trace": Use(
        what="AWS Lambda sends the function's traces to X-Ray",
        actions=("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
        source=_XRAY,
        verified=True,
        fails=False,
    ),
    "queue": Use(
        what="AWS Lambda polls the queue with the function's role",
        actions=("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
        source=_ESM,
        verified=True,
        fails=True,
    ),
    "schedule": Use(
        what="EventBridge Scheduler invokes the function with the schedule's role",
        actions=("lambda:InvokeFunction",),
        source="https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html",
        verified=True,
        fails=True,
    ),
    "rule dead letters": Use(
        what="EventBridge sends what a rule could not deliver to the dead-letter queue",
        actions=("sqs:SendMessage",),
        source="https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html",
        verified=True,
        fails=False,
    ),
    "access log": Use(
        what="Amazon S3 writes a bucket's access log, as the service",
        actions=("s3:PutObject",),
        source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html",
        verified=True,
        fails=False,
    ),
    "log group key": Use(
        what="CloudWatch Logs encrypts log groups with the key, as the service",
        actions=(
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
        ),
        source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html",
        verified=True,
        fails=False,
    ),
    "flow log": Use(
        what="Amazon VPC writes flow logs to the log group with the flow log's role",
        actions=("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
        source="https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html",
        verified=True,
        fails=False,
    ),
    "alerts key": Use(
        what="CloudWatch's alarms and EventBridge's rules publish to an encrypted topic",
        actions=("kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKey*"),
        source="https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html",
        verified=True,
        fails=False,
    ),
    "key administration": Use(
        what="AWS KMS leaves a key to its account's administrators, by its policy alone",
        actions=("kms:*",),
        source="https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html",
        verified=True,
        fails=False,
    ),
    "dead letters": Use(
        what="EventBridge Scheduler sends what it could not deliver to the dead-letter queue",
        actions=("sqs:SendMessage",),
        source=_SCHEDULER,
        verified=True,
        fails=False,
    ),
}
