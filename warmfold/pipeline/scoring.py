"""The batch scoring pipeline: one transform, then the switch of the day's manifest."""

from typing import Any

from warmfold.pipeline.blocks import (
    VERSION,
    Definition,
    job_retries,
    step,
    string_parameter,
    transform_arguments,
)
from warmfold.pipeline.expressions import execution, join, parameter, step_property
from warmfold.pipeline.spec import ScoringRefs, ScoringSpec

TRANSFORM_BATCH = "TransformBatch"
PUBLISH_PREDICTIONS = "PublishPredictions"


def scoring_pipeline(spec: ScoringSpec, refs: ScoringRefs) -> dict[str, Any]:
    """The definition as plain data; strings of ``refs`` may be CDK tokens.

    The schedule's Lambda gives every parameter but the key. Whoever starts the pipeline by hand
    must give ``ModelName`` and ``Day``; the rest then means all the input there is.
    """
    return {
        "Version": VERSION,
        "Metadata": {},
        "Parameters": _parameters(spec, refs),
        "Steps": [_transform_batch(spec), _publish_predictions(refs)],
    }


def _parameters(spec: ScoringSpec, refs: ScoringRefs) -> list[Definition]:
    batch = f"s3://{refs.bucket_name}/{spec.model}/batch"
    return [
        string_parameter("ModelName"),
        string_parameter("Day"),
        string_parameter("InputUri", f"{batch}/input/"),
        string_parameter("OutputUri", f"{batch}/output/"),
        string_parameter("ManifestUri", f"{batch}/output/manifest.json"),
        string_parameter("KmsKeyArn", refs.kms_key_arn),
    ]


def _transform_batch(spec: ScoringSpec) -> Definition:
    # A folder a run: a repeated day never mixes with the one before it.
    target = join(parameter("OutputUri"), "run=", execution("PipelineExecutionId"), "/")
    arguments = transform_arguments(
        spec.transform, parameter("ModelName"), parameter("InputUri"), target
    )
    # The hold-out's transform has no filters: evaluation reads whole records.
    arguments["DataProcessing"] |= {
        "InputFilter": spec.input_filter,
        "OutputFilter": spec.output_filter,
    }
    return step(TRANSFORM_BATCH, "Transform", arguments, RetryPolicies=job_retries())


def _publish_predictions(refs: ScoringRefs) -> Definition:
    arguments = {
        "output_uri": step_property(TRANSFORM_BATCH, "TransformOutput.S3OutputPath"),
        "manifest_uri": parameter("ManifestUri"),
        "day": parameter("Day"),
        "execution_id": execution("PipelineExecutionId"),
    }
    function = refs.publish_function_arn
    return step(PUBLISH_PREDICTIONS, "Lambda", arguments, FunctionArn=function, OutputParameters=[])
