"""From an approval to a deployment: event, queue, function; and a schedule for lost events."""

import math
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from warmfold_constructs.model_registry import grant_read
from warmfold_constructs.policies import allow, arn
from warmfold_constructs.python_function import PythonFunction
from warmfold_constructs.queue import dead_letter_queue, work_queue
from warmfold_constructs.serving_deployment_role import ServingDeploymentRole

# The function starts a stack update and returns. A message that finds an update running comes
# back: AWS advises a visibility of at least six times the function's time-out.
_TIMEOUT_SECONDS = 60
_VISIBILITY_SECONDS = 6 * _TIMEOUT_SECONDS
# A deployment that fails at its time-out is taken back, which starts the old fleet again; beside
# the endpoint, the stack's update makes and deletes models, configurations and scaling.
_DEPLOYMENTS = 2
_STACK_SECONDS = 3600

# Until an operator says otherwise, what is approved last is deployed.
_FOLLOW_APPROVALS = '{"frozen": false, "version": null}'
# States in which a stack's update has come to an end, well or not.
_SETTLED = ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"]


@dataclass(frozen=True, kw_only=True)
class Route:
    """What leads from a registry to an endpoint, by name.

    ``orders_parameter`` is the SSM parameter that is made for the operators' orders. The endpoint
    is updated in ``deployment_timeout_seconds``, or not at all.
    """

    model_package_group: str
    orders_parameter: str
    serving_stack: str
    endpoint: str
    deployment_timeout_seconds: int


class Promotion(Construct):
    """Keeps the serving stack at the latest approved version of a model package group.

    Or at the approved version that operators have pinned, or, frozen, where it is.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        route: Route,
        deployment_role: ServingDeploymentRole,
        reconcile_minutes: int,
        log_retention_days: int,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        self.dead_letters = dead_letter_queue(self, "DeadLetters")
        self.queue = work_queue(
            self,
            "Queue",
            dead_letters=self.dead_letters,
            visibility_seconds=_VISIBILITY_SECONDS,
            attempts=_attempts(route.deployment_timeout_seconds),
        )
        self.function = PythonFunction(
            self,
            "Deploy",
            package="deploy_model",
            description="Deploys the latest approved model package",
            environment={
                "MODEL_PACKAGE_GROUP_NAME": route.model_package_group,
                "ORDERS_PARAMETER_NAME": route.orders_parameter,
                "SERVING_STACK_NAME": route.serving_stack,
                "SERVING_DEPLOYMENT_ROLE_ARN": deployment_role.arn,
            },
            timeout_seconds=_TIMEOUT_SECONDS,
            log_retention_days=log_retention_days,
            key=key,
        )
        self._grant(route, deployment_role)
        self._on_approval(route.model_package_group)
        self._on_end_of_update(route.serving_stack)
        self._reconcile_every(reconcile_minutes)

    def _grant(self, route: Route, deployment_role: ServingDeploymentRole) -> None:
        self._take_orders(route.orders_parameter)
        self._allow_update(route, deployment_role)
        grant_read(self.function.role, route.model_package_group)
        deployment_role.grant_pass(self.function.role)

    def _take_orders(self, parameter_name: str) -> None:
        """CloudFormation never writes the value again: what operators said outlives deployments."""
        ssm.CfnParameter(
            self,
            "Orders",
            name=parameter_name,
            type="String",
            value=_FOLLOW_APPROVALS,
            description="Orders to promotion: a pinned version, a freeze",
        )
        # SSM's ARNs have a name that begins with a slash without it.
        parameter = arn(self, "ssm", "parameter", parameter_name.lstrip("/"))
        allow(self.function.role, ["ssm:GetParameter"], [parameter])

    def _allow_update(self, route: Route, deployment_role: ServingDeploymentRole) -> None:
        stack = arn(self, "cloudformation", "stack", f"{route.serving_stack}/*")
        because = "CloudFormation ends a stack's ARN with a random id."
        role = self.function.role
        allow(
            role,
            ["cloudformation:DescribeStackResources", "cloudformation:DescribeStacks"],
            [stack],
            because=because,
        )
        endpoint = arn(self, "sagemaker", "endpoint", route.endpoint)
        allow(role, ["sagemaker:DescribeEndpoint"], [endpoint])
        allow(
            role,
            ["cloudformation:UpdateStack"],
            [stack],
            # Never as whoever deployed the stack before.
            conditions={"StringEquals": {"cloudformation:RoleArn": deployment_role.arn}},
        )

    def _on_end_of_update(self, serving_stack: str) -> None:
        """At once: was the endpoint really updated, and has something been approved meanwhile?"""
        stack_arn = arn(self, "cloudformation", "stack", f"{serving_stack}/")
        events.Rule(
            self,
            "OnEndOfUpdate",
            description=f"An update of {serving_stack} has ended",
            event_pattern=events.EventPattern(
                source=["aws.cloudformation"],
                detail_type=["CloudFormation Stack Status Change"],
                detail={
                    "stack-id": [{"prefix": stack_arn}],
                    "status-details": {"status": _SETTLED},
                },
            ),
            targets=[targets.SqsQueue(self.queue, dead_letter_queue=self.dead_letters)],
        )

    def _on_approval(self, model_package_group: str) -> None:
        """Every change of approval: a rejected model gives way to the one before it."""
        events.Rule(
            self,
            "OnApproval",
            description=f"Approval of a model package of {model_package_group} has changed",
            event_pattern=events.EventPattern(
                source=["aws.sagemaker"],
                detail_type=["SageMaker Model Package State Change"],
                detail={"ModelPackageGroupName": [model_package_group]},
            ),
            targets=[targets.SqsQueue(self.queue, dead_letter_queue=self.dead_letters)],
        )
        self.function.function.add_event_source(
            event_sources.SqsEventSource(self.queue, batch_size=10, report_batch_item_failures=True)
        )

    def _reconcile_every(self, minutes: int) -> None:
        """SageMaker's events are delivered as well as possible, which is not always."""
        events.Rule(
            self,
            "Reconcile",
            description="Compares the deployed model with the registry",
            schedule=events.Schedule.rate(Duration.minutes(minutes)),
            targets=[
                targets.LambdaFunction(
                    self.function.function,
                    event=events.RuleTargetInput.from_object({"reconcile": True}),
                    dead_letter_queue=self.dead_letters,
                    retry_attempts=2,
                )
            ],
        )


def _attempts(deployment_timeout_seconds: int) -> int:
    """How often a message is received before it is given up: until no update can run any more."""
    longest_seconds = _DEPLOYMENTS * deployment_timeout_seconds + _STACK_SECONDS
    return math.ceil(longest_seconds / _VISIBILITY_SECONDS) + 1
