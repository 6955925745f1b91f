"""The SageMaker SDK v3, unchanged, in an environment of its own, against the local cloud."""

import json
from typing import Any

import pytest

from tests.clients.conftest import BUCKET, Client, interpreter
from tests.localcloud.conftest import RunningCloud

pytestmark = pytest.mark.clients


@pytest.fixture
def sdk(client: Client, image: str, role: str, data: str) -> Any:
    python = str(interpreter("WARMFOLD_SDK_PYTHON", "build/sdk-venv/bin/python"))

    def run(what: str) -> dict[str, Any]:
        argv = [python, "-m", "tests.clients.sdk_jobs", what, image, role, data, BUCKET]
        answer: dict[str, Any] = json.loads(client.run(*argv, seconds=300).splitlines()[-1])
        return answer

    return run


def test_model_trainer_trains_and_finds_its_model(sdk: Any, cloud: RunningCloud) -> None:
    """It asks IAM first whether the role may be used, by simulating its policies."""
    job = sdk("train")
    assert job["status"] == "Completed"
    key = job["model"].removeprefix(f"s3://{BUCKET}/")
    assert cloud.client("s3").head_object(Bucket=BUCKET, Key=key)["ContentLength"] > 0


def test_the_tuner_finds_the_best_trial(sdk: Any, cloud: RunningCloud) -> None:
    job = sdk("tune")
    assert (job["status"], job["trials"]) == ("Completed", 3)
    trials = cloud.client("sagemaker").list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=job["name"]
    )["TrainingJobSummaries"]
    scores = {
        trial["TrainingJobName"]: trial["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
        for trial in trials
    }
    assert scores[job["best"]] == max(scores.values())
    assert len(scores) == 3


def test_a_pipeline_that_the_sdk_renders_deploys_and_starts_succeeds(sdk: Any) -> None:
    assert sdk("pipeline") == {"status": "Succeeded", "steps": {"Train": "Succeeded"}}
