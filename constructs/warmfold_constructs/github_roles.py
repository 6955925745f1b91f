"""The roles that GitHub Actions works with: no stored keys, a role for each thing it may do."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from warmfold_constructs.acknowledge import acknowledge
from warmfold_constructs.policies import allow, arn, new_role, role_arn

_ISSUER = "token.actions.githubusercontent.com"
_AUDIENCE = "sts.amazonaws.com"

# What `cdk deploy` becomes, one after the other; the bootstrap makes a role for each.
_BOOTSTRAP_ROLES = ("deploy-role", "file-publishing-role", "lookup-role")
_PUSH = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)


class GitHubRoles(Construct):
    """Two roles for the workflows of one repository, each bound to one subject of their token.

    ``deploy`` is for jobs that run in the GitHub environment ``environment``, whose protection
    rules thereby guard it; ``diff`` is for pull requests. ``creates_provider`` makes GitHub an
    identity provider of the account, which has room for one: otherwise it is there already.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        repository: str,
        environment: str,
        creates_provider: bool,
        deploy_role_name: str,
        diff_role_name: str,
    ) -> None:
        super().__init__(scope, id)
        self._provider_arn = self._provider(creates_provider)
        self.deploy = self._role(
            "Deploy",
            deploy_role_name,
            subject=f"repo:{repository}:environment:{environment}",
            description=f"GitHub Actions: deploys {environment}",
        )
        self.diff = self._role(
            "Diff",
            diff_role_name,
            subject=f"repo:{repository}:pull_request",
            description=f"GitHub Actions: compares a pull request with {environment}",
        )

    def allow_deployment(self, bootstrap_qualifier: str) -> None:
        """Let the deploying jobs become the CDK bootstrap's roles of this account and region."""
        stack = Stack.of(self)
        names = [
            f"cdk-{bootstrap_qualifier}-{role}-{stack.account}-{stack.region}"
            for role in _BOOTSTRAP_ROLES
        ]
        allow(self.deploy, ["sts:AssumeRole"], [role_arn(self, name) for name in names])

    def allow_push(self, repository_names: Sequence[str]) -> None:
        """Let the deploying jobs add images to these repositories, whose tags never change."""
        allow(
            self.deploy,
            _PUSH,
            [arn(self, "ecr", "repository", name) for name in repository_names],
        )
        allow(self.deploy, ["ecr:GetAuthorizationToken"], ["*"])
        acknowledge(
            self.deploy, {"IAM5[Resource::*]": "ecr:GetAuthorizationToken knows no resources."}
        )

    def allow_reading_templates(self, stack_prefix: str) -> None:
        """Let pull requests read what is deployed as stacks of this prefix, and nothing in them.

        The bootstrap's lookup role would read the whole account, data included.
        """
        allow(
            self.diff,
            ["cloudformation:DescribeStacks", "cloudformation:GetTemplate"],
            [arn(self, "cloudformation", "stack", f"{stack_prefix}-*/*")],
            because="A stack's ARN ends in an id that CloudFormation makes up.",
        )

    def _provider(self, creates: bool) -> str:
        if creates:
            provider = iam.OidcProviderNative(
                self,
                "Provider",
                url=f"https://{_ISSUER}",
                client_ids=[_AUDIENCE],
                # Other repositories of the account may use it by now.
                removal_policy=RemovalPolicy.RETAIN,
            )
            return provider.open_id_connect_provider_arn
        return Stack.of(self).format_arn(
            service="iam",
            region="",
            resource="oidc-provider",
            resource_name=_ISSUER,
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )

    def _role(self, id: str, name: str, *, subject: str, description: str) -> iam.Role:
        # Equal, not alike: a pattern would let in whoever can name a branch or a fork.
        conditions = {f"{_ISSUER}:aud": _AUDIENCE, f"{_ISSUER}:sub": subject}
        return new_role(
            self,
            id,
            role_name=name,
            description=description,
            assumed_by=iam.WebIdentityPrincipal(
                self._provider_arn, conditions={"StringEquals": conditions}
            ),
        )
