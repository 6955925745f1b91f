"""A candidate's slot in the training pipeline: one SageMaker tuning job."""

from warmfold.pipeline.blocks import (
    Definition,
    channel,
    execution_prefix,
    output_data,
    step,
    training_resources,
    tuning_retries,
)
from warmfold.pipeline.expressions import parameter, processing_output
from warmfold.pipeline.spec import Candidate, PipelineSpec, Range
from warmfold_contract import hyperparameters, metrics, paths

# SageMaker repeats a trial only after its own internal errors (API reference, RetryStrategy).
_TRIAL_RETRIES = 2


def tuning_step_name(candidate: Candidate) -> str:
    return f"Tune-{candidate.name}"


def tuning_step(spec: PipelineSpec, candidate: Candidate, features_step: str) -> Definition:
    """``features_step`` is the processing step whose ``train`` output the trials read."""
    arguments = {
        "HyperParameterTuningJobConfig": _job_config(spec, candidate),
        "TrainingJobDefinition": _trial(spec, candidate, features_step),
    }
    return step(tuning_step_name(candidate), "Tuning", arguments, RetryPolicies=tuning_retries())


def _job_config(spec: PipelineSpec, candidate: Candidate) -> Definition:
    return {
        "Strategy": spec.strategy,
        "HyperParameterTuningJobObjective": {
            "Type": spec.direction,
            "MetricName": metrics.OBJECTIVE,
        },
        "ResourceLimits": {
            "MaxNumberOfTrainingJobs": spec.max_trials,
            "MaxParallelTrainingJobs": spec.parallel_trials,
        },
        "ParameterRanges": parameter_ranges(candidate),
        # Only a trial with all folds may win, so SageMaker must not cut one short.
        "TrainingJobEarlyStoppingType": "Off",
        "RandomSeed": spec.seed,
    }


def _trial(spec: PipelineSpec, candidate: Candidate, features_step: str) -> Definition:
    train = processing_output(features_step, paths.TRAIN_OUTPUT)
    return {
        "AlgorithmSpecification": {
            "TrainingImage": parameter("TrainerImage"),
            "TrainingInputMode": "File",
            "MetricDefinitions": metrics.metric_definitions(spec.folds),
        },
        "StaticHyperParameters": static_hyperparameters(spec, candidate),
        "InputDataConfig": [channel(paths.TRAIN_CHANNEL, train)],
        "OutputDataConfig": output_data(execution_prefix(spec.model, "tuning")),
        "ResourceConfig": training_resources(spec.trial),
        "RoleArn": parameter("TrialRoleArn"),
        "StoppingCondition": {"MaxRuntimeInSeconds": spec.trial.max_runtime_seconds},
        "RetryStrategy": {"MaximumRetryAttempts": _TRIAL_RETRIES},
        "EnableNetworkIsolation": True,
    }


def static_hyperparameters(spec: PipelineSpec, candidate: Candidate) -> dict[str, str]:
    return {
        hyperparameters.MODE: hyperparameters.MODE_TRIAL,
        hyperparameters.ALGORITHM: candidate.algorithm,
        hyperparameters.METRIC: spec.metric,
        hyperparameters.SEED: str(spec.seed),
        **candidate.static,
    }


def parameter_ranges(candidate: Candidate) -> Definition:
    """``ParameterRanges``: SageMaker wants one list a kind, and strings throughout."""
    return {
        "ContinuousParameterRanges": _numeric(candidate, "continuous"),
        "IntegerParameterRanges": _numeric(candidate, "integer"),
        "CategoricalParameterRanges": [
            {"Name": name, "Values": list(span.values)}
            for name, span in candidate.ranges.items()
            if span.kind == "categorical"
        ],
    }


def _numeric(candidate: Candidate, kind: str) -> list[Definition]:
    return [
        {
            "Name": name,
            "MinValue": _bound(span, span.minimum),
            "MaxValue": _bound(span, span.maximum),
            "ScalingType": span.scaling,
        }
        for name, span in candidate.ranges.items()
        if span.kind == kind
    ]


def _bound(span: Range, value: float | None) -> str:
    if value is None:  # the spec refuses a numeric range without bounds
        raise ValueError(f"{span.kind} range without bounds")
    return str(int(value)) if span.kind == "integer" else str(float(value))
