"""What every Lambda function of the platform has in common."""

from collections.abc import Mapping
from typing import cast

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from warmfold_constructs.acknowledge import FUNCTION, accept, acknowledge
from warmfold_constructs.bundled import bundled
from warmfold_constructs.policies import allow, new_role

SOURCE = bundled("lambda_src")
_SHARED_PACKAGE = "warmfold_lambda"
_MEMORY_MIB = 256


class PythonFunction(Construct):
    """A package of ``lambda_src`` as a function: ``<package>.handler.handle``, logs, tracing.

    The asset holds the package and the shared one, so that an edit to one function moves no
    other function's hash. ``log_retention_days`` is a period that CloudWatch Logs offers; ``key``
    encrypts the log, and must allow the Logs service to use it for this stack's groups. The
    log goes with the stack, unless the stack's ``RemovalPolicies`` retain it.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        package: str,
        description: str,
        environment: Mapping[str, str],
        timeout_seconds: int,
        log_retention_days: int,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        # By hand: with the default role the policy would name every log group of the account.
        self.role = new_role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.function = lambda_.Function(
            self,
            "Function",
            code=lambda_.Code.from_asset(str(SOURCE), exclude=_all_but(package)),
            handler=f"{package}.handler.handle",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=_MEMORY_MIB,
            timeout=Duration.seconds(timeout_seconds),
            description=description,
            environment=dict(environment),
            role=self.role,
            log_group=self._log_group(log_retention_days, key),
            tracing=lambda_.Tracing.ACTIVE,
        )
        acknowledge(
            self.role,
            {"IAM5[Resource::*]": "Sending traces to X-Ray knows no resources."},
        )
        accept(self.function, FUNCTION)

    @property
    def name(self) -> str:
        return self.function.function_name

    @property
    def arn(self) -> str:
        return self.function.function_arn

    def grant_invoke(self, role: iam.Role) -> None:
        """Let ``role`` call the function, not a version or alias of it."""
        allow(role, ["lambda:InvokeFunction"], [self.arn])

    def name_role(self, name: str) -> None:
        """Call the role so, because policies of another stack or account know it by its name."""
        cast(iam.CfnRole, self.role.node.default_child).role_name = name

    def trouble_alarm(self, description: str) -> cloudwatch.Alarm:
        """Goes off if the function fails, or has logged a warning, in the last hour.

        By the hour, so that what a schedule finds again and again is told once.
        """
        hour = Duration.hours(1)
        warnings = cloudwatch.Metric(
            namespace="warmfold",  # as `warmfold_lambda.log` counts them
            metric_name="Warnings",
            dimensions_map={"FunctionName": self.name},
            statistic="Sum",
            period=hour,
        )
        return cloudwatch.Alarm(
            self,
            "Trouble",
            alarm_description=description,
            metric=cloudwatch.MathExpression(
                expression="FILL(errors, 0) + FILL(warnings, 0)",
                using_metrics={
                    "errors": self.function.metric_errors(period=hour),
                    "warnings": warnings,
                },
                label="Errors and warnings",
                period=hour,
            ),
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def _log_group(self, retention_days: int, key: kms.IKey) -> logs.ILogGroup:
        group = logs.CfnLogGroup(
            self, "Logs", retention_in_days=retention_days, kms_key_id=key.key_arn
        )
        group.apply_removal_policy(RemovalPolicy.DESTROY)
        # The group's ARN ends in ":*", its streams.
        allow(self.role, ["logs:CreateLogStream", "logs:PutLogEvents"], [group.attr_arn])
        return logs.LogGroup.from_log_group_name(self, "LogGroup", group.ref)


def _all_but(package: str) -> list[str]:
    """What to leave out of ``lambda_src``: everything, except two packages without caches."""
    kept = [
        pattern for name in (package, _SHARED_PACKAGE) for pattern in (f"!{name}", f"!{name}/**")
    ]
    return ["*", *kept, "**/__pycache__", "**/*.pyc"]
