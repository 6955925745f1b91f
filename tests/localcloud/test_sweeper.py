"""The sweeper on a local cloud, with no more permissions than its construct gives it."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_kms as kms

from tests.localcloud.conftest import RunningCloud, policy, wait_for
from tests.localcloud.fan_out_aids import (
    ENDLESS,
    FAN_OUT,
    TYPE,
    Bench,
    new_trial_name,
    reported_nothing,
)
from tests.localcloud.fan_out_aids import bench as make_bench
from tests.localcloud.fault_aids import (
    bucket,
    deploy_function,
    invoke_function,
    new_name,
    trainer,
    training,
)
from tests.localcloud.synth_aids import template
from warmfold_constructs.fold_sweeper import FoldSweeper
from warmfold_local.faults.client import FaultsClient

pytestmark = pytest.mark.localcloud

FOLD_ROLE_NAME = "folds"
IDLE = {"folds_stopped": 0, "pools_ended": 0, "left": 0}


@pytest.fixture(scope="module")
def bench(cloud: RunningCloud, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return make_bench(cloud, tmp_path_factory.mktemp("train"), bucket(cloud))


def _build(stack: Stack) -> None:
    FoldSweeper(
        stack,
        "Sweeper",
        model_package_group="group",
        fold_role_name=FOLD_ROLE_NAME,
        key=kms.Key(stack, "Key"),
        log_retention_days=7,
    )


def _sagemaker_statements(folder: Path, account: str) -> list[dict[str, Any]]:
    """What the construct allows its function, as a policy's statements."""
    text = json.dumps(template(folder, account, _build))
    text = text.replace('{"Ref": "AWS::Partition"}', '"aws"')
    resources = json.loads(text)["Resources"].values()
    (found,) = [r["Properties"] for r in resources if r["Type"] == "AWS::IAM::Policy"]
    return [
        {**statement, "Resource": _joined(statement["Resource"])}
        for statement in found["PolicyDocument"]["Statement"]
        if "sagemaker:" in str(statement["Action"])
    ]


def _joined(resource: Any) -> str:
    return resource if isinstance(resource, str) else "".join(resource["Fn::Join"][1])


@pytest.fixture(scope="module")
def sweeper(cloud: RunningCloud, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The function's ARN."""
    statements = _sagemaker_statements(tmp_path_factory.mktemp("synth"), cloud.settings.account)
    iam, name = cloud.client("iam"), new_name("sweeper")
    trust = policy(Action="sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
    environment = {"FOLD_ROLE_NAME": FOLD_ROLE_NAME, "MODEL_PACKAGE_GROUP_NAME": "group"}
    return deploy_function(cloud, "sweep_folds", role, **environment)


def tags(trial: str) -> dict[str, str]:
    """As the trainer tags a fold, without ``warmfold:``."""
    return {"parent": trial, "fold": "1", "fold-role": FOLD_ROLE_NAME}


def create(
    bench: Bench, image: str, name: str, tags: dict[str, str], keep_alive_seconds: int = 0
) -> None:
    request = training(image, bench.store, TrainingJobName=name)
    request["ResourceConfig"]["KeepAlivePeriodInSeconds"] = keep_alive_seconds
    given = [{"Key": f"warmfold:{key}", "Value": value} for key, value in tags.items()]
    bench.sagemaker.create_training_job(**request, Tags=given)


def test_10_the_folds_of_a_killed_trial_are_swept_and_a_live_trials_are_not(
    bench: Bench, sweeper: str, faults: FaultsClient
) -> None:
    image, live, killed = trainer(bench.cloud, "time.sleep(60)"), new_trial_name(), new_trial_name()
    live_fold = f"{live}-fold-01-0"
    create(bench, image, live, {})
    create(bench, image, live_fold, tags(live))
    faults.add(kind="job_killed", match=killed, at_line=3)
    trial = bench.run({**FAN_OUT, **ENDLESS}, TrainingJobName=killed)
    assert trial["FailureReason"].endswith("exit code: 137")
    assert reported_nothing(trial)
    left = list(bench.folds(killed).values()).count("InProgress")
    assert left
    assert invoke_function(bench.cloud, sweeper, {}) == {**IDLE, "folds_stopped": left}
    wait_for(lambda: set(bench.folds(killed).values()) == {"Stopped"}, "the folds are stopped")
    assert bench.folds(live) == {"01-0": "InProgress"}
    assert invoke_function(bench.cloud, sweeper, {}) == IDLE
    for name in (live, live_fold):
        bench.sagemaker.stop_training_job(TrainingJobName=name)
        bench.ended(name)


def test_a_pool_ends_with_its_trial_and_no_job_without_the_tags_is_touched(
    bench: Bench, sweeper: str
) -> None:
    cloud, limits = bench.cloud, bench.cloud.settings.state_dir / "limits.json"
    limits.write_text(json.dumps({"quotas": {f"{TYPE} for training warm pool usage": 2}}))
    trial, image = new_trial_name(), trainer(cloud, "pass")
    fold, look_alike = f"{trial}-fold-01-0", f"{trial}-fold-02-0"
    create(bench, image, fold, tags(trial), keep_alive_seconds=600)
    create(bench, image, look_alike, {"parent": trial}, keep_alive_seconds=600)
    for name in (fold, look_alike):
        bench.ended(name)
        wait_for(partial(_available, bench, name), "the pool is Available")
    assert invoke_function(cloud, sweeper, {}) == {**IDLE, "pools_ended": 1}
    assert (_pool(bench, fold), _pool(bench, look_alike)) == ("Terminated", "Available")
    limits.unlink()


def _available(bench: Bench, name: str) -> bool:
    return _pool(bench, name) == "Available"


def _pool(bench: Bench, name: str) -> str | None:
    job = bench.sagemaker.describe_training_job(TrainingJobName=name)
    status: str | None = job.get("WarmPoolStatus", {}).get("Status")
    return status
