"""What people need who decide on a model's versions: a policy to attach to their role."""

from dataclasses import dataclass

from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from warmfold_constructs.model_registry import grant_approve, grant_read
from warmfold_constructs.policies import allow, arn
from warmfold_constructs.serving_names import ServingNames

_NAMED_LATER = "CloudFormation ends a stack's ARN, and names of what is in it, with random ids."


@dataclass(frozen=True, kw_only=True)
class Approvals:
    """What approvals are about, by name; ``stacks`` are those whose outputs are read."""

    model_package_group: str
    orders_parameter: str
    serving_stack: str
    stacks: tuple[str, ...]
    serving: ServingNames


class ApproverPolicy(Construct):
    """A managed policy: approve or reject versions, give promotion its orders, see what follows.

    Nobody else may approve: no role of the platform has it, and it is attached to none here.
    """

    def __init__(
        self, scope: Construct, id: str, *, name: str, approvals: Approvals, queue: sqs.IQueue
    ) -> None:
        super().__init__(scope, id)
        self._approvals = approvals
        self.policy = iam.ManagedPolicy(
            self,
            "Default",
            managed_policy_name=name,
            description=f"Approves versions of {approvals.model_package_group}, gives orders",
        )
        grant_read(self.policy, approvals.model_package_group)
        grant_approve(self.policy, approvals.model_package_group)
        self._allow_orders(queue)
        self._allow_watching()

    @property
    def arn(self) -> str:
        return self.policy.managed_policy_arn

    def _allow_orders(self, queue: sqs.IQueue) -> None:
        parameter = arn(self, "ssm", "parameter", self._approvals.orders_parameter.lstrip("/"))
        allow(self.policy, ["ssm:GetParameter", "ssm:PutParameter"], [parameter])
        allow(self.policy, ["sqs:SendMessage"], [queue.queue_arn])

    def _allow_watching(self) -> None:
        """Until the endpoint serves the version, or its stack says why it does not."""
        given, policy = self._approvals, self.policy
        stacks = [arn(self, "cloudformation", "stack", f"{name}/*") for name in given.stacks]
        allow(policy, ["cloudformation:DescribeStacks"], stacks, because=_NAMED_LATER)
        serving = [arn(self, "cloudformation", "stack", f"{given.serving_stack}/*")]
        allow(policy, ["cloudformation:DescribeStackEvents"], serving, because=_NAMED_LATER)
        endpoint = [arn(self, "sagemaker", "endpoint", given.serving.endpoint)]
        allow(policy, ["sagemaker:DescribeEndpoint"], endpoint)
        for noun, resource, names in (
            ("EndpointConfig", "endpoint-config", given.serving.configurations),
            ("Model", "model", given.serving.models),
        ):
            made = [arn(self, "sagemaker", resource, name) for name in names]
            allow(policy, [f"sagemaker:Describe{noun}"], made, because=_NAMED_LATER)
