"""The pipelines of ``tests.unit.pipeline.examples``, written a second time, with the SDK.

It must say by itself what the pipeline is: from the project come only the example's settings and
the metric definitions. ``tests.sdk.offline`` runs it.
"""

# The SDK is in no environment but its own, so the type checker cannot see it.
# mypy: disable-error-code="import-not-found, no-any-return"

import json
from typing import Any

from sagemaker.core.lambda_helper import Lambda
from sagemaker.core.network import NetworkConfig
from sagemaker.core.parameter import CategoricalParameter, ContinuousParameter, IntegerParameter
from sagemaker.core.processing import Processor
from sagemaker.core.shapes import (
    CheckpointConfig,
    MetricDefinition,
    RetryStrategy,
    StoppingCondition,
)
from sagemaker.core.training.configs import Compute as TrainingCompute
from sagemaker.core.training.configs import Networking, OutputDataConfig
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.lambda_step import LambdaOutput, LambdaOutputTypeEnum, LambdaStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import (
    ProcessingStep,
    TrainingStep,
    TransformStep,
    TuningStep,
)
from sagemaker.train import ModelTrainer
from sagemaker.train.tuner import HyperparameterTuner

from tests.sdk import blocks
from tests.sdk.gate import Gate
from tests.unit.pipeline import examples
from tests.unit.pipeline.examples import GBDT, REFS, SPEC
from warmfold.pipeline.candidates import Range
from warmfold.pipeline.spec import Compute
from warmfold_contract.metrics import metric_definitions


def training() -> dict[str, Any]:
    return _Training(searching=False).definition()


def searching() -> dict[str, Any]:
    return _Training(searching=True).definition()


def scoring() -> dict[str, Any]:
    given = blocks.parameters(examples.scoring())
    target = Join(on="", values=[given["OutputUri"], "run=", blocks.RUN, "/"])
    transform = TransformStep(
        name="TransformBatch",
        step_args=blocks.transform(
            examples.SCORING_SPEC.transform,
            given["ModelName"],
            given["KmsKeyArn"],
            given["InputUri"],
            target,
            input_filter=examples.SCORING_SPEC.input_filter,
            output_filter=examples.SCORING_SPEC.output_filter,
        ),
        retry_policies=blocks.job_retries(),
    )
    inputs = {
        "output_uri": transform.properties.TransformOutput.S3OutputPath,
        "manifest_uri": given["ManifestUri"],
        "day": given["Day"],
        "execution_id": blocks.RUN,
    }
    arn = examples.SCORING_REFS.publish_function_arn
    publish = LambdaStep(
        name="PublishPredictions",
        lambda_func=Lambda(function_arn=arn, session=blocks.SESSION),
        inputs=inputs,
    )
    return _definition(given, [transform, publish])


def _definition(given: dict[str, Any], steps: list[Any]) -> dict[str, Any]:
    pipeline = Pipeline(
        name="warmfold",
        parameters=list(given.values()),
        steps=steps,
        sagemaker_session=blocks.SESSION,
        pipeline_experiment_config=None,
    )
    definition: dict[str, Any] = json.loads(pipeline.definition())
    return definition


def _span(span: Range) -> Any:
    if span.kind == "categorical":
        return CategoricalParameter(list(span.values))
    assert span.minimum is not None
    assert span.maximum is not None
    if span.kind == "integer":
        low, high = int(span.minimum), int(span.maximum)
        return IntegerParameter(low, high, scaling_type=span.scaling)
    return ContinuousParameter(span.minimum, span.maximum, scaling_type=span.scaling)


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


