"""The registry of one model: its versions, each with an approval."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from warmfold_constructs.policies import Holder, allow, arn

# With which versions are registered.
_UNAPPROVED = ("PendingManualApproval", "Rejected")
_DECIDED = ("Approved", "Rejected")
_VERSIONS_COME_LATER = "Versions of one model package group, numbered when they are registered."


class ModelRegistry(Construct):
    """A model package group.

    SageMaker refuses to delete a group that has versions, so that it outlives its stack unless
    ``removable``.
    """

    def __init__(
        self, scope: Construct, id: str, *, name: str, description: str, removable: bool
    ) -> None:
        super().__init__(scope, id)
        self.group_name = name
        group = sagemaker.CfnModelPackageGroup(
            self,
            "Group",
            model_package_group_name=name,
            model_package_group_description=description,
        )
        group.apply_removal_policy(RemovalPolicy.DESTROY if removable else RemovalPolicy.RETAIN)
        self.resource = group


def grant_register(role: iam.Role, group_name: str) -> None:
    """Add versions, of which none is approved: whoever registers a model must not approve it."""
    versions = arn(role, "sagemaker", "model-package", f"{group_name}/*")
    allow(
        role,
        ["sagemaker:CreateModelPackage"],
        [arn(role, "sagemaker", "model-package-group", group_name), versions],
        because=_VERSIONS_COME_LATER,
        conditions={"StringEquals": {"sagemaker:ModelApprovalStatus": [*_UNAPPROVED]}},
    )
    allow(role, ["sagemaker:DescribeModelPackage"], [versions], because=_VERSIONS_COME_LATER)


def grant_use(role: iam.Role, group_name: str) -> None:
    """Create models of versions that are known: SageMaker describes the version for it."""
    allow(
        role,
        ["sagemaker:DescribeModelPackage"],
        [arn(role, "sagemaker", "model-package", f"{group_name}/*")],
        because=_VERSIONS_COME_LATER,
    )


def grant_approve(role: Holder, group_name: str) -> None:
    """Approve and reject versions, and register none."""
    allow(
        role,
        ["sagemaker:UpdateModelPackage"],
        [arn(role, "sagemaker", "model-package", f"{group_name}/*")],
        because=_VERSIONS_COME_LATER,
        conditions={"StringEquals": {"sagemaker:ModelApprovalStatus": [*_DECIDED]}},
    )


def grant_read(role: Holder, group_name: str) -> None:
    """List versions with their approval, and describe them."""
    allow(
        role,
        ["sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"],
        [
            arn(role, "sagemaker", "model-package-group", group_name),
            arn(role, "sagemaker", "model-package", f"{group_name}/*"),
        ],
        because=_VERSIONS_COME_LATER,
    )
