"""The step between tuning and the final training: which trial won, over all candidates."""

from collections.abc import Sequence

from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from warmfold_constructs.acknowledge import acknowledge
from warmfold_constructs.job_names import SEARCH_JOBS, TUNING_JOBS
from warmfold_constructs.model_registry import ModelRegistry, grant_read
from warmfold_constructs.policies import allow, arn
from warmfold_constructs.python_function import PythonFunction

# A Lambda step waits ten minutes at most (SageMaker Pipelines); reading 750 trials' summaries
# and describing a few takes seconds.
_TIMEOUT_SECONDS = 120


class BestTrainingJob(Construct):
    """A function that reads the trials of an execution and writes ``selected_trial.json``.

    It also copies the latest approved model of ``registry`` to where the execution's evaluation
    finds it. ``archives`` is where trials, searches and final trainings leave theirs, ``written``
    where the function's own files go.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        bucket: s3.IBucket,
        archives: Sequence[str],
        written: Sequence[str],
        registry: ModelRegistry,
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
        self._allow_reading_trials(bucket, archives)
        self._allow_writing(bucket, written, key)
        grant_read(self.function.role, registry.group_name)

    def allow_counting_folds(self) -> None:
        """Where folds are jobs: how many there were, how long they took, how many started warm."""
        role = self.function.role
        allow(role, ["sagemaker:ListTrainingJobs"], ["*"])
        acknowledge(
            role,
            {
                "IAM5[Resource::*]": "sagemaker:ListTrainingJobs and sending traces to X-Ray know "
                "no resources."
            },
        )

    def _allow_reading_trials(self, bucket: s3.IBucket, archives: Sequence[str]) -> None:
        allow(
            self.function.role,
            [
                "sagemaker:DescribeTrainingJob",
                "sagemaker:ListTrainingJobsForHyperParameterTuningJob",
            ],
            [
                arn(self, "sagemaker", "hyper-parameter-tuning-job", TUNING_JOBS),
                arn(self, "sagemaker", "training-job", TUNING_JOBS),
                arn(self, "sagemaker", "training-job", SEARCH_JOBS),
            ],
            because="Tuning jobs and trials of pipeline steps, named when they start.",
        )
        allow(
            self.function.role,
            ["s3:GetObject"],
            [bucket.arn_for_objects(f"{prefix}*") for prefix in archives],
            because="Archives of trials and models of executions, which are named when they start.",
        )
        # To tell a champion's archive that is gone from one that may not be read.
        allow(
            self.function.role,
            ["s3:ListBucket"],
            [bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in archives]}},
        )

    def _allow_writing(self, bucket: s3.IBucket, written: Sequence[str], key: kms.IKey) -> None:
        role = self.function.role
        allow(
            role,
            ["s3:PutObject"],
            [bucket.arn_for_objects(f"{prefix}*") for prefix in written],
            because="The selection of an execution, which is named when it starts.",
        )
        # Decrypt: the archives of trials and models that it reads are encrypted with the same key.
        allow(role, ["kms:Decrypt", "kms:GenerateDataKey"], [key.key_arn])
