"""A local cloud that is killed and started again, and what sleeps in it meanwhile."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from tests.localcloud.conftest import ROLE, RunningCloud, with_role
from warmfold_local import launcher
from warmfold_local.launcher import Instance

RESOURCES = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}


def start(state_dir: Path, **members: Any) -> RunningCloud:
    members = {"restore": True, **members}
    return with_role(launcher.start(state_dir, state_dir.parent / "images", **members))


def kill(instance: Instance) -> None:
    os.kill(instance.pid, signal.SIGKILL)


def steps_of(cloud: RunningCloud, execution: str) -> list[dict[str, Any]]:
    answer = cloud.client("sagemaker").list_pipeline_execution_steps(PipelineExecutionArn=execution)
    steps: list[dict[str, Any]] = answer["PipelineExecutionSteps"]
    return steps


def children(state_dir: Path) -> list[int]:
    """The process ids of jobs' and endpoints' containers."""
    return [int(path.stem) for path in (state_dir / "children").glob("*.json")]


def sleeping_job(cloud: RunningCloud, name: str) -> None:
    """A training job that sleeps until it is killed."""
    argv = [sys.executable, "-c", "import time; time.sleep(600)"]
    cloud.client("sagemaker").create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={
            "TrainingImage": cloud.add_image("sleeper", "v1", argv),
            "TrainingInputMode": "File",
        },
        RoleArn=ROLE,
        OutputDataConfig={"S3OutputPath": "s3://models/out"},
        ResourceConfig=RESOURCES,
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )


def sleeping_pipeline(cloud: RunningCloud) -> str:
    """An execution whose only step is a training job that sleeps; its ARN."""
    arguments = {
        "AlgorithmSpecification": {
            "TrainingImage": cloud.add_image(
                "sleeper", "v1", [sys.executable, "-c", "import time; time.sleep(600)"]
            ),
            "TrainingInputMode": "File",
        },
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://models/out"},
        "ResourceConfig": RESOURCES,
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }
    step = {"Name": "Train", "Type": "Training", "Arguments": arguments}
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_pipeline(
        PipelineName="sleeping",
        RoleArn=ROLE,
        PipelineDefinition=json.dumps({"Version": "2020-12-01", "Steps": [step]}),
    )
    started = sagemaker.start_pipeline_execution(PipelineName="sleeping")
    return str(started["PipelineExecutionArn"])
