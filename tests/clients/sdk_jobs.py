"""``python -m tests.clients.sdk_jobs WHAT IMAGE ROLE DATA BUCKET``: the SageMaker SDK v3, live.

Runs in the SDK's own environment against the cloud that the AWS variables name; prints one line
of JSON.
"""

# The SDK is in no environment but its own, so the type checker cannot see it.
# mypy: disable-error-code="import-not-found, no-any-return"

import json
import sys
from typing import Any

import boto3
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.parameter import ContinuousParameter
from sagemaker.core.shapes import Channel, DataSource, S3DataSource
from sagemaker.core.training.configs import Compute, InputData, OutputDataConfig, StoppingCondition
from sagemaker.core.workflow.parameters import ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import TrainingStep
from sagemaker.train import ModelTrainer
from sagemaker.train.tuner import HyperparameterTuner

IMAGE, ROLE, DATA, BUCKET = sys.argv[2:6]
METRICS = [{"Name": "validation:score", "Regex": "validation:score=([-0-9.]+);"}]
CONFIG = {
    "SchemaVersion": "1.0",
    "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}},
}


def trainer(session: Any, name: str, **members: Any) -> Any:
    return ModelTrainer(
        base_job_name=name,
        sagemaker_session=session,
        role=ROLE,
        training_image=IMAGE,
        compute=Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=1),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=60),
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{BUCKET}/sdk"),
        hyperparameters={"x": "1"},
        **members,
    )


def session_of(kind: Any) -> Any:
    return kind(boto_session=boto3.Session(), default_bucket=BUCKET, sagemaker_config=CONFIG)


def channel() -> Any:
    source = S3DataSource(
        s3_data_type="S3Prefix", s3_uri=DATA, s3_data_distribution_type="FullyReplicated"
    )
    return Channel(
        channel_name="train", input_mode="File", data_source=DataSource(s3_data_source=source)
    )


def train() -> dict[str, Any]:
    model = trainer(session_of(Session), "sdk")
    rows = InputData(channel_name="train", data_source=DATA)
    model.train(input_data_config=[rows], wait=True, logs=False)
    job = model._latest_training_job
    return {
        "name": job.training_job_name,
        "status": job.training_job_status,
        "model": job.model_artifacts.s3_model_artifacts,
    }


def tune() -> dict[str, Any]:
    tuner = HyperparameterTuner(
        model_trainer=trainer(session_of(Session), "sdk-tune"),
        objective_metric_name="validation:score",
        hyperparameter_ranges={"x": ContinuousParameter(0.0, 6.0)},
        metric_definitions=METRICS,
        strategy="Random",
        max_jobs=3,
        max_parallel_jobs=1,
        random_seed=7,
    )
    tuner.tune(inputs=[channel()], wait=True)
    job = tuner.latest_tuning_job.refresh()
    return {
        "name": job.hyper_parameter_tuning_job_name,
        "status": job.hyper_parameter_tuning_job_status,
        "trials": job.training_job_status_counters.completed,
        "best": tuner.best_training_job(),
    }


def pipeline() -> dict[str, Any]:
    """One training step, as ``Pipeline`` itself renders, deploys and starts it."""
    session = session_of(PipelineSession)
    bound = ParameterString(name="Rows", default_value=DATA)
    step = TrainingStep(
        name="Train",
        step_args=trainer(session, "sdk-step").train(
            input_data_config=[InputData(channel_name="train", data_source=bound)]
        ),
    )
    made = Pipeline(name="sdk", parameters=[bound], steps=[step], sagemaker_session=session)
    made.upsert(role_arn=ROLE)
    execution = made.start()
    execution.wait(delay=1, max_attempts=60)
    steps = execution.list_steps()
    return {
        "status": execution.describe()["PipelineExecutionStatus"],
        "steps": {item["StepName"]: item["StepStatus"] for item in steps},
    }


WHAT = {"train": train, "tune": tune, "pipeline": pipeline}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(WHAT[sys.argv[1]]()) + "\n")
