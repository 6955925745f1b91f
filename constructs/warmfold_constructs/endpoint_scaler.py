"""What puts an endpoint's scaling up, and takes it down for another instance type."""

from aws_cdk import ArnFormat
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from warmfold_constructs.endpoint_scaling import SCALER_TIMEOUT_SECONDS
from warmfold_constructs.policies import allow, arn, role_arn
from warmfold_constructs.python_function import PythonFunction
from warmfold_constructs.serving_deployment_role import ServingDeploymentRole
from warmfold_constructs.serving_names import ServingNames

# To delete scheduled actions is always allowed: those that a stack no longer wants go after this.
_CHANGES = (
    "DeleteScalingPolicy",
    "DeleteScheduledAction",
    "DeregisterScalableTarget",
    "PutScalingPolicy",
    "RegisterScalableTarget",
)
_ALARM_ACTIONS = ("DeleteAlarms", "DescribeAlarms", "PutMetricAlarm")
_SCALING_SERVICE = "sagemaker.application-autoscaling.amazonaws.com"
_SCALING_ROLE = (
    f"aws-service-role/{_SCALING_SERVICE}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)
_ANY_NAME = (
    "Whoever changed the endpoint by hand chose its configuration's name; were it refused, the "
    "stack could neither be updated nor go back."
)


class EndpointScaler(Construct):
    """The function behind an ``EndpointScaling``, which scales this endpoint and nothing else.

    What it may do at SageMaker is this endpoint's; scalable targets have random ids in IAM, so
    that its permission for them is for those of SageMaker.

    It has a name, since the endpoint's stack refers to it and must not depend on this one's
    exports; it has to be there before that stack, and stay until that has gone.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        serving: ServingNames,
        deployment_role: ServingDeploymentRole,
        log_retention_days: int,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        self.function = PythonFunction(
            self,
            "Function",
            package="scale_endpoint",
            description=f"Scaling of {serving.endpoint}, for CloudFormation",
            environment={
                "ENDPOINT_NAME": serving.endpoint,
                "VARIANT_NAME": serving.variant,
                "POLICY_NAME": f"{serving.endpoint}-invocations",
            },
            timeout_seconds=SCALER_TIMEOUT_SECONDS,
            log_retention_days=log_retention_days,
            key=key,
        )
        self._name(serving.scaler)
        # CloudFormation was answered, or has given up: later attempts would undo what it does then.
        self.function.function.configure_async_invoke(retry_attempts=0)
        self._allow_scaling(serving)
        self._allow_looking(serving)
        self.function.grant_invoke(deployment_role.role)
        self.alarm = self.function.trouble_alarm(
            f"The scaling of {serving.endpoint} could not be changed"
        )

    def allow_scheduled_scaling(self) -> None:
        """Give the endpoint's scalable target scheduled actions."""
        self._allow_on_targets(("PutScheduledAction",))

    def _name(self, name: str) -> None:
        made = self.function.function.node.default_child
        if not isinstance(made, lambda_.CfnFunction):
            raise TypeError(f"{self.node.path} has no function")
        made.function_name = name

    def _allow_on_targets(self, actions: tuple[str, ...]) -> None:
        allow(
            self.function.role,
            [f"application-autoscaling:{action}" for action in actions],
            [arn(self, "application-autoscaling", "scalable-target", "*")],
            conditions={"StringEquals": {"application-autoscaling:service-namespace": "sagemaker"}},
            because="Scalable targets have random ids.",
        )

    def _allow_scaling(self, serving: ServingNames) -> None:
        role, endpoint = self.function.role, serving.endpoint
        self._allow_on_targets(_CHANGES)
        # Describe actions of Application Auto Scaling know no resources, as tracing does not.
        allow(role, ["application-autoscaling:DescribeScalableTargets"], ["*"])
        # Application Auto Scaling asks whether its caller may do itself what the scaling will do.
        allow(
            role,
            ["sagemaker:UpdateEndpointWeightsAndCapacities"],
            [arn(self, "sagemaker", "endpoint", endpoint)],
        )
        allow(
            role,
            ["iam:CreateServiceLinkedRole"],
            [role_arn(self, _SCALING_ROLE)],
            conditions={"StringEquals": {"iam:AWSServiceName": _SCALING_SERVICE}},
        )
        alarms = arn(
            self,
            "cloudwatch",
            "alarm",
            f"TargetTracking-endpoint/{endpoint}/*",
            separator=ArnFormat.COLON_RESOURCE_NAME,
        )
        allow(
            role,
            [f"cloudwatch:{action}" for action in _ALARM_ACTIONS],
            [alarms],
            because="The alarms that the endpoint's scaling policy makes have random endings.",
        )

    def _allow_looking(self, serving: ServingNames) -> None:
        allow(
            self.function.role,
            ["sagemaker:DescribeEndpoint"],
            [arn(self, "sagemaker", "endpoint", serving.endpoint)],
        )
        allow(
            self.function.role,
            ["sagemaker:DescribeEndpointConfig"],
            [arn(self, "sagemaker", "endpoint-config", "*")],
            because=_ANY_NAME,
        )
