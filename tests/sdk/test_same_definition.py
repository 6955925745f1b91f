"""The SageMaker SDK, given the same pipeline, renders the same definition, leaf for leaf.

Differences are listed below, each with its reason; an entry that is no longer needed fails too.
Runs in an environment of its own (``requirements/sdk.txt``), by ``pytest -m sdk tests/sdk``.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from tests.unit.pipeline import examples
from warmfold.pipeline.validate import faults

pytestmark = pytest.mark.sdk

ROOT = Path(__file__).parents[2]
ABSENT = "(absent)"

Difference = tuple[Any, Any]  # ours, the SDK's

# Path pattern -> (ours, the SDK's), and why that is all right.
ALLOWED: dict[str, Difference] = {
    # Written as null, which says what leaving it out says.
    "MlflowConfig": (ABSENT, None),
    "PipelineExperimentConfig": (ABSENT, None),
    # The API's own default, written out.
    "Register*/Arguments/SkipModelValidation": (ABSENT, "None"),
    # Empty objects for what was not given.
    "Register*/Arguments/ModelMetrics/Bias": (ABSENT, {}),
    "Register*/Arguments/ModelMetrics/Explainability": (ABSENT, {}),
    "Register*/Arguments/InferenceSpecification/Containers/0/Environment": (ABSENT, {}),
    "CreateModel/Arguments/PrimaryContainer/Environment": (ABSENT, {}),
    # The SDK's tuner loses both settings on the way from its trainer; the API has them.
    "Tune-*/Arguments/TrainingJobDefinition/EnableNetworkIsolation": (True, ABSENT),
    "Tune-*/Arguments/TrainingJobDefinition/ResourceConfig/VolumeKmsKeyId/Get": (
        "Parameters.KmsKeyArn",
        ABSENT,
    ),
}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Both definitions as the SDK writes them; the environment holds nothing of ours."""
    folder = tmp_path_factory.mktemp("sdk")
    target = folder / "definitions.json"
    environment = {
        "HOME": str(folder),
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "containers")]),
        "PYTHONDONTWRITEBYTECODE": "1",
        # Without a region the SDK's import fails; without these two it calls IMDS and IAM.
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAGEMAKER_VALIDATE_ROLE": "false",
    }
    run = subprocess.run(
        [sys.executable, "-m", "tests.sdk.offline", str(target)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-4000:]
    definitions: dict[str, dict[str, Any]] = json.loads(target.read_text(encoding="utf-8"))
    return definitions


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    items = list(enumerate(value)) if isinstance(value, list) else []
    items = list(value.items()) if isinstance(value, dict) else items
    if not items:
        yield path, value
    for key, member in items:
        yield from _leaves(member, f"{path}/{key}" if path else str(key))


def _flat(definition: dict[str, Any]) -> dict[str, Any]:
    """Leaves by path; steps begin with their name, wherever they stand, and are put in order."""
    leaves = dict(_leaves({k: v for k, v in definition.items() if k != "Steps"}, ""))
    for step, place in _steps(definition["Steps"], ""):
        leaves[f"{step['Name']}/place"] = place
        leaves.update(_leaves(step, step["Name"]))
    return leaves


def _steps(steps: list[dict[str, Any]], place: str) -> Iterator[tuple[dict[str, Any], str]]:
    for index, step in enumerate(steps):
        own = dict(step)
        if step["Type"] == "Condition":
            own["Arguments"] = {"Conditions": step["Arguments"]["Conditions"]}
            for side in ("IfSteps", "ElseSteps"):
                yield from _steps(step["Arguments"][side], f"{step['Name']}.{side}")
        yield own, f"{place}[{index}]"


def _with_role_values(definition: dict[str, Any]) -> dict[str, Any]:
    """The SDK takes no parameter for a role: the parameters' default values are compared."""
    text = json.dumps(definition)
    for parameter in definition["Parameters"]:
        if parameter["Name"].endswith("RoleArn"):
            expression = json.dumps({"Get": f"Parameters.{parameter['Name']}"})
            text = text.replace(expression, json.dumps(parameter["DefaultValue"]))
    result: dict[str, Any] = json.loads(text)
    return result


def _differences(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Difference]:
    left, right = _flat(_with_role_values(ours)), _flat(theirs)
    pairs = {
        path: (left.get(path, ABSENT), right.get(path, ABSENT)) for path in left.keys() | right
    }
    return {path: pair for path, pair in pairs.items() if pair[0] != pair[1]}


def _is_allowed(path: str, difference: Difference) -> bool:
    return any(
        fnmatchcase(path, pattern) and difference == allowed for pattern, allowed in ALLOWED.items()
    )


def test_the_training_pipeline_is_the_sdks(rendered: dict[str, dict[str, Any]]) -> None:
    found = _differences(examples.training(), rendered["training"])

    assert {path: pair for path, pair in found.items() if not _is_allowed(path, pair)} == {}


def test_the_pipeline_that_searches_in_one_job_is_the_sdks(
    rendered: dict[str, dict[str, Any]],
) -> None:
    found = _differences(examples.searching(), rendered["searching"])

    assert {path: pair for path, pair in found.items() if not _is_allowed(path, pair)} == {}


def test_the_scoring_pipeline_is_the_sdks(rendered: dict[str, dict[str, Any]]) -> None:
    found = _differences(examples.scoring(), rendered["scoring"])

    assert {path: pair for path, pair in found.items() if not _is_allowed(path, pair)} == {}


@pytest.mark.parametrize("pattern", ALLOWED)
def test_every_allowed_difference_is_still_there(
    pattern: str, rendered: dict[str, dict[str, Any]]
) -> None:
    found = _differences(examples.training(), rendered["training"])

    assert any(
        fnmatchcase(path, pattern) and pair == ALLOWED[pattern] for path, pair in found.items()
    ), "the SDK has come nearer: remove this entry"


def test_the_comparison_sees_one_changed_leaf(rendered: dict[str, dict[str, Any]]) -> None:
    ours = examples.training()
    examples.step_of(ours, "CreateModel")["Arguments"]["EnableNetworkIsolation"] = False

    found = _differences(ours, rendered["training"])

    assert found["CreateModel/Arguments/EnableNetworkIsolation"] == (False, True)


@pytest.mark.parametrize("name", ["training", "searching", "scoring"])
def test_the_validator_accepts_what_the_sdk_renders(
    name: str, rendered: dict[str, dict[str, Any]]
) -> None:
    assert faults(rendered[name]) == []
