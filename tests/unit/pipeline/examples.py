"""A small valid spec, refs as a deployment would give them, and the definitions made of them."""

from dataclasses import replace
from typing import Any

from warmfold.pipeline.candidates import Candidate, Range
from warmfold.pipeline.scoring import scoring_pipeline
from warmfold.pipeline.spec import (
    Compute,
    PipelineSpec,
    Refs,
    ScoringRefs,
    ScoringSpec,
)
from warmfold.pipeline.training import training_pipeline

MACHINE = Compute(instance_type="ml.m5.large")

GBDT = Candidate(
    name="gbdt",
    algorithm="lightgbm",
    static={"max_rounds": "500", "early_stopping_rounds": "30"},
    ranges={
        "learning_rate": Range(kind="continuous", minimum=0.01, maximum=0.3, scaling="Logarithmic"),
        "num_leaves": Range(kind="integer", minimum=7, maximum=63),
        "boosting": Range(kind="categorical", values=("gbdt", "dart")),
    },
)

SPEC = PipelineSpec(
    model="german-credit",
    folds=5,
    holdout_fraction=0.2,
    seed=7,
    metric="auc",
    candidates=(GBDT,),
    max_trials=12,
    parallel_trials=3,
    minimum_score=0.75,
    processing=MACHINE,
    trial=MACHINE,
    search=MACHINE,
    final=MACHINE,
    evaluation=MACHINE,
    transform=MACHINE,
    realtime_instance_types=("ml.m5.large", "ml.c5.large"),
)

_ROLE = "arn:aws:iam::111122223333:role/warmfold-dev"
_REGISTRY = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"
_FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

REFS = Refs(
    trainer_image=f"{_REGISTRY}/warmfold-dev-trainer:german-credit-0123456789abcdef",
    server_image=f"{_REGISTRY}/warmfold-dev-server:german-credit-0123456789abcdef",
    processing_role_arn=f"{_ROLE}-processing",
    trial_role_arn=f"{_ROLE}-trial",
    fold_role_arn=f"{_ROLE}-fold",
    final_training_role_arn=f"{_ROLE}-final",
    model_role_arn=f"{_ROLE}-model",
    kms_key_arn=KEY,
    bucket_name="warmfold-dev-artifacts",
    best_training_job_function_arn=f"{_FUNCTION}:best-training-job",
    model_package_group_name="warmfold-dev-german-credit",
)

SCORING_SPEC = ScoringSpec(
    model="german-credit",
    transform=MACHINE,
    input_filter="$['income','region']",
    output_filter="$['applicant','SageMakerOutput']",
)
SCORING_REFS = ScoringRefs(
    kms_key_arn=KEY,
    bucket_name="warmfold-dev-artifacts",
    publish_function_arn=f"{_FUNCTION}:publish-predictions",
)


def training() -> dict[str, Any]:
    return training_pipeline(SPEC, REFS)


def searching() -> dict[str, Any]:
    """The candidate's trials in one training job."""
    return training_pipeline(replace(SPEC, engine="in_job"), REFS)


def scoring() -> dict[str, Any]:
    return scoring_pipeline(SCORING_SPEC, SCORING_REFS)


def step_of(definition: dict[str, Any], name: str) -> dict[str, Any]:
    """A step of a definition by name, those in branches included."""
    steps = list(definition["Steps"])
    while steps:
        step: dict[str, Any] = steps.pop()
        if step["Name"] == name:
            return step
        if step["Type"] == "Condition":
            steps += step["Arguments"]["IfSteps"] + step["Arguments"]["ElseSteps"]
    raise KeyError(name)
