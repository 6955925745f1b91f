"""The training pipeline: features, tuning, the best trial, final model, gate, registration.

Every job runs without network (``EnableNetworkIsolation``): the containers call no AWS API,
SageMaker moves their data. Trials that start jobs of their own (``fan_out``), or share their fold
scores to race each other, have to give that up.
"""

from typing import Any

from warmfold.pipeline.blocks import (
    VERSION,
    Definition,
    channel,
    execution_prefix,
    float_parameter,
    job_retries,
    output_data,
    processing_input,
    processing_output_of,
    processing_resources,
    step,
    string_parameter,
    training_limits,
    training_resources,
)
from warmfold.pipeline.expressions import (
    lambda_output,
    parameter,
    processing_output,
)
from warmfold.pipeline.gate import check_score, model_data
from warmfold.pipeline.names import (
    BUILD_FEATURES,
    EVALUATE_MODEL,
    EVALUATION_PROPERTIES,
    SELECT_BEST_TRIAL,
    TRAIN_FINAL_MODEL,
)
from warmfold.pipeline.network import in_network, network_parameters
from warmfold.pipeline.spec import Compute, PipelineSpec, Refs
from warmfold.pipeline.tuning import slot, slot_result
from warmfold_contract import hyperparameters, paths

_ENTRY_POINT = ["python", "-m", "warmfold_trainer"]


def training_pipeline(spec: PipelineSpec, refs: Refs) -> dict[str, Any]:
    """The definition as plain data; strings of ``refs`` may be CDK tokens."""
    return {
        "Version": VERSION,
        "Metadata": {},
        "Parameters": _parameters(spec, refs),
        "Steps": in_network(_steps(spec, refs), refs.network),
    }


def _steps(spec: PipelineSpec, refs: Refs) -> list[Definition]:
    return [
        _build_features(spec),
        *(slot(spec, candidate, BUILD_FEATURES) for candidate in spec.candidates),
        _select_best_trial(spec, refs),
        _train_final_model(spec),
        _evaluate_model(spec),
        check_score(spec),
    ]


def _parameters(spec: PipelineSpec, refs: Refs) -> list[Definition]:
    data = f"s3://{refs.bucket_name}/{spec.model}/raw/"
    return [
        string_parameter("TrainerImage", refs.trainer_image),
        string_parameter("ServerImage", refs.server_image),
        string_parameter("ProcessingRoleArn", refs.processing_role_arn),
        string_parameter("TrialRoleArn", refs.trial_role_arn),
        *_fold_role(spec, refs),
        string_parameter("FinalTrainingRoleArn", refs.final_training_role_arn),
        string_parameter("ModelRoleArn", refs.model_role_arn),
        string_parameter("KmsKeyArn", refs.kms_key_arn),
        string_parameter("BucketName", refs.bucket_name),
        string_parameter("ModelPackageGroupName", refs.model_package_group_name),
        string_parameter("InputDataUri", data),
        string_parameter("GitCommit", "unknown"),
        float_parameter("MinimumScore", spec.minimum_score),
        *network_parameters(refs.network),
    ]


def _fold_role(spec: PipelineSpec, refs: Refs) -> list[Definition]:
    if spec.fan_out is None:
        return []
    if refs.fold_role_arn is None:
        raise LookupError("fan_out, and no role for the folds")
    return [string_parameter("FoldRoleArn", refs.fold_role_arn)]


def _build_features(spec: PipelineSpec) -> Definition:
    environment = {
        "WARMFOLD_FOLDS": str(spec.folds),
        "WARMFOLD_REPEATS": str(spec.repeats),
        "WARMFOLD_ASSIGNMENT": spec.assignment,
        "WARMFOLD_HOLDOUT_FRACTION": str(spec.holdout_fraction),
        "WARMFOLD_SEED": str(spec.seed),
        "WARMFOLD_FEATURE_SETS": ",".join(sorted({c.feature_set for c in spec.candidates})),
    }
    inputs = [processing_input(paths.RAW_INPUT, parameter("InputDataUri"))]
    outputs = [
        processing_output_of(name, execution_prefix(spec.model, "features", name))
        for name in (paths.TRAIN_OUTPUT, paths.HOLDOUT_OUTPUT, paths.TRANSFORM_OUTPUT)
    ]
    arguments = _processing("process", spec.processing, environment, inputs, outputs)
    return step(BUILD_FEATURES, "Processing", arguments, RetryPolicies=job_retries())


