"""What the tests of training jobs share: containers of a few lines, and what a job shows."""

from typing import Any

from tests.unit.local.jobs_support import training_request

# Stands for /opt/ml in every container below.
BASE = "import os, sys, json, pathlib\nbase = pathlib.Path(os.environ['SAGEMAKER_BASE_DIR'])\n"
WAIT = (
    BASE
    + """
import signal, time
def end(*_):
    (base / "output" / "failure").write_text("asked to stop")
    (base / "model" / "partial.txt").write_text("so far")
    print("score=0.25;", flush=True)
    raise SystemExit(143)
signal.signal(signal.SIGTERM, end)
print("score=0.5;", flush=True)
time.sleep(60)
"""
)
SCORE = [{"Name": "score", "Regex": "score=([^;]*);"}]


def with_metrics(image: str, definitions: list[dict[str, str]]) -> dict[str, Any]:
    own = training_request(image)["AlgorithmSpecification"]
    return {"AlgorithmSpecification": {**own, "MetricDefinitions": definitions}}


def statuses(job: dict[str, Any]) -> list[str]:
    return [step["Status"] for step in job["SecondaryStatusTransitions"]]


def metrics(job: dict[str, Any]) -> dict[str, float]:
    return {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]}
