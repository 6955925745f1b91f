"""The step between tuning and the final training: which trial won, over all candidates."""

from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from warmfold_constructs.policies import allow, arn
from warmfold_constructs.python_function import PythonFunction

# A Lambda step waits ten minutes at most (SageMaker Pipelines); reading 750 trials' summaries
# and describing a few takes seconds.
_TIMEOUT_SECONDS = 120
# SageMaker names a pipeline's tuning jobs after the execution and the step, and trials after
# their tuning job. The steps are `Tune-{candidate}`.
TUNING_JOBS = "*-Tune-*"


class BestTrainingJob(Construct):
    """A function that reads tuning jobs and writes ``selected_trial.json`` below ``prefix``."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        bucket: s3.IBucket,
        prefix: str,
        key: kms.IKey,
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, id)
        self.function = PythonFunction(
            self,
            "Default",
            package="best_training_job",
            description="Picks the best complete trial of all candidates",
            environment={},
            timeout_seconds=_TIMEOUT_SECONDS,
            log_retention_days=log_retention_days,
            key=key,
        )
        self._allow_reading_trials()
        self._allow_writing(bucket, prefix, key)

    def _allow_reading_trials(self) -> None:
        allow(
            self.function.role,
            [
                "sagemaker:DescribeTrainingJob",
                "sagemaker:ListTrainingJobsForHyperParameterTuningJob",
            ],
            [
                arn(self, "sagemaker", "hyper-parameter-tuning-job", TUNING_JOBS),
                arn(self, "sagemaker", "training-job", TUNING_JOBS),
            ],
            because="Tuning jobs and trials of pipeline steps, named when they start.",
        )

    def _allow_writing(self, bucket: s3.IBucket, prefix: str, key: kms.IKey) -> None:
        role = self.function.role
        allow(
            role,
            ["s3:PutObject"],
            [bucket.arn_for_objects(f"{prefix}*")],
            because="The selection of an execution, which is named when it starts.",
        )
        allow(role, ["kms:GenerateDataKey"], [key.key_arn])
