"""Trials with fold jobs on a local cloud: the platform's own trainer on small data."""

import io
import json
import secrets
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.localcloud.conftest import FOLD_ROLE, ROLE, RunningCloud, wait_for
from tests.localcloud.fault_aids import ended_training
from tests.unit.containers.trainer.jobs import ROOT
from tests.unit.containers.trainer.tables import feature_set
from warmfold_contract.metrics import FOLDS_COMPLETED, OBJECTIVE, metric_definitions

FOLDS = 2
TYPE = "ml.m5.large"

TRIAL = {
    "warmfold_mode": "trial",
    "warmfold_algorithm": "lightgbm",
    "warmfold_task": "classification",
    "warmfold_feature_set": "default",
    "warmfold_metric": "auc",
    "warmfold_racing": "off",
    "warmfold_seed": "7",
    "max_rounds": "15",
    "early_stopping_rounds": "5",
    "num_leaves": "8",
}
FAN_OUT = {
    **TRIAL,
    "warmfold_cv_strategy": "fan_out",
    "warmfold_fold_role_arn": FOLD_ROLE,
    "warmfold_fold_keep_alive_seconds": "0",
    "warmfold_fold_wave": "2",
    "warmfold_fold_own": "0",
}
# A fold that trains until it is killed or stopped.
ENDLESS = {
    "max_rounds": "100000",
    "early_stopping_rounds": "10000",
    "learning_rate": "1e-6",
    # Slow rounds: the most patience there may be is over in seconds with small trees.
    "num_leaves": "255",
    "min_data_in_leaf": "1",
}


def new_trial_name() -> str:
    """As a tuning job of a pipeline's step names its first trial."""
    return f"{secrets.token_hex(6)}-Tune-t-0a1b2c3d4e-001-0a1b2c3d"


@dataclass(frozen=True)
class Bench:
    """Data and the trainer's image, in place; starts trials and looks at what they leave."""

    cloud: RunningCloud
    store: str
    image: str

    @property
    def sagemaker(self) -> Any:
        return self.cloud.client("sagemaker")

    def start(self, hyperparameters: dict[str, str], **changes: Any) -> str:
        """The trial's name."""
        name: str = changes.pop("TrainingJobName", new_trial_name())
        channel = {
            "ChannelName": "train",
            "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{self.store}/train/"}
            },
        }
        request = {
            "TrainingJobName": name,
            "AlgorithmSpecification": {
                "TrainingImage": self.image,
                "TrainingInputMode": "File",
                "MetricDefinitions": metric_definitions(FOLDS),
            },
            "HyperParameters": hyperparameters,
            "Environment": {
                "WARMFOLD_FOLD_POLL_SECONDS": "0.3",
                "WARMFOLD_FOLD_POOL_SECONDS": "5",
                "WARMFOLD_FOLD_REPEAT_SECONDS": "0.3",
            },
            "InputDataConfig": [channel],
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.store}/tuning"},
            "ResourceConfig": {"InstanceType": TYPE, "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 120},
            **changes,
        }
        self.sagemaker.create_training_job(**request)
        return name

    def ended(self, name: str) -> dict[str, Any]:
        return ended_training(self.cloud, name)

    def run(self, hyperparameters: dict[str, str], **changes: Any) -> dict[str, Any]:
        return self.ended(self.start(hyperparameters, **changes))

    def folds(self, trial: str) -> dict[str, str]:
        """Status of each fold job by the end of its name, as ``01-0``."""
        listed = self.sagemaker.list_training_jobs(NameContains=f"{trial}-fold-", MaxResults=100)
        jobs = sorted(listed["TrainingJobSummaries"], key=lambda job: str(job["TrainingJobName"]))
        return {job["TrainingJobName"][-4:]: job["TrainingJobStatus"] for job in jobs}

    def fold(self, trial: str, ending: str) -> dict[str, Any]:
        name = f"{trial}-fold-{ending}"
        job: dict[str, Any] = self.sagemaker.describe_training_job(TrainingJobName=name)
        return job

    def wait_for_folds(self, trial: str, count: int, status: str = "InProgress") -> None:
        def there() -> bool:
            return list(self.folds(trial).values()).count(status) >= count

        wait_for(there, f"{count} folds {status}")

    def log(self, job: str) -> str:
        """What the trial's container printed."""
        path = self.cloud.settings.state_dir / "jobs" / "training" / job / "log.txt"
        return path.read_text(encoding="utf-8")

    def artifact(self, job: dict[str, Any], name: str) -> dict[str, bytes]:
        """The files of ``{name}.tar.gz``."""
        key = f"tuning/{job['TrainingJobName']}/output/{name}.tar.gz"
        body = self.cloud.client("s3").get_object(Bucket=self.store, Key=key)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(body)) as tar:
            return {
                member.name.removeprefix("./"): source.read()
                for member in tar
                if (source := tar.extractfile(member)) is not None
            }

    def out_of_fold(self, job: dict[str, Any]) -> NDArray[np.float64]:
        (content,) = self.artifact(job, "output").values()
        with np.load(io.BytesIO(content)) as arrays:
            return np.asarray(arrays["score"])

    def summary(self, job: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.artifact(job, "model")["cross_validation.json"])
        return found


def bench(cloud: RunningCloud, folder: Path, store: str) -> Bench:
    feature_set(rows=160, folds=FOLDS).write(folder)
    client = cloud.client("s3")
    for path in sorted(folder.rglob("*.*")):
        key = f"train/{path.relative_to(folder).as_posix()}"
        client.put_object(Bucket=store, Key=key, Body=path.read_bytes())
    argv = [sys.executable, "-m", "warmfold_trainer"]
    image = cloud.add_image(
        "fan-out-trainer",
        "v1",
        argv,
        PYTHONPATH=str(ROOT / "containers"),
        PYTHONDONTWRITEBYTECODE="1",
        OMP_WAIT_POLICY="PASSIVE",  # several trainers share this machine's cores
    )
    return Bench(cloud, store, image)


def metrics(job: dict[str, Any]) -> dict[str, float]:
    return {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]}


def reported_nothing(job: dict[str, Any]) -> bool:
    """Whether the trial can win nothing: no objective, and not all folds."""
    found = metrics(job)
    return OBJECTIVE not in found and found.get(FOLDS_COMPLETED, 0) < FOLDS
