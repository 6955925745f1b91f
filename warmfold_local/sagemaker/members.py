"""Members of Create requests that this cloud does not act on: kept for Describe, or refused.

A path names a member and all below it; ``[]`` stands for the items of a list. What is in neither
table is acted on. The tests hold both tables to botocore's shapes.
"""

from collections.abc import Iterator
from typing import Any

from warmfold_local.errors import UnsupportedOperation

_SELECTED = (
    "InstancePreferences",
    "SelectedInstanceType",
    "SelectedInstanceCount",
)

# Of a training job and of a tuning job's definitions.
_TRAINING_REFUSED = (
    "AlgorithmSpecification.AlgorithmName",
    "InputDataConfig[].DataSource.DatasetSource",
    "InputDataConfig[].DataSource.FileSystemDataSource",
    *(
        f"InputDataConfig[].DataSource.S3DataSource.{member}"
        for member in ("AttributeNames", "HubAccessConfig", "InstanceGroupNames")
    ),
    "InputDataConfig[].DataSource.S3DataSource.ModelAccessConfig",
    "InputDataConfig[].ShuffleConfig",
    "ResourceConfig.InstanceGroups",
    "ResourceConfig.InstancePlacementConfig",
    "ResourceConfig.TrainingPlanArn",
    *(f"ResourceConfig.{member}" for member in _SELECTED),
)
_TRAINING_RECORDED = (
    "EnableInterContainerTrafficEncryption",
    "ResourceConfig.VolumeKmsKeyId",
    "ResourceConfig.VolumeSizeInGB",
    "StoppingCondition.MaxPendingTimeInSeconds",
    "VpcConfig",
)
_DEFINITIONS = ("TrainingJobDefinition", "TrainingJobDefinitions[]")
_CONTAINERS = ("PrimaryContainer", "Containers[]")
_VARIANTS = ("ProductionVariants[]", "ShadowProductionVariants[]")


def _below(places: tuple[str, ...], members: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{place}.{member}" for place in places for member in members)


REFUSED: dict[str, tuple[str, ...]] = {
    "CreateTrainingJob": (
        *_TRAINING_REFUSED,
        "DebugRuleConfigurations",
        "MlflowConfig",
        "ModelPackageConfig",
        "ProfilerRuleConfigurations",
        "RemoteDebugConfig.EnableRemoteDebug",
        "ServerlessJobConfig",
        "TensorBoardOutputConfig",
    ),
    "CreateHyperParameterTuningJob": (
        "Autotune",
        "HyperParameterTuningJobConfig.ParameterRanges.AutoParameters",
        *_below(_DEFINITIONS, ("HyperParameterRanges.AutoParameters", *_TRAINING_REFUSED)),
    ),
    "CreateProcessingJob": (
        "ProcessingInputs[].AppManaged",
        "ProcessingInputs[].DatasetDefinition",
        "ProcessingOutputConfig.Outputs[].AppManaged",
        "ProcessingOutputConfig.Outputs[].FeatureStoreOutput",
        *(f"ProcessingResources.ClusterConfig.{member}" for member in _SELECTED),
    ),
    "CreateTransformJob": ("DataCaptureConfig",),
    "CreateEndpointConfig": (
        "AsyncInferenceConfig",
        "ExplainerConfig",
        *_below(
            _VARIANTS,
            (
                "CapacityReservationConfig",
                "CoreDumpConfig",
                "EnableSSMAccess",
                "InstancePools",
                "ManagedInstanceScaling",
                "ServerlessConfig",
            ),
        ),
    ),
    "CreateModel": _below(
        _CONTAINERS,
        (
            "AdditionalModelDataSources",
            "InferenceSpecificationName",
            "MultiModelConfig",
            *(
                f"ModelDataSource.S3DataSource.{member}"
                for member in ("ETag", "HubAccessConfig", "ManifestEtag", "ManifestS3Uri")
            ),
            "ModelDataSource.S3DataSource.ModelAccessConfig",
        ),
    ),
}

RECORDED: dict[str, tuple[str, ...]] = {
    "CreateTrainingJob": (
        *_TRAINING_RECORDED,
        "AlgorithmSpecification.EnableSageMakerMetricsTimeSeries",
        "AlgorithmSpecification.TrainingImageConfig",
        "DebugHookConfig",
        "ExperimentConfig",
        "InfraCheckConfig",
        "ProfilerConfig",
    ),
    "CreateHyperParameterTuningJob": _below(
        _DEFINITIONS,
        (
            *_TRAINING_RECORDED,
            "HyperParameterTuningResourceConfig.AllocationStrategy",
            "HyperParameterTuningResourceConfig.VolumeKmsKeyId",
            "HyperParameterTuningResourceConfig.VolumeSizeInGB",
            "ResourceConfig.KeepAlivePeriodInSeconds",
        ),
    ),
    "CreateProcessingJob": (
        "ExperimentConfig",
        "NetworkConfig.EnableInterContainerTrafficEncryption",
        "NetworkConfig.VpcConfig",
        "ProcessingResources.ClusterConfig.VolumeKmsKeyId",
        "ProcessingResources.ClusterConfig.VolumeSizeInGB",
    ),
    "CreateTransformJob": (
        "ExperimentConfig",
        "TransformResources.TransformAmiVersion",
        "TransformResources.VolumeKmsKeyId",
    ),
    "CreateEndpointConfig": (
        "ExecutionRoleArn",
        "KmsKeyId",
        "MetricsConfig",
        *_below(
            _VARIANTS,
            (
                "AcceleratorType",
                "InferenceAmiVersion",
                "ModelDataDownloadTimeoutInSeconds",
                "RoutingConfig",
                "VariantInstanceProvisionTimeoutInSeconds",
                "VolumeSizeInGB",
            ),
        ),
        "VpcConfig",
    ),
    "CreateModel": (
        "InferenceExecutionConfig",
        "VpcConfig",
        *_below(_CONTAINERS, ("ContainerHostname", "ContainerMetricsConfig", "ImageConfig")),
    ),
}


def refuse_members(operation: str, request: dict[str, Any]) -> None:
    """Raises ``UnsupportedOperation`` naming the first member that is not offered.

    What switches nothing on (false, or empty) may be there.
    """
    for path in REFUSED.get(operation, ()):
        if any(value not in (False, "", [], {}) for value in _values(request, path.split("."))):
            raise UnsupportedOperation(operation, f"member {path} of")


def _values(value: Any, path: list[str]) -> Iterator[Any]:
    """All values at a path."""
    if not path:
        yield value
        return
    name, items = path[0].removesuffix("[]"), path[0].endswith("[]")
    if not isinstance(value, dict) or value.get(name) is None:
        return
    for each in value[name] if items else [value[name]]:
        yield from _values(each, path[1:])
