"""What a trial may do that starts its folds as training jobs: these jobs, as one role, no more."""

from dataclasses import dataclass

from aws_cdk import aws_iam as iam

from warmfold.pipeline.spec import JobNetwork
from warmfold_constructs.acknowledge import acknowledge
from warmfold_constructs.best_training_job import TUNING_JOBS
from warmfold_constructs.job_network import Conditions, job_conditions, together
from warmfold_constructs.policies import allow, allow_passing, arn

# A fold's job is named after its trial, which SageMaker names after the tuning job.
FOLD_JOBS = f"{TUNING_JOBS}-fold-*"
# Every fold is tagged with the name of the role that it runs as; trials of another model, whose
# folds have names of the same pattern, run as another role.
FOLD_ROLE_TAG = "warmfold:fold-role"
_NAMED_LATER = "Trials and their folds, named when a tuning job starts them."


@dataclass(frozen=True, kw_only=True)
class FoldLimits:
    """What a fold's job may cost at most; the machine is the trial's own kind."""

    instance_type: str
    keep_alive_seconds: int
    max_runtime_seconds: int


def allow_fold_jobs(
    trial: iam.Role, fold: iam.Role, limits: FoldLimits, network: JobNetwork | None
) -> None:
    """Let ``trial`` start, watch and stop folds that run as ``fold``, in the trial's network.

    Condition keys: Service Authorization Reference, "Amazon SageMaker"; ``KeepAlivePeriod`` is
    absent from a request without one.
    """
    folds = [arn(trial, "sagemaker", "training-job", FOLD_JOBS)]
    trials = [arn(trial, "sagemaker", "training-job", TUNING_JOBS)]
    tag = {f"aws:RequestTag/{FOLD_ROLE_TAG}": fold.role_name}
    conditions: Conditions = {
        "StringEquals": tag,
        "Bool": {"sagemaker:NetworkIsolation": "true"},
        "ForAllValues:StringEquals": {"sagemaker:InstanceTypes": [limits.instance_type]},
        "NumericLessThanEquals": {"sagemaker:MaxRuntimeInSeconds": limits.max_runtime_seconds},
        "NumericLessThanEqualsIfExists": {"sagemaker:KeepAlivePeriod": limits.keep_alive_seconds},
    }
    create = ["sagemaker:CreateTrainingJob"]
    bound = together(conditions, job_conditions(network))
    allow(trial, create, folds, conditions=bound, because=_NAMED_LATER)
    allow(trial, ["sagemaker:AddTags"], folds, conditions={"StringEquals": tag})
    allow(
        trial,
        ["sagemaker:StopTrainingJob"],
        folds,
        conditions={"StringEquals": {f"aws:ResourceTag/{FOLD_ROLE_TAG}": fold.role_name}},
    )
    allow(trial, ["sagemaker:DescribeTrainingJob"], trials, because=_NAMED_LATER)
    allow(trial, ["sagemaker:ListTrainingJobs"], ["*"])
    acknowledge(trial, {"IAM5[Resource::*]": "sagemaker:ListTrainingJobs knows no resources."})
    allow_passing(trial, [fold.role_arn], to_service="sagemaker.amazonaws.com")
