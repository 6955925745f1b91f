"""What SageMaker does with a role before a container starts: pull, log, measure, encrypt, connect.

The permissions and where they are documented: `access.on_behalf`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from warmfold_local.cloud import Cloud
from warmfold_local.errors import AccessDenied
from warmfold_local.sagemaker.failures import JobFailed
from warmfold_local.sagemaker.jobs import Job

_REPOSITORY = re.compile(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.[^/]+/([^:@]+)")

# Where the settings of the three kinds of jobs stand, and what their log groups are called.
_RESOURCES = {
    "training-job": ("TrainingJobs", ("ResourceConfig",)),
    "processing-job": ("ProcessingJobs", ("ProcessingResources", "ClusterConfig")),
    "transform-job": ("TransformJobs", ("TransformResources",)),
}


def use_role(job: Job, image_uri: str) -> None:
    """Raises ``JobFailed`` with AWS's sentence if the role lacks what the job needs."""
    group, place = _RESOURCES[job.kind.resource]
    resources: Any = job.record
    for member in place:
        resources = resources.get(member) or {}
    acting = job.acting
    try:
        use_of_container(acting, image_uri, group, job.name)
        if acting.identity is None or acting.access is None:
            return
        if resources.get("VolumeKmsKeyId"):
            acting.access.use_key(acting.identity, resources["VolumeKmsKeyId"])
        for row, resource, context in network_uses(_vpc_of(job.record) or {}, acting.arn):
            acting.access.use(acting.identity, row, resource, **context)
    except AccessDenied as error:
        raise JobFailed(f"ClientError: {error.message}") from error


def use_of_container(acting: Cloud, image_uri: str, group: str, stream: str) -> None:
    """Of every container: its image, log and metrics. ``group`` as ``TrainingJobs``.

    Raises ``AccessDenied`` if the image may not be pulled.
    """
    identity, access = acting.identity, acting.access
    if identity is None or access is None:
        return
    access.use(identity, "image token")
    found = _REPOSITORY.match(image_uri)
    if found is not None:
        account, region, name = found.groups()
        access.use(identity, "image", f"arn:aws:ecr:{region}:{account}:repository/{name}")
    log = acting.arn(f"log-group:/aws/sagemaker/{group}:log-stream:{stream}", "logs")
    access.use(identity, "log group", log)
    namespace = f"/aws/sagemaker/{group.partition('/')[0]}"
    access.use(identity, "metrics", cloudwatch__namespace=namespace)


def network_uses(
    vpc: Mapping[str, Any], arn: Callable[[str, str], str]
) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Row of `access.on_behalf`, resource and context of what places a job: an interface in each
    subnet. ``arn`` makes an ARN of a resource and its service."""
    if not vpc:
        return
    yield "network", "*", {}
    interface = arn("network-interface/eni-0123456789abcdef0", "ec2")
    for group in vpc["SecurityGroupIds"]:
        yield "network interface", arn(f"security-group/{group}", "ec2"), {}
    for subnet in vpc["Subnets"]:
        place = arn(f"subnet/{subnet}", "ec2")
        yield "network interface", place, {}
        yield "network interface", interface, {"ec2__Subnet": place}
        yield "network interface use", interface, {"ec2__Subnet": place}


def _vpc_of(record: Mapping[str, Any]) -> Any:
    """A job's subnets and security groups, if it has any."""
    return record.get("VpcConfig") or (record.get("NetworkConfig") or {}).get("VpcConfig")
