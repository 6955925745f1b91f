"""A fold's CreateTrainingJob request, from what DescribeTrainingJob says of the trial."""

from collections.abc import Mapping
from typing import Any

from warmfold_contract.hyperparameters import (
    CV_STRATEGY,
    FOLD,
    FOLD_KEEP_ALIVE_SECONDS,
    FOLD_OWN,
    FOLD_ROLE_ARN,
    FOLD_WAVE,
    INCUMBENTS_URI,
    MODE,
    MODE_FOLD,
    RACING,
)
from warmfold_trainer.fan_out.plan import Plan

# Which trial a job belongs to: what a clean-up goes by, and what a role may stop.
PARENT_TAG = "warmfold:parent"
FOLD_TAG = "warmfold:fold"
ROLE_TAG = "warmfold:fold-role"

_ONLY_OF_TRIALS = (
    CV_STRATEGY,
    FOLD_KEEP_ALIVE_SECONDS,
    FOLD_OWN,
    FOLD_ROLE_ARN,
    FOLD_WAVE,
    INCUMBENTS_URI,
    RACING,
)
# The container's, not the trial's: metric definitions stay behind, so that no fold's log can
# be read for an objective.
_ALGORITHM = ("TrainingImage", "TrainingInputMode", "ContainerEntrypoint", "ContainerArguments")
_COPIED = (
    "Environment",
    "InputDataConfig",
    "StoppingCondition",
    "VpcConfig",
    "EnableInterContainerTrafficEncryption",
)


class FoldRequests:
    """The requests of one trial's folds, which differ in name and fold alone."""

    def __init__(
        self, trial: Mapping[str, Any], hyperparameters: Mapping[str, str], plan: Plan
    ) -> None:
        """``trial`` is DescribeTrainingJob's answer, ``hyperparameters`` are the trial's."""
        self._trial = trial
        self._plan = plan
        self._hyperparameters = {
            key: value for key, value in hyperparameters.items() if key not in _ONLY_OF_TRIALS
        }

    @property
    def instance_type(self) -> str:
        return str(self._trial["ResourceConfig"]["InstanceType"])

    @property
    def output_uri(self) -> str:
        """Below which every fold has a folder of its name."""
        return f"{self._trial['OutputDataConfig']['S3OutputPath'].rstrip('/')}/folds"

    def artifact_uri(self, name: str) -> str:
        """Where SageMaker uploads what a fold left in its model folder."""
        return f"{self.output_uri}/{name}/output/model.tar.gz"

    def request(self, name: str, fold: int) -> dict[str, Any]:
        algorithm = self._trial["AlgorithmSpecification"]
        return {
            **{key: self._trial[key] for key in _COPIED if self._trial.get(key)},
            "TrainingJobName": name,
            "AlgorithmSpecification": {
                key: algorithm[key] for key in _ALGORITHM if key in algorithm
            },
            "HyperParameters": {**self._hyperparameters, MODE: MODE_FOLD, FOLD: str(fold)},
            "RoleArn": self._plan.role_arn,
            "OutputDataConfig": self._output(),
            "ResourceConfig": self._resources(),
            "EnableNetworkIsolation": True,
            "ProfilerConfig": {"DisableProfiler": True},
            "Tags": self._tags(fold),
        }

    def _output(self) -> dict[str, Any]:
        key = self._trial["OutputDataConfig"].get("KmsKeyId")
        return {"S3OutputPath": self.output_uri, **({"KmsKeyId": key} if key else {})}

    def _resources(self) -> dict[str, Any]:
        """The same for all folds of all trials, or they do not share warm pools."""
        described = self._trial["ResourceConfig"]
        resources = {key: value for key, value in described.items() if value not in ("", [])}
        resources["InstanceCount"] = 1
        resources.pop("KeepAlivePeriodInSeconds", None)
        if self._plan.keep_alive_seconds:
            resources["KeepAlivePeriodInSeconds"] = self._plan.keep_alive_seconds
        return resources

    def _tags(self, fold: int) -> list[dict[str, str]]:
        values = {
            PARENT_TAG: str(self._trial["TrainingJobName"]),
            FOLD_TAG: str(fold),
            ROLE_TAG: self._plan.role_arn.rpartition("/")[2],
        }
        return [{"Key": key, "Value": value} for key, value in values.items()]
