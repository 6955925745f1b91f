"""Stops what a trial could not stop itself: the fold jobs of one that was killed."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from constructs import Construct

from warmfold_constructs.acknowledge import acknowledge
from warmfold_constructs.fold_jobs import FOLD_ROLE_TAG
from warmfold_constructs.job_names import FOLD_JOBS, LIKE_TUNING_JOBS
from warmfold_constructs.policies import allow, arn
from warmfold_constructs.python_function import PythonFunction

_MINUTES = 5
# Below the schedule's period, so that two rounds do not meet; a hundred folds, the most that
# trials may start at once, take 100 s to stop.
_TIMEOUT_SECONDS = 240
_NAMED_LATER = "Trials and their folds, named when a tuning job starts them."


class FoldSweeper(Construct):
    """Every five minutes: folds whose trial has ended are stopped, pools that nobody uses ended.

    Only jobs that are tagged with ``fold_role_name``, the role of one model's folds.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        model_package_group: str,
        fold_role_name: str,
        key: kms.IKey,
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, id)
        self.function = PythonFunction(
            self,
            "Default",
            package="sweep_folds",
            description="Stops folds that their trial left behind",
            environment={
                "FOLD_ROLE_NAME": fold_role_name,
                "MODEL_PACKAGE_GROUP_NAME": model_package_group,
            },
            timeout_seconds=_TIMEOUT_SECONDS,
            log_retention_days=log_retention_days,
            key=key,
        )
        self._allow_sweeping(fold_role_name)
        self._every(_MINUTES)
        self.alarm = self.function.trouble_alarm("Folds were left behind, or could not be swept")

    def _allow_sweeping(self, fold_role_name: str) -> None:
        role = self.function.role
        folds = [arn(self, "sagemaker", "training-job", FOLD_JOBS)]
        trials = [arn(self, "sagemaker", "training-job", LIKE_TUNING_JOBS)]
        searches = [arn(self, "sagemaker", "hyper-parameter-tuning-job", LIKE_TUNING_JOBS)]
        allow(role, ["sagemaker:ListTrainingJobs"], ["*"])
        acknowledge(
            role,
            {
                "IAM5[Resource::*]": "sagemaker:ListTrainingJobs and sending traces to X-Ray know "
                "no resources."
            },
        )
        actions = ["sagemaker:ListTags", "sagemaker:DescribeTrainingJob"]
        allow(role, actions, trials, because=_NAMED_LATER)
        allow(role, ["sagemaker:DescribeHyperParameterTuningJob"], searches, because=_NAMED_LATER)
        allow(
            role,
            ["sagemaker:StopTrainingJob", "sagemaker:UpdateTrainingJob"],
            folds,
            because=_NAMED_LATER,
            conditions={"StringEquals": {f"aws:ResourceTag/{FOLD_ROLE_TAG}": fold_role_name}},
        )

    def _every(self, minutes: int) -> None:
        """What a round leaves or fails at is the next one's: it is not tried again in between."""
        events.Rule(
            self,
            "Schedule",
            description="Looks for folds that their trial left behind",
            schedule=events.Schedule.rate(Duration.minutes(minutes)),
            targets=[targets.LambdaFunction(self.function.function, retry_attempts=0)],
        )
