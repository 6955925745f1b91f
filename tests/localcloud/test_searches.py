"""The training pipeline with several candidates, searched in each of the ways that there are.

The definition is the deployed one up to the evaluation, on the example's data; the trainer and
the best-trial function are the platform's own.
"""

import json
import os
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.localcloud.conftest import ROLE, RunningCloud
from tests.localcloud.fault_aids import bucket, deploy_function, new_name
from tests.unit.containers.trainer.jobs import DATA, ROOT, install_example
from tests.unit.pipeline import examples
from warmfold.pipeline.candidates import Candidate, FanOut, Range
from warmfold.pipeline.spec import PipelineSpec, Refs
from warmfold.pipeline.training import training_pipeline
from warmfold.pipeline.validate import require_valid
from warmfold.runs.aws import Aws, connect
from warmfold.runs.follow import follow
from warmfold.runs.records import Run
from warmfold_local.faults.client import FaultsClient

pytestmark = pytest.mark.localcloud

TREES = Candidate(
    name="trees",
    algorithm="lightgbm",
    static={"max_rounds": "30", "early_stopping_rounds": "5"},
    ranges={"num_leaves": Range(kind="integer", minimum=4, maximum=16)},
)
LINE = Candidate(
    name="line",
    algorithm="linear",
    task="regression",
    static={},
    ranges={"l2": Range(kind="continuous", minimum=0.1, maximum=100.0, scaling="Logarithmic")},
)
SPEC = replace(
    examples.SPEC,
    model="small",
    folds=2,
    candidates=(TREES, LINE),
    max_trials=2,
    parallel_trials=1,
    minimum_score=0.5,
    realtime_instance_types=("ml.m5.large",),
)


@pytest.fixture(scope="module")
def refs(cloud: RunningCloud, tmp_path_factory: pytest.TempPathFactory) -> Refs:
    """What the pipeline refers to, in place, with the example's data for the model ``small``."""
    store = bucket(cloud)
    cloud.client("s3").put_object(
        Bucket=store, Key=f"{SPEC.model}/raw/{DATA.name}", Body=DATA.read_bytes()
    )
    group = new_name("small")
    cloud.client("sagemaker").create_model_package_group(ModelPackageGroupName=group)
    site = install_example(tmp_path_factory.mktemp("site") / "site")
    role: dict[str, Any] = {
        name: ROLE for name in Refs.__dataclass_fields__ if name.endswith("role_arn")
    }
    return Refs(
        **role,
        trainer_image=trainer(cloud, site),
        server_image="never-started",
        kms_key_arn=cloud.client("kms").create_key()["KeyMetadata"]["Arn"],
        bucket_name=store,
        best_training_job_function_arn=deploy_function(cloud, "best_training_job"),
        model_package_group_name=group,
    )


def trainer(cloud: RunningCloud, site: Path) -> str:
    """The platform's trainer with the example installed; it looks for its folds often."""
    return cloud.add_image(
        "search-trainer",
        "v1",
        [sys.executable, "-m", "warmfold_trainer"],
        PATH=os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
        PYTHONPATH=os.pathsep.join([str(ROOT / "containers"), str(site)]),
        PYTHONDONTWRITEBYTECODE="1",
        WARMFOLD_PROJECT_FILE=str(site / "warmfold_project.json"),
        WARMFOLD_FOLD_POLL_SECONDS="0.3",
        WARMFOLD_FOLD_POOL_SECONDS="5",
        WARMFOLD_FOLD_REPEAT_SECONDS="0.3",
    )


def ran(cloud: RunningCloud, spec: PipelineSpec, refs: Refs) -> Run:
    """The ended run of the pipeline up to its evaluation."""
    definition = training_pipeline(spec, refs)
    require_valid(definition)
    definition["Steps"] = [s for s in definition["Steps"] if s["Name"] != "CheckScore"]
    sagemaker, name = cloud.client("sagemaker"), new_name("searching")
    sagemaker.create_pipeline(
        PipelineName=name,
        PipelineDefinition=json.dumps(definition),
        RoleArn=ROLE,
        ClientRequestToken=name.ljust(32, "0"),
    )
    started = sagemaker.start_pipeline_execution(PipelineName=name)
    run = follow(aws(cloud), started["PipelineExecutionArn"], lambda _: None)
    assert run.status == "Succeeded", [(s.name, s.failure_reason) for s in run.steps]
    return run


def aws(cloud: RunningCloud) -> Aws:
    return connect("local", cloud.settings.state_dir)


