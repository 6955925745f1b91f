"""What CloudFormation acts as in one serving stack, whoever starts the update."""

from aws_cdk import ArnFormat
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from warmfold_constructs.acknowledge import ROLE, accept
from warmfold_constructs.job_network import model_conditions
from warmfold_constructs.model_registry import grant_use
from warmfold_constructs.policies import allow, allow_passing, arn, new_role, role_arn
from warmfold_constructs.serving_names import AlarmNames, ServingNames

_TAGGING = ("ListTagsForResource", "TagResource", "UntagResource")
_NAMED_BY_CLOUDFORMATION = (
    "CloudFormation ends the names of models and endpoint configurations with random characters."
)


class ServingDeploymentRole(Construct):
    """A role for CloudFormation that may touch one endpoint's resources and nothing else.

    ``cdk deploy`` passes it too, instead of the bootstrap's administrator role, and so may
    ``cdk_deploy_role_name``, the bootstrap's role that starts stack updates.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        role_name: str,
        serving: ServingNames,
        model_package_group: str,
        model_role_name: str,
        key: kms.IKey,
        cdk_deploy_role_name: str,
    ) -> None:
        super().__init__(scope, id)
        self.role = new_role(
            self,
            "Role",
            role_name=role_name,
            description=f"CloudFormation, in the serving stack of {serving.endpoint}",
            assumed_by=iam.ServicePrincipal("cloudformation.amazonaws.com"),
        )
        self._allow_endpoint(serving)
        self._allow_alarms(serving.endpoint)
        grant_use(self.role, model_package_group)
        allow_passing(
            self.role,
            [role_arn(self, model_role_name)],
            to_service="sagemaker.amazonaws.com",
        )
        self._allow_key(key)
        self._let_pass(cdk_deploy_role_name)

    @property
    def arn(self) -> str:
        return self.role.role_arn

    def grant_pass(self, role: iam.Role) -> None:
        """Let ``role`` start updates that run as this one."""
        allow_passing(role, [self.arn], to_service="cloudformation.amazonaws.com")

    def _allow_key(self, key: kms.IKey) -> None:
        allow(self.role, ["kms:DescribeKey"], [key.key_arn])
        allow(
            self.role,
            ["kms:CreateGrant"],
            [key.key_arn],
            conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
        )

    def _allow_endpoint(self, serving: ServingNames) -> None:
        made = {
            "Model": [arn(self, "sagemaker", "model", name) for name in serving.models],
            "EndpointConfig": [
                arn(self, "sagemaker", "endpoint-config", name) for name in serving.configurations
            ],
        }
        endpoint = arn(self, "sagemaker", "endpoint", serving.endpoint)
        tags = ["sagemaker:AddTags", "sagemaker:DeleteTags", "sagemaker:ListTags"]
        for noun, resources in made.items():
            actions = [f"sagemaker:{verb}{noun}" for verb in ("Describe", "Delete")]
            allow(self.role, [*actions, *tags], resources, because=_NAMED_BY_CLOUDFORMATION)
        allow(self.role, ["sagemaker:CreateEndpointConfig"], made["EndpointConfig"])
        bound = model_conditions(serving.network)
        allow(self.role, ["sagemaker:CreateModel"], made["Model"], conditions=bound)
        # CreateEndpoint and UpdateEndpoint are authorised on the configuration as well.
        allow(
            self.role,
            ["sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint"],
            [endpoint, *made["EndpointConfig"]],
        )
        allow(
            self.role,
            ["sagemaker:DescribeEndpoint", "sagemaker:DeleteEndpoint", *tags],
            [endpoint],
        )

    def _allow_alarms(self, endpoint: str) -> None:
        names = AlarmNames(endpoint).rollback
        alarms = [
            arn(self, "cloudwatch", "alarm", name, separator=ArnFormat.COLON_RESOURCE_NAME)
            for name in names
        ]
        actions = ("DeleteAlarms", "DescribeAlarms", "PutMetricAlarm", *_TAGGING)
        allow(self.role, [f"cloudwatch:{action}" for action in actions], alarms)

    def _let_pass(self, deploy_role_name: str) -> None:
        policy = iam.Policy(
            self,
            "PassedByCdkDeploy",
            roles=[iam.Role.from_role_name(self, "CdkDeployRole", deploy_role_name)],
            statements=[
                iam.PolicyStatement(
                    actions=["iam:PassRole"],
                    resources=[self.arn],
                    conditions={
                        "StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}
                    },
                )
            ],
        )
        accept(policy, ROLE)
