"""What the tests under faults share: patient clients, small trainers, deployed functions."""

import io
import json
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

from botocore.config import Config

from tests.localcloud.conftest import ROLE, RunningCloud, wait_for
from tests.sessions import shared_session
from warmfold_contract import metrics

SOURCE = Path(__file__).parents[2] / "lambda_src"
FOLDS = 2
_ENDED = ("Completed", "Failed", "Stopped")


def new_name(prefix: str) -> str:
    return f"{prefix}-{time.time_ns()}"


def patient(cloud: RunningCloud, service: str) -> Any:
    """A client that retries as the platform's functions do."""
    settings = cloud.settings
    session: Any = shared_session()
    config = Config(retries={"mode": "standard", "total_max_attempts": 10})
    return session.client(
        service,
        endpoint_url=settings.endpoint_url,
        config=config,
        aws_access_key_id=settings.account,
        aws_secret_access_key=settings.secret,
        region_name=settings.region,
    )


def bucket(cloud: RunningCloud) -> str:
    name = new_name("faults")
    cloud.client("s3").create_bucket(Bucket=name)
    return name


def trainer(cloud: RunningCloud, code: str) -> str:
    """The URI of an image that runs ``code``; ``say(metric, value)`` is there already."""
    name = new_name("trainer")
    folder = cloud.settings.images_dir / name
    folder.mkdir(parents=True)
    tell = (
        "import json, os, sys, time\n"
        "from pathlib import Path\n"
        "base = Path(os.environ['SAGEMAKER_BASE_DIR'])\n"
        f"def say(name, value): print('{metrics.TAG} %s=%s;' % (name, value), flush=True)\n"
    )
    (folder / "train.py").write_text(tell + code, encoding="utf-8")
    return cloud.add_image(name, "v1", [sys.executable, "-I", str(folder / "train.py")])


def all_folds(score: str = "0.75", folds: int = FOLDS) -> str:
    """Code of a trial that completes ``folds`` folds, and says which folds they were."""
    lines = ["(base / 'model').mkdir(exist_ok=True)"]
    lines += ["summary = base / 'model' / 'cross_validation.json'"]
    lines += ["summary.write_text(json.dumps({'fold_hash': 'f'}))"]
    lines += [f"say('validation:fold_{fold}_score', {score})" for fold in range(1, FOLDS + 1)]
    lines += [f"say('{metrics.FOLDS_COMPLETED}', {folds})", f"say('{metrics.ROUNDS}', 12)"]
    lines += [f"say('{metrics.TRAINING_SCORE}', 0.9)", f"say('{metrics.SCORE_SPREAD}', 0.01)"]
    return "\n".join([*lines, f"say('{metrics.OBJECTIVE}', {score})"])


def _algorithm(image: str) -> dict[str, Any]:
    return {
        "TrainingImage": image,
        "TrainingInputMode": "File",
        "MetricDefinitions": metrics.metric_definitions(FOLDS),
    }


def _definition(image: str, store: str) -> dict[str, Any]:
    cluster = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
    return {
        "AlgorithmSpecification": _algorithm(image),
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": f"s3://{store}/jobs"},
        "ResourceConfig": cluster,
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }


def training(image: str, store: str, **members: Any) -> dict[str, Any]:
    """A CreateTrainingJob request."""
    return {"TrainingJobName": new_name("job"), **_definition(image, store), **members}


def tuning(image: str, store: str, trials: int = 2, **members: Any) -> dict[str, Any]:
    """A CreateHyperParameterTuningJob request without its name; ``members`` are the trials'."""
    depth = {"Name": "depth", "MinValue": "2", "MaxValue": "9", "ScalingType": "Auto"}
    return {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {
                "Type": "Maximize",
                "MetricName": metrics.OBJECTIVE,
            },
            "ResourceLimits": {"MaxNumberOfTrainingJobs": trials, "MaxParallelTrainingJobs": 1},
            "ParameterRanges": {"IntegerParameterRanges": [depth]},
        },
        "TrainingJobDefinition": {
            **_definition(image, store),
            "StaticHyperParameters": {"warmfold_mode": "trial", "max_rounds": "20"},
            **members,
        },
    }


def ended_training(cloud: RunningCloud, name: str) -> dict[str, Any]:
    sagemaker = cloud.client("sagemaker")

    def found() -> dict[str, Any] | None:
        job: dict[str, Any] = sagemaker.describe_training_job(TrainingJobName=name)
        return job if job["TrainingJobStatus"] in _ENDED else None

    job: dict[str, Any] = wait_for(found, f"{name} ended")
    return job


def tuned(cloud: RunningCloud, request: dict[str, Any]) -> dict[str, Any]:
    """Run a tuning job to its end; its description."""
    sagemaker, name = cloud.client("sagemaker"), f"t{time.time_ns()}"
    sagemaker.create_hyper_parameter_tuning_job(HyperParameterTuningJobName=name, **request)

    def found() -> dict[str, Any] | None:
        job: dict[str, Any] = sagemaker.describe_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name
        )
        return job if job["HyperParameterTuningJobStatus"] in _ENDED else None

    job: dict[str, Any] = wait_for(found, f"{name} ended")
    return job


def deploy_function(cloud: RunningCloud, package: str, role: str = ROLE, **environment: str) -> str:
    """One of the platform's own functions, from its source; its ARN."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        for path in sorted(SOURCE.rglob("*.py")):
            place = path.relative_to(SOURCE)
            if place.parts[0] in (package, "warmfold_lambda"):
                target.write(path, str(place))
    made = cloud.client("lambda").create_function(
        FunctionName=new_name(package.replace("_", "-")),
        Runtime="python3.14",
        Role=role,
        Handler=f"{package}.handler.handle",
        Code={"ZipFile": archive.getvalue()},
        Environment={"Variables": environment},
        Timeout=60,
    )
    return str(made["FunctionArn"])


def invoke_function(cloud: RunningCloud, arn: str, event: dict[str, Any]) -> dict[str, Any]:
    """Its answer. Raises ``AssertionError`` with the function's own words if it failed."""
    answer = cloud.client("lambda").invoke(FunctionName=arn, Payload=json.dumps(event))
    payload: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, payload
    return payload
