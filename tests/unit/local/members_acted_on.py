"""The members of Create requests that the local cloud acts on; for `test_members`.

What is not listed here, recorded or refused fails that test: a member new to botocore, say.
"""

_CHANNEL = (
    "InputDataConfig[].ChannelName",
    "InputDataConfig[].CompressionType",
    "InputDataConfig[].ContentType",
    "InputDataConfig[].DataSource.S3DataSource.S3DataDistributionType",
    "InputDataConfig[].DataSource.S3DataSource.S3DataType",
    "InputDataConfig[].DataSource.S3DataSource.S3Uri",
    "InputDataConfig[].InputMode",
    "InputDataConfig[].RecordWrapperType",
)
_TRAINING = (
    *_CHANNEL,
    "AlgorithmSpecification.MetricDefinitions",
    "AlgorithmSpecification.TrainingImage",
    "AlgorithmSpecification.TrainingInputMode",
    "CheckpointConfig",
    "EnableManagedSpotTraining",
    "EnableNetworkIsolation",
    "Environment",
    "OutputDataConfig",
    "ResourceConfig.InstanceCount",
    "ResourceConfig.InstanceType",
    "RetryStrategy",
    "RoleArn",
    "StoppingCondition.MaxRuntimeInSeconds",
    "StoppingCondition.MaxWaitTimeInSeconds",
)
_DEFINITION = (
    *_TRAINING,
    "DefinitionName",
    "HyperParameterRanges.CategoricalParameterRanges",
    "HyperParameterRanges.ContinuousParameterRanges",
    "HyperParameterRanges.IntegerParameterRanges",
    "HyperParameterTuningResourceConfig.InstanceConfigs",
    "HyperParameterTuningResourceConfig.InstanceCount",
    "HyperParameterTuningResourceConfig.InstanceType",
    "StaticHyperParameters",
    "TuningObjective",
)
_CONTAINER = (
    "Environment",
    "Image",
    "Mode",
    "ModelDataSource.S3DataSource.CompressionType",
    "ModelDataSource.S3DataSource.S3DataType",
    "ModelDataSource.S3DataSource.S3Uri",
    "ModelDataUrl",
    "ModelPackageName",
)

_VARIANT = (
    "ContainerStartupHealthCheckTimeoutInSeconds",
    "InitialInstanceCount",
    "InitialVariantWeight",
    "InstanceType",
    "ModelName",
    "VariantName",
)

ACTED_ON: dict[str, tuple[str, ...]] = {
    "CreateTrainingJob": (
        *_TRAINING,
        "AlgorithmSpecification.ContainerArguments",
        "AlgorithmSpecification.ContainerEntrypoint",
        "HyperParameters",
        "ResourceConfig.KeepAlivePeriodInSeconds",
        "SessionChainingConfig",
        "Tags",
        "TrainingJobName",
    ),
    "CreateHyperParameterTuningJob": (
        "HyperParameterTuningJobName",
        *(
            f"HyperParameterTuningJobConfig.{member}"
            for member in (
                "HyperParameterTuningJobObjective",
                "ParameterRanges.CategoricalParameterRanges",
                "ParameterRanges.ContinuousParameterRanges",
                "ParameterRanges.IntegerParameterRanges",
                "RandomSeed",
                "ResourceLimits",
                "Strategy",
                "StrategyConfig",
                "TrainingJobEarlyStoppingType",
                "TuningJobCompletionCriteria",
            )
        ),
        *(f"TrainingJobDefinition.{member}" for member in _DEFINITION),
        *(f"TrainingJobDefinitions[].{member}" for member in _DEFINITION),
        "Tags",
        "WarmStartConfig",
    ),
    "CreateProcessingJob": (
        "AppSpecification",
        "Environment",
        "NetworkConfig.EnableNetworkIsolation",
        "ProcessingInputs[].InputName",
        "ProcessingInputs[].S3Input",
        "ProcessingJobName",
        "ProcessingOutputConfig.KmsKeyId",
        "ProcessingOutputConfig.Outputs[].OutputName",
        "ProcessingOutputConfig.Outputs[].S3Output",
        "ProcessingResources.ClusterConfig.InstanceCount",
        "ProcessingResources.ClusterConfig.InstanceType",
        "RoleArn",
        "StoppingCondition",
        "Tags",
    ),
    "CreateTransformJob": (
        "BatchStrategy",
        "DataProcessing",
        "Environment",
        "MaxConcurrentTransforms",
        "MaxPayloadInMB",
        "ModelClientConfig",
        "ModelName",
        "Tags",
        "TransformInput",
        "TransformJobName",
        "TransformOutput",
        "TransformResources.InstanceCount",
        "TransformResources.InstanceType",
    ),
    "CreateEndpointConfig": (
        "DataCaptureConfig",
        "EnableNetworkIsolation",
        "EndpointConfigName",
        *(
            f"{member}[].{name}"
            for member in ("ProductionVariants", "ShadowProductionVariants")
            for name in _VARIANT
        ),
        "Tags",
    ),
    "CreateModel": (
        "EnableNetworkIsolation",
        "ExecutionRoleArn",
        "ModelName",
        *(f"PrimaryContainer.{member}" for member in _CONTAINER),
        *(f"Containers[].{member}" for member in _CONTAINER),
        "Tags",
    ),
}
