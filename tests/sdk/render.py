"""The pipelines of ``tests.unit.pipeline.examples``, written a second time, with the SDK.

It must say by itself what the pipeline is: from the project come only the example's settings and
the metric definitions. ``tests.sdk.offline`` runs it.
"""

# The SDK is in no environment but its own, so the type checker cannot see it.
# mypy: disable-error-code="import-not-found, no-any-return"

import json
from typing import Any

from sagemaker.core.lambda_helper import Lambda
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.lambda_step import LambdaOutput, LambdaOutputTypeEnum, LambdaStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import ProcessingStep, TrainingStep, TransformStep

from tests.sdk import blocks
from tests.sdk.gate import Gate
from tests.sdk.jobs import Jobs
from tests.sdk.searches import Searches
from tests.unit.pipeline import examples
from tests.unit.pipeline.examples import REFS, SPEC


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


class _Training:
    """With ``searching``, the candidate's trials are one training job instead of a tuning job."""

    def __init__(self, *, searching: bool) -> None:
        self._searching = searching
        self._given = blocks.parameters(examples.training())
        self._jobs = Jobs(self._given)
        self._evaluation = PropertyFile(
            name="Evaluation", output_name="evaluation", path="evaluation.json"
        )

    def definition(self) -> dict[str, Any]:
        features = self._build_features()
        if self._searching:
            slot = Searches(self._jobs).search(features)
            best = self._select_best_trial("in_job", slot.properties.TrainingJobName)
        else:
            slot = Searches(self._jobs).tune(features)
            best = self._select_best_trial("amt", slot.properties.HyperParameterTuningJobName)
        final = self._train_final_model(features, best)
        evaluate = self._evaluate_model(features, best, final)
        check = Gate(self._given, self._evaluation).check_score(features, final, evaluate)
        return _definition(self._given, [features, slot, best, final, evaluate, check])

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
            blocks.processing_output(name, self._jobs.prefix("features", name))
            for name in ("train", "holdout", "transform")
        ]
        arguments = self._jobs.processor(SPEC.processing, environment).run(
            inputs=[blocks.processing_input("raw", self._given["InputDataUri"])],
            outputs=outputs,
            arguments=["process"],
        )
        return ProcessingStep(
            name="BuildFeatures", step_args=arguments, retry_policies=blocks.job_retries()
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
            "output_uri": self._jobs.prefix("selection"),
            "model_package_group_name": self._given["ModelPackageGroupName"],
            "champion_uri": self._jobs.prefix("champion"),
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
        trainer = self._jobs.trainer(SPEC.final, REFS.final_training_role_arn, values, "final")
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
        outputs = [blocks.processing_output("evaluation", self._jobs.prefix("evaluation"))]
        processor = self._jobs.processor(SPEC.evaluation, {"WARMFOLD_METRIC": "auc"})
        return ProcessingStep(
            name="EvaluateModel",
            step_args=processor.run(inputs=inputs, outputs=outputs, arguments=["evaluate"]),
            property_files=[self._evaluation],
            retry_policies=blocks.job_retries(),
        )
