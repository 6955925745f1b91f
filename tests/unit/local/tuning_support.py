"""What the tests of tuning jobs share: a tiny trial, and requests around it."""

import copy
from typing import Any

from tests.unit.local.jobs_support import BUCKET, ROLE, Bench

# Scores a trial by its hyperparameter x, best at 0.3; what else it does is in `mode`.
TRIAL = """
import json, os, pathlib, signal, sys, time
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
values = json.loads((base / "input/config/hyperparameters.json").read_text())
assert values["_tuning_objective_metric"] == "validation:score"
x, mode = float(values["x"]), values["mode"]
def end(*_):
    raise SystemExit(143)
signal.signal(signal.SIGTERM, end)
if mode == "wait":
    print("ready", flush=True)
    time.sleep(60)
if mode == "fail" or (mode == "some" and x > 0.5):
    (base / "output/failure").write_text("x is too large")
    raise SystemExit(1)
print("validation:score=-99;")
if mode != "silent":
    print("validation:score=%r;" % (1 - (x - 0.3) ** 2))
print("other:score=5;")
"""


def continuous(name: str, low: str, high: str, scaling: str = "Auto") -> dict[str, str]:
    return {"Name": name, "MinValue": low, "MaxValue": high, "ScalingType": scaling}


RANGES = {
    "ContinuousParameterRanges": [continuous("x", "0.0", "1.0")],
    "IntegerParameterRanges": [continuous("n", "1", "9")],
    "CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b"]}],
}


CATEGORICAL = {
    "CategoricalParameterRanges": [
        {"Name": "x", "Values": ["0.9", "0.3"]},
        {"Name": "kind", "Values": ["a", "b"]},
    ]
}


def image(bench: Bench, code: str) -> str:
    """Made once: running trials read the image of a bench's earlier requests."""
    made = (bench.cloud.settings.images_dir / "tiny").exists()
    return "000000000000.dkr.ecr.us-east-1.amazonaws.com/tiny:v1" if made else bench.image(code)


def request(bench: Bench, mode: str = "score", code: str = TRIAL, **config: Any) -> dict[str, Any]:
    limits = {"MaxNumberOfTrainingJobs": 6, "MaxParallelTrainingJobs": 2}
    silent = mode == "silent"
    regex = "validation:score=([0-9.]+);" if silent else r"validation:score=([-+0-9.eE]+);"
    return {
        "HyperParameterTuningJobName": "tune",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {
                "Type": "Maximize",
                "MetricName": "validation:score",
            },
            "ResourceLimits": limits,
            "ParameterRanges": RANGES,
            "RandomSeed": 7,
            **config,
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": {"mode": mode},
            "AlgorithmSpecification": {
                "TrainingImage": image(bench, code),
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "validation:score", "Regex": regex}],
            },
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/tuning"},
            "ResourceConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeSizeInGB": 1,
                "KeepAlivePeriodInSeconds": 600,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            "RetryStrategy": {"MaximumRetryAttempts": 3},
            "Environment": {"OWN": "1"},
        },
        "Tags": [{"Key": "team", "Value": "risk"}],
    }


def describe(bench: Bench) -> dict[str, Any]:
    return bench.call("DescribeHyperParameterTuningJob", HyperParameterTuningJobName="tune")


def ended(bench: Bench) -> dict[str, Any]:
    bench.wait(lambda: "HyperParameterTuningEndTime" in describe(bench))
    return describe(bench)


def run(bench: Bench, mode: str = "score", **config: Any) -> dict[str, Any]:
    bench.call("CreateHyperParameterTuningJob", **request(bench, mode, **config))
    return ended(bench)


def trials(bench: Bench, **members: Any) -> list[dict[str, Any]]:
    page = bench.call(
        "ListTrainingJobsForHyperParameterTuningJob",
        **{"HyperParameterTuningJobName": "tune", "MaxResults": 100, **members},
    )
    found: list[dict[str, Any]] = page["TrainingJobSummaries"]
    return found


def score(trial: dict[str, Any]) -> float:
    return float(trial["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])


def changed(values: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one member at a dotted path replaced."""
    copied = copy.deepcopy(values)
    *parents, last = path.split(".")
    at = copied
    for part in parents:
        at = at[part]
    at[last] = value
    return copied


def several(bench: Bench) -> dict[str, Any]:
    """A grid over two definitions, of two and of four combinations; the second has the best."""
    asked = request(bench, Strategy="Grid", ResourceLimits={"MaxParallelTrainingJobs": 1})
    config, definition = asked["HyperParameterTuningJobConfig"], asked.pop("TrainingJobDefinition")
    objective = config.pop("HyperParameterTuningJobObjective")
    del config["ParameterRanges"]
    grids = {"first": ["0.9", "0.8"], "second": ["0.7", "0.3", "0.6", "0.5"]}
    asked["TrainingJobDefinitions"] = [
        {
            **definition,
            "DefinitionName": name,
            "TuningObjective": objective,
            "HyperParameterRanges": {"CategoricalParameterRanges": [{"Name": "x", "Values": xs}]},
        }
        for name, xs in grids.items()
    ]
    return asked
