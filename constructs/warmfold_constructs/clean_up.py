"""Deletes what CloudFormation could not: for environments that are to leave nothing behind."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import ArnFormat, CustomResource, Duration, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct, IConstruct

from warmfold_constructs.acknowledge import acknowledge
from warmfold_constructs.job_names import PIPELINE_JOBS
from warmfold_constructs.policies import allow, arn
from warmfold_constructs.python_function import PythonFunction

# As long as Lambda allows, and a minute more for the answer to arrive. What there is no time for
# is a failure that names it; deleting the stack again goes on from there.
_TIMEOUT_SECONDS = 900
_SERVICE_TIMEOUT_SECONDS = 960
_EVERYTHING = "All that is in the stack's own bucket goes with it."
_LATER = "Named and numbered after the deployment."


@dataclass(frozen=True, kw_only=True)
class Leftovers:
    """What would block the deletion of a stack, or outlive it, by name; emptied in this order.

    ``executions_make_models`` if the pipelines have steps that create models.
    ``model_name_prefixes`` are those of `DailyBatch`. A bucket of access logs comes after the
    bucket whose logs they are.
    """

    pipelines: Sequence[str] = ()
    executions_make_models: bool = False
    model_name_prefixes: Sequence[str] = ()
    model_package_groups: Sequence[str] = ()
    log_groups: Sequence[str] = ()
    buckets: Sequence[s3.IBucket] = ()


class CleanUp(Construct):
    """When the stack is deleted, and only then, ``leftovers`` go first.

    Nothing happens while the stack stays, also if the clean-up itself is taken out of it. What
    is to be there until then, and what must be gone before, is said by ``before`` and ``after``.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        leftovers: Leftovers,
        key: kms.IKey,
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, id)
        self.function = PythonFunction(
            self,
            "Function",
            package="clean_up",
            description="Empties what CloudFormation is about to delete",
            environment={},
            timeout_seconds=_TIMEOUT_SECONDS,
            log_retention_days=log_retention_days,
            key=key,
        )
        # CloudFormation invokes it asynchronously: a second try could come after the stack's end.
        self.function.function.configure_async_invoke(retry_attempts=0)
        allow(self.function.role, ["cloudformation:DescribeStacks"], [Stack.of(self).stack_id])
        self._allow_sagemaker(leftovers)
        self._allow_rest(leftovers)
        self._resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::CleanUp",
            service_token=self.function.arn,
            service_timeout=Duration.seconds(_SERVICE_TIMEOUT_SECONDS),
            properties=_properties(leftovers),
        )
        self._resource.node.add_dependency(self.function)

    def before(self, *constructs: IConstruct) -> None:
        """Clean up while these are still there. Buckets among the leftovers are anyway."""
        self._resource.node.add_dependency(*constructs)

    def after(self, *constructs: IConstruct) -> None:
        """Clean up once these are gone, since they could fill again what was emptied."""
        for construct in constructs:
            construct.node.add_dependency(self._resource)

    def _allow_sagemaker(self, leftovers: Leftovers) -> None:
        role = self.function.role
        for name in leftovers.pipelines:
            executions = [arn(self, "sagemaker", "pipeline", f"{name}/execution/*")]
            allow(
                role,
                ["sagemaker:ListPipelineExecutions"],
                [arn(self, "sagemaker", "pipeline", name)],
            )
            actions = ["sagemaker:ListPipelineExecutionSteps", "sagemaker:StopPipelineExecution"]
            allow(role, actions, executions, because=_LATER)
        if leftovers.executions_make_models:
            made = [arn(self, "sagemaker", "model", PIPELINE_JOBS)]
            allow(role, ["sagemaker:DeleteModel"], made, because=_LATER)
        self._allow_batch_models(leftovers.model_name_prefixes)
        for name in leftovers.model_package_groups:
            group = arn(self, "sagemaker", "model-package-group", name)
            versions = [arn(self, "sagemaker", "model-package", f"{name}/*")]
            allow(role, ["sagemaker:ListModelPackages"], [group, *versions], because=_LATER)
            allow(role, ["sagemaker:DeleteModelPackage"], versions, because=_LATER)

    def _allow_batch_models(self, prefixes: Sequence[str]) -> None:
        if not prefixes:
            return
        role = self.function.role
        models = [arn(self, "sagemaker", "model", f"{prefix}-v*") for prefix in prefixes]
        allow(role, ["sagemaker:DeleteModel"], models, because=_LATER)
        allow(role, ["sagemaker:ListModels"], ["*"])
        acknowledge(
            role,
            {
                "IAM5[Resource::*]": "sagemaker:ListModels and sending traces to X-Ray know no "
                "resources."
            },
        )

    def _allow_rest(self, leftovers: Leftovers) -> None:
        role = self.function.role
        for name in leftovers.log_groups:
            # As the Service Authorization Reference has it, and with ":*", as the reference of
            # CloudWatch Logs (LogGroup, "arn") wants it in policies.
            groups = [
                arn(self, "logs", "log-group", each, separator=ArnFormat.COLON_RESOURCE_NAME)
                for each in (name, f"{name}:*")
            ]
            allow(role, ["logs:DeleteLogGroup"], groups, because="The log group's streams.")
        for bucket in leftovers.buckets:
            allow(
                role,
                ["s3:ListBucketMultipartUploads", "s3:ListBucketVersions"],
                [bucket.bucket_arn],
            )
            # DeleteObject as well: DeleteObjects (API reference), "Permissions".
            allow(
                role,
                ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion"],
                [bucket.arn_for_objects("*")],
                because=_EVERYTHING,
            )


def _properties(leftovers: Leftovers) -> dict[str, list[str]]:
    given = {
        "Pipelines": [*leftovers.pipelines],
        "ModelNamePrefixes": [*leftovers.model_name_prefixes],
        "ModelPackageGroups": [*leftovers.model_package_groups],
        "LogGroups": [*leftovers.log_groups],
        "Buckets": [bucket.bucket_name for bucket in leftovers.buckets],
    }
    return {name: names for name, names in given.items() if names}