class _Training:
    """With ``searching``, the candidate's trials are one training job instead of a tuning job."""

    def __init__(self, *, searching: bool) -> None:
        self._searching = searching
        self._given = blocks.parameters(examples.training())
        self._evaluation = PropertyFile(
            name="Evaluation", output_name="evaluation", path="evaluation.json"
        )

    def definition(self) -> dict[str, Any]:
        features = self._build_features()
        if self._searching:
            slot = self._search(features)
            best = self._select_best_trial("in_job", slot.properties.TrainingJobName)
        else:
            slot = self._tune(features)
            best = self._select_best_trial("amt", slot.properties.HyperParameterTuningJobName)
        final = self._train_final_model(features, best)
        evaluate = self._evaluate_model(features, best, final)
        check = Gate(self._given, self._evaluation).check_score(features, final, evaluate)
        return _definition(self._given, [features, slot, best, final, evaluate, check])

    def _prefix(self, *parts: str) -> Any:
        return blocks.prefix(self._given["BucketName"], SPEC.model, *parts)

    def _processor(self, compute: Compute, environment: dict[str, str]) -> Any:
        return Processor(
            role=REFS.processing_role_arn,
            image_uri=self._given["TrainerImage"],
            instance_count=compute.instance_count,
            instance_type=compute.instance_type,
            entrypoint=["python", "-m", "warmfold_trainer"],
            volume_size_in_gb=compute.volume_gib,
            volume_kms_key=self._given["KmsKeyArn"],
            output_kms_key=self._given["KmsKeyArn"],
            max_runtime_in_seconds=compute.max_runtime_seconds,
            env=environment,
            sagemaker_session=blocks.SESSION,
            network_config=NetworkConfig(enable_network_isolation=True),
        )

    def _build_features(self) -> Any:
        environment = {
            "WARMFOLD_FOLDS": "5",
            "WARMFOLD_REPEATS": "1",
            "WARMFOLD_ASSIGNMENT": "stratified",
            "WARMFOLD_HOLDOUT_FRACTION": "0.2",
            "WARMFOLD_SEED": "7",
            "WARMFOLD_FEATURE_SETS": "default",
        }
        outputs = [
            blocks.processing_output(name, self._prefix("features", name))
            for name in ("train", "holdout", "transform")
        ]
        arguments = self._processor(SPEC.processing, environment).run(
            inputs=[blocks.processing_input("raw", self._given["InputDataUri"])],
            outputs=outputs,
            arguments=["process"],
        )
        return ProcessingStep(
            name="BuildFeatures", step_args=arguments, retry_policies=blocks.job_retries()
        )

    def _trainer(self, compute: Compute, role: str, values: dict[str, str], folder: str) -> Any:
        key = self._given["KmsKeyArn"]
        return ModelTrainer(
            sagemaker_session=blocks.SESSION,
            role=role,
            base_job_name="warmfold",  # it would make one of the image, which is no string here
            training_image=self._given["TrainerImage"],
            compute=TrainingCompute(
                instance_type=compute.instance_type,
                instance_count=compute.instance_count,
                volume_size_in_gb=compute.volume_gib,
                volume_kms_key_id=key,
            ),
            stopping_condition=StoppingCondition(
                max_runtime_in_seconds=compute.max_runtime_seconds
            ),
            output_data_config=OutputDataConfig(
                s3_output_path=self._prefix(folder), kms_key_id=key, compression_type="GZIP"
            ),
            networking=Networking(enable_network_isolation=True),
            hyperparameters=values,
        )

    def _tune(self, features: Any) -> Any:
        values = {
            "warmfold_mode": "trial",
            "warmfold_cv_strategy": "in_job",
            **_CANDIDATE,
        }
        trial = self._trainer(SPEC.trial, REFS.trial_role_arn, values, "tuning")
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

    def _search(self, features: Any) -> Any:
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
            s3_uri=self._prefix("tuning", "checkpoints", "gbdt"), local_path="/opt/ml/checkpoints"
        )
        trainer = self._trainer(SPEC.trial, REFS.trial_role_arn, values, "tuning")
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

    def _select_best_trial(self, kind: str, job_name: Any) -> Any:
        candidate = {
            "kind": kind,
            "name": "gbdt",
            "algorithm": "lightgbm",
            "task": "classification",
            "feature_set": "default",
            "job_name": job_name,
        }
        inputs = {
            "candidates": [candidate],
            "folds": 5,
            "metric": "auc",
            "direction": "Maximize",
            "output_uri": self._prefix("selection"),
            "model_package_group_name": self._given["ModelPackageGroupName"],
            "champion_uri": self._prefix("champion"),
        }
        outputs = [
            LambdaOutput("selection_uri", LambdaOutputTypeEnum.String),
            LambdaOutput("champion_uri", LambdaOutputTypeEnum.String),
            LambdaOutput("trial_output_uri", LambdaOutputTypeEnum.String),
            LambdaOutput("training_job_name", LambdaOutputTypeEnum.String),
            LambdaOutput("score", LambdaOutputTypeEnum.Float),
        ]
        function = Lambda(function_arn=REFS.best_training_job_function_arn, session=blocks.SESSION)
        return LambdaStep(
            name="SelectBestTrial", lambda_func=function, inputs=inputs, outputs=outputs
        )

    def _train_final_model(self, features: Any, best: Any) -> Any:
        values = {"warmfold_mode": "final", "warmfold_metric": "auc", "warmfold_seed": "7"}
        trainer = self._trainer(SPEC.final, REFS.final_training_role_arn, values, "final")
        channels = [
            blocks.channel("train", blocks.output_of(features, "train")),
            blocks.channel("selection", best.properties.Outputs["selection_uri"]),
            blocks.channel("trial", best.properties.Outputs["trial_output_uri"]),
        ]
        return TrainingStep(
            name="TrainFinalModel",
            step_args=trainer.train(input_data_config=channels),
            retry_policies=blocks.job_retries(),
        )

    def _evaluate_model(self, features: Any, best: Any, final: Any) -> Any:
        inputs = [
            blocks.processing_input("model", final.properties.ModelArtifacts.S3ModelArtifacts),
            blocks.processing_input("holdout", blocks.output_of(features, "holdout")),
            blocks.processing_input("holdout_rows", blocks.output_of(features, "transform")),
            blocks.processing_input("champion", best.properties.Outputs["champion_uri"]),
        ]
        outputs = [blocks.processing_output("evaluation", self._prefix("evaluation"))]
        processor = self._processor(SPEC.evaluation, {"WARMFOLD_METRIC": "auc"})
        return ProcessingStep(
            name="EvaluateModel",
            step_args=processor.run(inputs=inputs, outputs=outputs, arguments=["evaluate"]),
            property_files=[self._evaluation],
            retry_policies=blocks.job_retries(),
        )
