"""The gate on the hold-out score, and what follows on either side of it."""

from warmfold.pipeline.blocks import (
    JSON_LINES,
    Definition,
    create_retries,
    execution_prefix,
    job_retries,
    step,
    transform_arguments,
)
from warmfold.pipeline.expressions import (
    Expression,
    execution,
    join,
    json_get,
    parameter,
    processing_output,
    step_property,
)
from warmfold.pipeline.names import (
    BUILD_FEATURES,
    CHECK_SCORE,
    CREATE_MODEL,
    EVALUATE_MODEL,
    EVALUATION_PROPERTIES,
    REGISTER_MODEL,
    REGISTER_REJECTED_MODEL,
    TRAIN_FINAL_MODEL,
    TRANSFORM_HOLDOUT,
)
from warmfold.pipeline.spec import PipelineSpec
from warmfold_contract import paths

# Values of evaluation.json's "registration" that go into the model package's metadata.
REGISTERED = (
    "algorithm",
    "calibration",
    "champion",
    "champion_version",
    "cv_score",
    "cv_score_std",
    "data_fingerprint",
    "difference_to_champion",
    "fold_hash",
    "metric",
    "rounds",
    "score",
    "task",
    "wheel_sha256",
)


def check_score(spec: PipelineSpec) -> Definition:
    """The condition step with both branches."""
    maximise = spec.direction == "Maximize"
    condition = {
        "Type": "GreaterThanOrEqualTo" if maximise else "LessThanOrEqualTo",
        "LeftValue": _evaluated("score"),
        "RightValue": parameter("MinimumScore"),
    }
    arguments = {
        "Conditions": [condition],
        "IfSteps": [
            _register(REGISTER_MODEL, spec, "PendingManualApproval", {}),
            _create_model(),
            _transform_holdout(spec),
        ],
        "ElseSteps": [
            _register(
                REGISTER_REJECTED_MODEL, spec, "Rejected", {"rejection_reason": _reason(spec)}
            ),
        ],
    }
    return step(CHECK_SCORE, "Condition", arguments)


def _reason(spec: PipelineSpec) -> Expression:
    # Registry metadata allows letters, digits, spaces and _.:/=+-@ only.
    score = _evaluated("registration.score")
    side = "below" if spec.direction == "Maximize" else "above"
    limit = parameter("MinimumScore")
    return join("hold-out ", spec.metric, " ", score, f" is {side} the limit ", limit)


def _register(
    name: str, spec: PipelineSpec, approval: str, extra: dict[str, Expression]
) -> Definition:
    container = {"Image": parameter("ServerImage"), "ModelDataUrl": model_data()}
    report = join(
        processing_output(EVALUATE_MODEL, paths.EVALUATION_OUTPUT), paths.EVALUATION_FILE, on="/"
    )
    statistics = {"ContentType": "application/json", "S3Uri": report}
    arguments = {
        "ModelPackageGroupName": parameter("ModelPackageGroupName"),
        "ModelApprovalStatus": approval,
        "InferenceSpecification": {
            "Containers": [container],
            "SupportedContentTypes": ["application/json", JSON_LINES, "text/csv"],
            "SupportedResponseMIMETypes": ["application/json", JSON_LINES, "text/csv"],
            "SupportedRealtimeInferenceInstanceTypes": list(spec.realtime_instance_types),
            "SupportedTransformInstanceTypes": [spec.transform.instance_type],
        },
        "ModelMetrics": {"ModelQuality": {"Statistics": statistics}},
        "CustomerMetadataProperties": {**_package_metadata(), **extra},
    }
    return step(name, "RegisterModel", arguments, RetryPolicies=create_retries())


def _package_metadata() -> dict[str, Expression]:
    """What a package can be traced by; SageMaker takes strings of 1 to 256 characters."""
    return {
        "git_commit": parameter("GitCommit"),
        "trainer_image": parameter("TrainerImage"),
        "server_image": parameter("ServerImage"),
        "pipeline_execution_arn": execution("PipelineExecutionArn"),
        **{name: _evaluated(f"registration.{name}") for name in REGISTERED},
    }


def _create_model() -> Definition:
    # Image and data, not the package: nobody has approved it yet.
    arguments = {
        "PrimaryContainer": {"Image": parameter("ServerImage"), "ModelDataUrl": model_data()},
        "ExecutionRoleArn": parameter("ModelRoleArn"),
        "EnableNetworkIsolation": True,
    }
    return step(CREATE_MODEL, "Model", arguments, RetryPolicies=create_retries())


def _transform_holdout(spec: PipelineSpec) -> Definition:
    arguments = transform_arguments(
        spec.transform,
        step_property(CREATE_MODEL, "ModelName"),
        processing_output(BUILD_FEATURES, paths.TRANSFORM_OUTPUT),
        execution_prefix(spec.model, "transform"),
    )
    return step(TRANSFORM_HOLDOUT, "Transform", arguments, RetryPolicies=job_retries())


def model_data() -> Expression:
    """The final model's archive."""
    return step_property(TRAIN_FINAL_MODEL, "ModelArtifacts.S3ModelArtifacts")


def _evaluated(path: str) -> Expression:
    return json_get(EVALUATE_MODEL, EVALUATION_PROPERTIES, path)
