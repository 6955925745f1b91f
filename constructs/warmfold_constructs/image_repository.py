"""A repository for images whose tags, once pushed, never change their meaning."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_ecr as ecr
from constructs import Construct


class ImageRepository(Construct):
    """An ECR repository: immutable tags, scanned on push, encrypted with KMS.

    ``kept_images`` of the newest images stay. ``removable`` deletes it with the stack, images
    included; otherwise it outlives the stack.
    """

    def __init__(
        self, scope: Construct, id: str, *, name: str, kept_images: int, removable: bool
    ) -> None:
        super().__init__(scope, id)
        self.repository = ecr.Repository(
            self,
            "Repository",
            repository_name=name,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            image_scan_on_push=True,
            # The key that AWS manages for ECR: SageMaker pulls images without a grant of ours.
            encryption=ecr.RepositoryEncryption.KMS,
            lifecycle_rules=[ecr.LifecycleRule(max_image_count=kept_images)],
            removal_policy=RemovalPolicy.DESTROY if removable else RemovalPolicy.RETAIN,
            empty_on_delete=True if removable else None,
        )
