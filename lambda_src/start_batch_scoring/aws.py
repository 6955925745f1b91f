"""The AWS calls: approved packages, the day's input, the model, the pipeline's start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from warmfold_lambda.errors import LambdaError
from warmfold_lambda.events import split_uri
from warmfold_lambda.registry import Package, approved_packages

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import CreateModelInputTypeDef, VpcConfigTypeDef

# CreateModel has no error code of its own for a name that is taken: SageMaker answers a
# ValidationException with this text; ResourceInUse is what its other create calls answer.
_EXISTS = "already exist"


@dataclass(frozen=True)
class Network:
    """Subnets and security groups of a model; none for no VPC of ours."""

    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]

    def vpc_config(self) -> VpcConfigTypeDef | None:
        """What CreateModel is told of it, and DescribeModel answers."""
        if not self.subnet_ids:
            return None
        groups = [*self.security_group_ids]
        return {"Subnets": [*self.subnet_ids], "SecurityGroupIds": groups}


@dataclass(frozen=True)
class Scoring:
    """Registry, bucket and pipelines."""

    sagemaker: SageMakerClient
    s3: S3Client

    def approved(self, group_name: str) -> list[Package]:
        return approved_packages(self.sagemaker, group_name)

    def has_objects(self, uri: str) -> bool:
        """Whether anything that is not empty lies under the prefix (a folder marker is empty)."""
        bucket, prefix = split_uri(uri)
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return any(entry.get("Size", 0) > 0 for page in pages for entry in page.get("Contents", []))

    def ensure_model(self, name: str, package: Package, role_arn: str, network: Network) -> None:
        """Create the package version's model, unless it is there already.

        Raises ``LambdaError`` if a model of this name was made from something else, or runs
        somewhere else.
        """
        request: CreateModelInputTypeDef = {
            "ModelName": name,
            "Containers": [{"ModelPackageName": package.arn}],
            "ExecutionRoleArn": role_arn,
            "EnableNetworkIsolation": True,
        }
        vpc_config = network.vpc_config()
        if vpc_config is not None:
            request["VpcConfig"] = vpc_config
        try:
            self.sagemaker.create_model(**request)
        except ClientError as error:
            if not _exists(error):
                raise
            self._require_same(name, package, network)

    def start(self, pipeline: str, *, name: str, parameters: Mapping[str, str], token: str) -> str:
        """The execution's ARN: the one that runs already, if the token was used before."""
        answer = self.sagemaker.start_pipeline_execution(
            PipelineName=pipeline,
            PipelineExecutionDisplayName=name,
            PipelineParameters=[{"Name": key, "Value": value} for key, value in parameters.items()],
            ClientRequestToken=token,
        )
        return answer["PipelineExecutionArn"]

    def _require_same(self, name: str, package: Package, network: Network) -> None:
        answer: Any = self.sagemaker.describe_model(ModelName=name)
        containers = answer.get("Containers") or [answer.get("PrimaryContainer", {})]
        found = [container.get("ModelPackageName") for container in containers]
        if found != [package.arn]:
            raise LambdaError(
                f"model {name} exists but was not made from {package.arn}: delete it, or give "
                "the function another MODEL_NAME_PREFIX"
            )
        if not _same_network(answer.get("VpcConfig"), network.vpc_config()):
            raise LambdaError(
                f"model {name} exists but is not in the network of SUBNET_IDS and "
                "SECURITY_GROUP_IDS: delete it, and the next run creates it there"
            )


def _same_network(found: Any, wanted: Any) -> bool:
    """Whatever the order of the ids."""
    return _ids(found) == _ids(wanted)


def _ids(vpc_config: Any) -> dict[str, list[str]]:
    return {kind: sorted(ids) for kind, ids in (vpc_config or {}).items()}


def _exists(error: ClientError) -> bool:
    details = error.response["Error"]
    return details.get("Code") == "ResourceInUse" or _EXISTS in details.get("Message", "")