def _processing(
    command: str,
    compute: Compute,
    environment: dict[str, str],
    inputs: list[Definition],
    outputs: list[Definition],
) -> Definition:
    return {
        "AppSpecification": {
            "ImageUri": parameter("TrainerImage"),
            "ContainerEntrypoint": list(_ENTRY_POINT),
            "ContainerArguments": [command],
        },
        "Environment": environment,
        "NetworkConfig": {"EnableNetworkIsolation": True},
        "ProcessingInputs": inputs,
        "ProcessingOutputConfig": {"Outputs": outputs, "KmsKeyId": parameter("KmsKeyArn")},
        "ProcessingResources": processing_resources(compute),
        "RoleArn": parameter("ProcessingRoleArn"),
        "StoppingCondition": {"MaxRuntimeInSeconds": compute.max_runtime_seconds},
    }


def _select_best_trial(spec: PipelineSpec, refs: Refs) -> Definition:
    arguments = {
        "candidates": [slot_result(spec, candidate) for candidate in spec.candidates],
        "folds": spec.all_folds,
        "metric": spec.metric,
        "direction": spec.direction,
        "output_uri": execution_prefix(spec.model, "selection"),
        "model_package_group_name": parameter("ModelPackageGroupName"),
        "champion_uri": execution_prefix(spec.model, "champion"),
    }
    outputs = [
        {"OutputName": "selection_uri", "OutputType": "String"},
        {"OutputName": "champion_uri", "OutputType": "String"},
        {"OutputName": "trial_output_uri", "OutputType": "String"},
        {"OutputName": "training_job_name", "OutputType": "String"},
        {"OutputName": "score", "OutputType": "Float"},
    ]
    return step(
        SELECT_BEST_TRIAL,
        "Lambda",
        arguments,
        FunctionArn=refs.best_training_job_function_arn,
        OutputParameters=outputs,
    )


def _train_final_model(spec: PipelineSpec) -> Definition:
    selection = lambda_output(SELECT_BEST_TRIAL, "selection_uri")
    arguments = {
        "AlgorithmSpecification": {
            "TrainingImage": parameter("TrainerImage"),
            "TrainingInputMode": "File",
        },
        # The algorithm and what was tuned come in the selection channel: a HyperParameters map
        # cannot be an expression, and algorithms differ in their keys.
        "HyperParameters": {
            hyperparameters.MODE: hyperparameters.MODE_FINAL,
            hyperparameters.METRIC: spec.metric,
            hyperparameters.SEED: str(spec.seed),
        },
        "InputDataConfig": [
            channel(paths.TRAIN_CHANNEL, processing_output(BUILD_FEATURES, paths.TRAIN_OUTPUT)),
            channel(paths.SELECTION_CHANNEL, selection),
            # the winner's out-of-fold scores, on which the final model is calibrated
            channel(paths.TRIAL_CHANNEL, lambda_output(SELECT_BEST_TRIAL, "trial_output_uri")),
        ],
        "OutputDataConfig": output_data(execution_prefix(spec.model, "final")),
        "ResourceConfig": training_resources(spec.final),
        "RoleArn": parameter("FinalTrainingRoleArn"),
        **training_limits(spec.final),
        "EnableNetworkIsolation": True,
    }
    return step(TRAIN_FINAL_MODEL, "Training", arguments, RetryPolicies=job_retries())


def _evaluate_model(spec: PipelineSpec) -> Definition:
    holdout = processing_output(BUILD_FEATURES, paths.HOLDOUT_OUTPUT)
    inputs = [
        processing_input(paths.MODEL_INPUT, model_data()),
        processing_input(paths.HOLDOUT_INPUT, holdout),
        processing_input(
            paths.HOLDOUT_ROWS_INPUT, processing_output(BUILD_FEATURES, paths.TRANSFORM_OUTPUT)
        ),
        processing_input(paths.CHAMPION_INPUT, lambda_output(SELECT_BEST_TRIAL, "champion_uri")),
    ]
    name = paths.EVALUATION_OUTPUT
    outputs = [processing_output_of(name, execution_prefix(spec.model, "evaluation"))]
    environment = {"WARMFOLD_METRIC": spec.metric}
    property_file = {
        "PropertyFileName": EVALUATION_PROPERTIES,
        "OutputName": name,
        "FilePath": paths.EVALUATION_FILE,
    }
    return step(
        EVALUATE_MODEL,
        "Processing",
        _processing("evaluate", spec.evaluation, environment, inputs, outputs),
        PropertyFiles=[property_file],
        RetryPolicies=job_retries(),
    )
