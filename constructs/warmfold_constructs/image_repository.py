"""A repository for images whose tags, once pushed, never change their meaning."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_ecr as ecr
from constructs import Construct

# Time to notice, and to push again, what lost its tag by mistake.
_UNTAGGED_DAYS = 14


class ImageRepository(Construct):
    """An ECR repository: immutable tags, scanned on push, encrypted with KMS.

    An image stays for as long as it has its tag: ECR's lifecycle knows neither which model package
    names an image nor which endpoint runs it, and a count or an age would expire what is live.
    ``removable`` deletes the repository with the stack, images included; otherwise it outlives it.
    """

    def __init__(self, scope: Construct, id: str, *, name: str, removable: bool) -> None:
        super().__init__(scope, id)
        self.repository = ecr.Repository(
            self,
            "Repository",
            repository_name=name,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            image_scan_on_push=True,
            # The key that AWS manages for ECR: SageMaker pulls images without a grant of ours.
            encryption=ecr.RepositoryEncryption.KMS,
            lifecycle_rules=[
                ecr.LifecycleRule(
                    tag_status=ecr.TagStatus.UNTAGGED, max_image_age=Duration.days(_UNTAGGED_DAYS)
                )
            ],
            removal_policy=RemovalPolicy.DESTROY if removable else RemovalPolicy.RETAIN,
            empty_on_delete=True if removable else None,
        )
