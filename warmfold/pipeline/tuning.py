"""A candidate's slot in the training pipeline: a tuning job, or a training job that searches."""

from warmfold.pipeline.blocks import (
    Definition,
    channel,
    execution_prefix,
    job_retries,
    output_data,
    step,
    training_limits,
    training_resources,
    tuning_retries,
)
from warmfold.pipeline.candidates import Candidate, Range
from warmfold.pipeline.expressions import parameter, processing_output, step_property
from warmfold.pipeline.names import SEARCH_PREFIX, TUNE_PREFIX
from warmfold.pipeline.spec import Compute, PipelineSpec
from warmfold.pipeline.static import search_hyperparameters, trial_hyperparameters
from warmfold_contract import metrics, paths

# SageMaker repeats a trial only after its own internal errors (API reference, RetryStrategy).
_TRIAL_RETRIES = 2
# API reference, ConvergenceDetected; how the service detects it is not published.
_UNTIL_CONVERGED = {
    "TuningJobCompletionCriteria": {"ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}}
}


def slot_name(spec: PipelineSpec, candidate: Candidate) -> str:
    """The name of the candidate's step, by which runs and reports know the candidate."""
    prefix = SEARCH_PREFIX if spec.engine == "in_job" else TUNE_PREFIX
    return f"{prefix}{candidate.name}"


def slot(spec: PipelineSpec, candidate: Candidate, features_step: str) -> Definition:
    """``features_step`` is the processing step whose ``train`` output the trials read."""
    name = slot_name(spec, candidate)
    if spec.engine == "in_job":
        search = _search(spec, candidate, features_step)
        return step(name, "Training", search, RetryPolicies=job_retries())
    arguments = {
        "HyperParameterTuningJobConfig": _job_config(spec, candidate),
        "TrainingJobDefinition": _trial(spec, candidate, features_step),
    }
    return step(name, "Tuning", arguments, RetryPolicies=tuning_retries())


def slot_result(spec: PipelineSpec, candidate: Candidate) -> Definition:
    """What the best-trial function is told of the slot: where to read its trials."""
    in_job = spec.engine == "in_job"
    job_name = "TrainingJobName" if in_job else "HyperParameterTuningJobName"
    return {
        "kind": spec.engine,
        "name": candidate.name,
        "algorithm": candidate.algorithm,
        "task": candidate.task,
        "feature_set": candidate.feature_set,
        "job_name": step_property(slot_name(spec, candidate), job_name),
    }


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
        **(_UNTIL_CONVERGED if spec.stops_when_converged else {}),
    }


def _trial(spec: PipelineSpec, candidate: Candidate, features_step: str) -> Definition:
    return {
        **_training(spec, spec.trial, features_step),
        "StaticHyperParameters": trial_hyperparameters(spec, candidate),
        "RetryStrategy": {"MaximumRetryAttempts": _TRIAL_RETRIES},
        "EnableNetworkIsolation": spec.isolated_trials,
    }


def _search(spec: PipelineSpec, candidate: Candidate, features_step: str) -> Definition:
    if spec.search is None:  # refused when the spec was made
        raise LookupError(f"no machine for the search of {candidate.name}")
    checkpoints = execution_prefix(spec.model, "tuning", "checkpoints", candidate.name)
    return {
        **_training(spec, spec.search, features_step),
        "HyperParameters": search_hyperparameters(spec, candidate),
        "CheckpointConfig": {"S3Uri": checkpoints, "LocalPath": paths.CHECKPOINT_PATH},
        "EnableNetworkIsolation": True,
    }


def _training(spec: PipelineSpec, compute: Compute, features_step: str) -> Definition:
    """What a trial and a search have in common."""
    train = processing_output(features_step, paths.TRAIN_OUTPUT)
    return {
        "AlgorithmSpecification": {
            "TrainingImage": parameter("TrainerImage"),
            "TrainingInputMode": "File",
            "MetricDefinitions": metrics.metric_definitions(spec.all_folds),
        },
        "InputDataConfig": [channel(paths.TRAIN_CHANNEL, train)],
        "OutputDataConfig": output_data(execution_prefix(spec.model, "tuning")),
        "ResourceConfig": training_resources(compute),
        "RoleArn": parameter("TrialRoleArn"),
        **training_limits(compute),
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
