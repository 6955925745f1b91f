"""A candidate's trials: as a tuning job, or as one training job that searches."""

# The SDK is in no environment but its own, so the type checker cannot see it.
# mypy: disable-error-code="import-not-found, no-any-return"

from typing import Any

from sagemaker.core.parameter import CategoricalParameter, ContinuousParameter, IntegerParameter
from sagemaker.core.shapes import CheckpointConfig, MetricDefinition, RetryStrategy
from sagemaker.mlops.workflow.steps import TrainingStep, TuningStep
from sagemaker.train.tuner import HyperparameterTuner

from tests.sdk import blocks
from tests.sdk.jobs import Jobs
from tests.unit.pipeline.examples import GBDT, REFS, SPEC
from warmfold.pipeline.candidates import Range
from warmfold_contract.metrics import metric_definitions

_RANGES = {
    "warmfold_range_learning_rate": '{"kind":"continuous","minimum":0.01,"maximum":0.3,'
    '"values":[],"scaling":"Logarithmic"}',
    "warmfold_range_num_leaves": '{"kind":"integer","minimum":7,"maximum":63,'
    '"values":[],"scaling":"Auto"}',
    "warmfold_range_boosting": '{"kind":"categorical","minimum":null,"maximum":null,'
    '"values":["gbdt","dart"],"scaling":"Auto"}',
}
# What a candidate's trial and its search are both told.
_CANDIDATE = {
    "warmfold_algorithm": "lightgbm",
    "warmfold_task": "classification",
    "warmfold_feature_set": "default",
    "warmfold_metric": "auc",
    "warmfold_seed": "7",
    "warmfold_racing": "off",
    "max_rounds": "500",
    "early_stopping_rounds": "30",
}


class Searches:
    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def tune(self, features: Any) -> Any:
        values = {
            "warmfold_mode": "trial",
            "warmfold_cv_strategy": "in_job",
            **_CANDIDATE,
        }
        trial = self._jobs.trainer(SPEC.trial, REFS.trial_role_arn, values, "tuning")
        tuner = HyperparameterTuner(
            model_trainer=trial.with_retry_strategy(RetryStrategy(maximum_retry_attempts=2)),
            objective_metric_name="validation:score",
            hyperparameter_ranges={n: _span(span) for n, span in GBDT.ranges.items()},
            metric_definitions=metric_definitions(5),
            strategy="Bayesian",
            objective_type="Maximize",
            max_jobs=SPEC.max_trials,
            max_parallel_jobs=SPEC.parallel_trials,
            early_stopping_type="Off",
            random_seed=7,
        )
        train = blocks.channel("train", blocks.output_of(features, "train"))
        return TuningStep(
            name="Tune-gbdt",
            step_args=tuner.tune(inputs=[train]),
            retry_policies=blocks.tuning_retries(),
        )

    def search(self, features: Any) -> Any:
        values = {
            "warmfold_mode": "search",
            "warmfold_candidate": "gbdt",
            "warmfold_strategy": "Bayesian",
            "warmfold_max_trials": "12",
            "warmfold_stops_when_converged": "false",
            **_RANGES,
            **_CANDIDATE,
        }
        checkpoints = CheckpointConfig(
            s3_uri=self._jobs.prefix("tuning", "checkpoints", "gbdt"),
            local_path="/opt/ml/checkpoints",
        )
        trainer = self._jobs.trainer(SPEC.trial, REFS.trial_role_arn, values, "tuning")
        trainer = trainer.with_checkpoint_config(checkpoints)
        definitions = [
            MetricDefinition(name=d["Name"], regex=d["Regex"]) for d in metric_definitions(5)
        ]
        train = blocks.channel("train", blocks.output_of(features, "train"))
        return TrainingStep(
            name="Search-gbdt",
            step_args=trainer.with_metric_definitions(definitions).train(input_data_config=[train]),
            retry_policies=blocks.job_retries(),
        )


def _span(span: Range) -> Any:
    if span.kind == "categorical":
        return CategoricalParameter(list(span.values))
    assert span.minimum is not None
    assert span.maximum is not None
    if span.kind == "integer":
        low, high = int(span.minimum), int(span.maximum)
        return IntegerParameter(low, high, scaling_type=span.scaling)
    return ContinuousParameter(span.minimum, span.maximum, scaling_type=span.scaling)
