"""What a SageMaker pipeline definition may refer to, by the service's developer guide.

botocore does not describe the definition's own language: these are the names that the validator
and the local cloud have to agree on.
"""

# Values that ``Execution.X`` may name. The two job names are those of the step's own job.
EXECUTION_VARIABLES = (
    "StartDateTime",
    "CurrentDateTime",
    "PipelineName",
    "PipelineArn",
    "PipelineExecutionId",
    "PipelineExecutionArn",
    "TrainingJobName",
    "ProcessingJobName",
)

# What ``Steps.S.path`` may reach into, by step type: the answers of these operations.
PROPERTY_OPERATIONS: dict[str, tuple[str, ...]] = {
    "Processing": ("DescribeProcessingJob",),
    "Training": ("DescribeTrainingJob",),
    "Tuning": ("DescribeHyperParameterTuningJob", "ListTrainingJobsForHyperParameterTuningJob"),
    "Transform": ("DescribeTransformJob",),
    "Model": ("DescribeModel",),
    "RegisterModel": ("DescribeModelPackage",),
}