def read_json(cloud: RunningCloud, refs: Refs, run: Run, name: str) -> dict[str, Any]:
    key = f"{SPEC.model}/executions/{run.execution_id}/{name}"
    body = cloud.client("s3").get_object(Bucket=refs.bucket_name, Key=key)["Body"].read()
    values: dict[str, Any] = json.loads(body)
    return values


def assert_the_best_of_all_was_taken(
    cloud: RunningCloud, refs: Refs, run: Run, kind: str
) -> dict[str, Any]:
    """Every trial of both candidates has all its folds, and the best is evaluated."""
    for tuning in run.tunings:
        assert (tuning.kind, len(tuning.ranked)) == (kind, tuning.max_trials)
    assert run.best is not None
    selected = read_json(cloud, refs, run, "selection/selected_trial.json")
    assert selected["score"] == pytest.approx(run.best.score)
    best = run.candidates[0]
    assert (selected["kind"], selected["candidate"]) == (kind, best.candidate)
    assert selected["job_name"] == best.job_name
    evaluation = read_json(cloud, refs, run, "evaluation/evaluation.json")
    assert 0.6 < evaluation["score"] < 0.95
    return selected


def test_two_candidates_that_race_each_in_a_tuning_job(cloud: RunningCloud, refs: Refs) -> None:
    run = ran(cloud, replace(SPEC, racing=1.645), refs)
    assert_the_best_of_all_was_taken(cloud, refs, run, "amt")
    shared = cloud.client("s3").list_objects_v2(
        Bucket=refs.bucket_name,
        Prefix=f"{SPEC.model}/executions/{run.execution_id}/tuning/incumbents/",
    )
    candidates = {item["Key"].split("/")[5] for item in shared["Contents"]}
    assert candidates == {"trees", "line"}


def test_two_candidates_each_searched_in_one_job(cloud: RunningCloud, refs: Refs) -> None:
    run = ran(cloud, replace(SPEC, engine="in_job", racing=1.645), refs)
    selected = assert_the_best_of_all_was_taken(cloud, refs, run, "in_job")
    assert [step.name for step in run.steps[1:3]] == ["Search-trees", "Search-line"]
    assert selected["training_job_name"] in {tuning.job_name for tuning in run.tunings}


def test_an_interrupted_search_on_spot_capacity_goes_on_from_its_checkpoint(
    cloud: RunningCloud, refs: Refs, faults: FaultsClient
) -> None:
    spot = replace(SPEC.trial, spot_max_wait_seconds=2 * SPEC.trial.max_runtime_seconds)
    spans = {"learning_rate": Range(kind="continuous", minimum=0.02, maximum=0.3)}
    searched = replace(TREES, ranges={**TREES.ranges, **spans})
    faults.add(kind="spot_interrupted", match="*Search-trees*", at_line=6, wait_seconds=0.5)
    spec = replace(SPEC, engine="in_job", candidates=(searched,), search=spot, max_trials=24)
    run = ran(cloud, spec, refs)
    assert_the_best_of_all_was_taken(cloud, refs, run, "in_job")
    (tuning,) = run.tunings
    job = cloud.client("sagemaker").describe_training_job(TrainingJobName=tuning.job_name)
    states = [each["Status"] for each in job["SecondaryStatusTransitions"]]
    assert (states.count("Interrupted"), states.count("Training")) == (1, 2)
    log = cloud.settings.state_dir / "jobs" / "training" / tuning.job_name / "log.txt"
    _, before, after = log.read_text(encoding="utf-8").split("searching 24 trials")
    kept = re.findall(r"trial (\d+) of 24", before)
    taken_over = re.search(r"; (\d+) from a checkpoint", after)
    assert taken_over is not None
    assert 3 <= len(kept) <= int(taken_over[1]) < 24  # one may be kept and not yet told
    assert not set(kept) & set(re.findall(r"trial (\d+) of 24", after))


def test_a_candidate_whose_folds_are_jobs(cloud: RunningCloud, refs: Refs) -> None:
    folds = FanOut(keep_alive_seconds=0, folds_at_once=2, own_fold=False)
    run = ran(cloud, replace(SPEC, candidates=(TREES,), max_trials=1, fan_out=folds), refs)
    assert_the_best_of_all_was_taken(cloud, refs, run, "amt")
    (tuning,) = run.tunings
    jobs = cloud.client("sagemaker").list_training_jobs(
        NameContains=f"{tuning.job_name}-", MaxResults=100
    )["TrainingJobSummaries"]
    names = sorted(job["TrainingJobName"] for job in jobs if "-fold-" in job["TrainingJobName"])
    assert len(names) == SPEC.folds
