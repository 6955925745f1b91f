"""What a trial may do that starts its folds as training jobs: these jobs, as one role, no more."""

from dataclasses import dataclass

from aws_cdk import aws_iam as iam

from warmfold.pipeline.spec import JobNetwork, has_instance_storage
from warmfold_constructs.acknowledge import acknowledge
from warmfold_constructs.job_limits import keys, machines
from warmfold_constructs.job_names import FOLD_JOBS, TUNING_JOBS
from warmfold_constructs.job_network import Conditions, job_conditions, together
from warmfold_constructs.policies import allow, allow_passing, arn

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
    trial: iam.Role,
    fold: iam.Role,
    limits: FoldLimits,
    network: JobNetwork | None,
    key_arn: str,
) -> None:
    """Let ``trial`` start, watch and stop folds that run as ``fold``, in the trial's network.

    ``key_arn`` encrypts what they write, and their volumes on machines that take a key.
    """
    folds = [arn(trial, "sagemaker", "training-job", FOLD_JOBS)]
    trials = [arn(trial, "sagemaker", "training-job", TUNING_JOBS)]
    tag = {f"aws:RequestTag/{FOLD_ROLE_TAG}": fold.role_name}
    bound = _conditions(tag, limits, network, key_arn)
    allow(trial, ["sagemaker:CreateTrainingJob"], folds, conditions=bound, because=_NAMED_LATER)
    # Only while a fold is made: a job of another model's cannot be made one of this model's.
    made = {"sagemaker:TaggingAction": "CreateTrainingJob"}
    own = {f"aws:ResourceTag/{FOLD_ROLE_TAG}": fold.role_name}
    tagging: Conditions = {"StringEquals": {**tag, **made}, "StringEqualsIfExists": own}
    allow(trial, ["sagemaker:AddTags"], folds, conditions=tagging)
    allow(trial, ["sagemaker:StopTrainingJob"], folds, conditions={"StringEquals": own})
    allow(trial, ["sagemaker:DescribeTrainingJob"], trials, because=_NAMED_LATER)
    allow(trial, ["sagemaker:ListTrainingJobs"], ["*"])
    acknowledge(trial, {"IAM5[Resource::*]": "sagemaker:ListTrainingJobs knows no resources."})
    allow_passing(trial, [fold.role_arn], to_service="sagemaker.amazonaws.com")


def _conditions(
    tag: dict[str, str], limits: FoldLimits, network: JobNetwork | None, key_arn: str
) -> Conditions:
    """What holds of every fold that is started.

    Condition keys: Service Authorization Reference, "Amazon SageMaker"; ``KeepAlivePeriod`` is
    absent from a request without one.
    """
    conditions: Conditions = {
        "StringEquals": tag,
        "Bool": {"sagemaker:NetworkIsolation": "true"},
        "NumericLessThanEquals": {"sagemaker:MaxRuntimeInSeconds": limits.max_runtime_seconds},
        "NumericLessThanEqualsIfExists": {"sagemaker:KeepAlivePeriod": limits.keep_alive_seconds},
    }
    key = {"VolumeKmsKey": not has_instance_storage(limits.instance_type), "OutputKmsKey": True}
    fixed = together(machines([limits.instance_type]), keys(key_arn, key))
    return together(conditions, fixed, job_conditions(network))
