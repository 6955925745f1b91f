"""The platform's own functions, pipelines and models under faults (the table in docs/faults.md)."""

import json
from typing import Any

import pytest

from tests.localcloud.conftest import ROLE, RunningCloud, wait_for
from tests.localcloud.fault_aids import (
    FOLDS,
    all_folds,
    deploy_function,
    ended_training,
    invoke_function,
    new_name,
    trainer,
    training,
    tuned,
    tuning,
)
from tests.localcloud.pipeline_aids import Deployed, get
from warmfold_local.faults.client import FaultsClient

pytestmark = pytest.mark.localcloud


@pytest.fixture(scope="module")
def select_best(cloud: RunningCloud) -> str:
    return deploy_function(cloud, "best_training_job")


def selection(cloud: RunningCloud, tuning_job: object, store: str) -> dict[str, Any]:
    """The step's arguments, for a registry without a model."""
    group = new_name("group")
    cloud.client("sagemaker").create_model_package_group(ModelPackageGroupName=group)
    candidate = {
        "kind": "amt",
        "name": "one",
        "algorithm": "lightgbm",
        "task": "classification",
        "feature_set": "default",
        "job_name": tuning_job,
    }
    return {
        "candidates": [candidate],
        "folds": FOLDS,
        "metric": "auc",
        "direction": "Maximize",
        "output_uri": f"s3://{store}/{new_name('selection')}",
        "model_package_group_name": group,
        "champion_uri": f"s3://{store}/{new_name('champion')}",
    }


def trials(cloud: RunningCloud, job: dict[str, Any]) -> list[dict[str, Any]]:
    listed = cloud.client("sagemaker").list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=job["HyperParameterTuningJobName"]
    )
    return list(listed["TrainingJobSummaries"])


def test_01_the_best_trial_is_found_although_calls_are_throttled(
    cloud: RunningCloud, faults: FaultsClient, store: str, select_best: str
) -> None:
    depth = "float(json.loads((base / 'input/config/hyperparameters.json').read_text())['depth'])"
    job = tuned(cloud, tuning(trainer(cloud, all_folds(f"{depth} / 10")), store, trials=3))
    best = max(
        trials(cloud, job), key=lambda t: t["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    )
    faults.add(kind="throttle", match="ListTrainingJobsForHyperParameterTuningJob", times=2)
    faults.add(kind="throttle", match="DescribeTrainingJob", times=2)
    event = selection(cloud, job["HyperParameterTuningJobName"], store)
    answer = invoke_function(cloud, select_best, event)
    assert answer["training_job_name"] == best["TrainingJobName"]
    assert [each["fired"] for each in faults.listed()["faults"]] == [2, 2]
    key = answer["selection_uri"].removeprefix(f"s3://{store}/") + "/selected_trial.json"
    written = json.loads(cloud.client("s3").get_object(Bucket=store, Key=key)["Body"].read())
    assert written["hyperparameters"]["depth"] == best["TunedHyperParameters"]["depth"]


def test_05_a_trial_is_repeated_after_an_internal_error(
    cloud: RunningCloud, faults: FaultsClient, store: str
) -> None:
    request = tuning(trainer(cloud, all_folds()), store, RetryStrategy={"MaximumRetryAttempts": 2})
    faults.add(kind="job_fails", match="t*-001-*", times=2)
    job = tuned(cloud, request)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["Completed"] == 2
    assert faults.listed()["faults"][0]["fired"] == 2


def test_10_a_killed_trial_is_not_the_best_and_the_others_go_on(
    cloud: RunningCloud, faults: FaultsClient, store: str, select_best: str
) -> None:
    faults.add(kind="job_killed", match="t*-001-*", at_line=3)
    job = tuned(cloud, tuning(trainer(cloud, all_folds() + "\ntime.sleep(0.3)"), store))
    by_status = {each["TrainingJobStatus"]: each for each in trials(cloud, job)}
    assert by_status["Failed"]["FailureReason"].endswith("exit code: 137")
    event = selection(cloud, job["HyperParameterTuningJobName"], store)
    answer = invoke_function(cloud, select_best, event)
    assert answer["training_job_name"] == by_status["Completed"]["TrainingJobName"]


def test_08_a_job_whose_pool_was_ended_starts_cold_and_completes(
    cloud: RunningCloud, faults: FaultsClient, store: str
) -> None:
    limits = cloud.settings.state_dir / "limits.json"
    limits.write_text(json.dumps({"quotas": {"ml.m5.large for training warm pool usage": 1}}))
    try:
        image, sagemaker = trainer(cloud, "print('ran')"), cloud.client("sagemaker")
        requests = [training(image, store) for _ in range(2)]
        for request in requests:
            request["ResourceConfig"] = {
                **request["ResourceConfig"],
                "KeepAlivePeriodInSeconds": 600,
            }
        names = [request["TrainingJobName"] for request in requests]
        sagemaker.create_training_job(**requests[0])
        assert ended_training(cloud, names[0])["WarmPoolStatus"]["Status"] == "Available"
        faults.add(kind="pool_terminated", match=names[0])
        wait_for(lambda: faults.listed()["faults"][0]["fired"], "the pool was ended")
        sagemaker.create_training_job(**requests[1])
        assert ended_training(cloud, names[1])["TrainingJobStatus"] == "Completed"
        first = sagemaker.describe_training_job(TrainingJobName=names[0])["WarmPoolStatus"]
        assert first["Status"] == "Terminated"
        assert "ReusedByJob" not in first
    finally:
        limits.unlink()


def registering(cloud: RunningCloud, store: str, group: str) -> dict[str, Any]:
    container = {"Image": cloud.tiny_server(), "ModelDataUrl": f"s3://{store}/model.tar.gz"}
    return {
        "Name": "Register",
        "Type": "RegisterModel",
        "DependsOn": ["Select"],
        "Arguments": {
            "ModelPackageGroupName": group,
            "InferenceSpecification": {
                "Containers": [container],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        },
    }


def selecting(cloud: RunningCloud, store: str, function_arn: str) -> dict[str, Any]:
    return {
        "Name": "Select",
        "Type": "Lambda",
        "FunctionArn": function_arn,
        "Arguments": selection(cloud, get("Steps.Tune.HyperParameterTuningJobName"), store),
        "OutputParameters": [{"OutputName": "selection_uri", "OutputType": "String"}],
    }


@pytest.mark.parametrize(
    "code, step, reason",
    [
        ("sys.exit(1)", "Tune", "All training jobs failed"),
        (all_folds(folds=FOLDS - 1), "Select", "no trial completed all 2 folds"),
    ],
)
def test_28_without_a_trial_that_can_win_nothing_is_registered(
    cloud: RunningCloud, store: str, select_best: str, code: str, step: str, reason: str
) -> None:
    group = new_name("group")
    cloud.client("sagemaker").create_model_package_group(ModelPackageGroupName=group)
    tune = {
        "Name": "Tune",
        "Type": "Tuning",
        "Arguments": tuning(trainer(cloud, code), store),
    }
    pipeline = Deployed(
        cloud, store, [tune, selecting(cloud, store, select_best), registering(cloud, store, group)]
    )
    arn = pipeline.start()
    execution, steps = pipeline.end(arn), pipeline.steps(arn)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert steps[step]["StepStatus"] == "Failed"
    assert reason in execution["FailureReason"]
    assert steps.get("Register", {}).get("StepStatus") != "Succeeded"
    listed = cloud.client("sagemaker").list_model_packages(ModelPackageGroupName=group)
    assert listed["ModelPackageSummaryList"] == []


def training_step(cloud: RunningCloud, store: str) -> dict[str, Any]:
    request = tuning(trainer(cloud, "print('ran')"), store)["TrainingJobDefinition"]
    arguments = {k: v for k, v in request.items() if k != "StaticHyperParameters"}
    return {"Name": "Train", "Type": "Training", "Arguments": arguments}


def jobs_of(cloud: RunningCloud, execution_arn: str) -> list[str]:
    """Statuses of the training jobs that an execution has made."""
    made = cloud.client("sagemaker").list_training_jobs(
        NameContains=execution_arn.rpartition("/")[2]
    )
    return sorted(each["TrainingJobStatus"] for each in made["TrainingJobSummaries"])


def test_01_a_step_whose_create_is_throttled_makes_one_job(
    cloud: RunningCloud, faults: FaultsClient, store: str
) -> None:
    faults.add(kind="throttle", match="CreateTrainingJob")
    faults.add(kind="throttle", match="DescribeTrainingJob", times=None)  # of clients, not of steps
    pipeline = Deployed(cloud, store, [training_step(cloud, store)])
    arn = pipeline.start()
    assert pipeline.end(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert jobs_of(cloud, arn) == ["Completed"]
    assert faults.listed()["faults"][0]["fired"] == 1


@pytest.mark.parametrize("policies, status", [(1, "Succeeded"), (0, "Failed")])
def test_04_a_step_is_repeated_after_a_capacity_error_if_its_policy_says_so(
    cloud: RunningCloud, faults: FaultsClient, store: str, policies: int, status: str
) -> None:
    policy = {"ExceptionType": ["SageMaker.CAPACITY_ERROR"], "IntervalSeconds": 1, "MaxAttempts": 2}
    step = training_step(cloud, store)
    step |= {"RetryPolicies": [policy]} if policies else {}
    faults.add(kind="job_fails", match="pipelines-*-Train-*", reason="CapacityError")
    pipeline = Deployed(cloud, store, [step])
    arn = pipeline.start()
    assert pipeline.end(arn)["PipelineExecutionStatus"] == status
    assert jobs_of(cloud, arn) == (["Completed", "Failed"] if policies else ["Failed"])


def test_02_a_days_scoring_whose_answers_are_lost_runs_once(
    cloud: RunningCloud, faults: FaultsClient, store: str
) -> None:
    sagemaker, group, prefix = cloud.client("sagemaker"), new_name("group"), new_name("m")
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    specification = registering(cloud, store, group)["Arguments"]["InferenceSpecification"]
    sagemaker.create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification=specification,
        ModelApprovalStatus="Approved",
    )
    names = ("ModelName", "InputUri", "OutputUri", "ManifestUri", "Day")
    parameters = [{"Name": name, "Type": "String"} for name in names]
    fail = {"Name": "End", "Type": "Fail", "Arguments": {"ErrorMessage": "enough"}}
    pipeline = new_name("scoring")
    sagemaker.create_pipeline(
        PipelineName=pipeline,
        RoleArn=ROLE,
        PipelineDefinition=json.dumps(
            {"Version": "2020-12-01", "Parameters": parameters, "Steps": [fail]}
        ),
    )
    cloud.client("s3").put_object(
        Bucket=store, Key="credit/batch/input/day=2026-03-02/a.jsonl", Body=b"{}\n"
    )
    function = deploy_function(
        cloud,
        "start_batch_scoring",
        MODEL_NAME="credit",
        MODEL_NAME_PREFIX=prefix,
        MODEL_PACKAGE_GROUP_NAME=group,
        SCORING_PIPELINE_NAME=pipeline,
        BUCKET_NAME=store,
        MODEL_ROLE_ARN=ROLE,
        TIME_ZONE="UTC",
    )
    faults.add(kind="answer_lost", match="CreateModel", how="close")
    faults.add(kind="answer_lost", match="StartPipelineExecution", how="error")
    event = {"scheduled_time": "2026-03-02T06:00:00Z"}
    answer = invoke_function(cloud, function, event)
    assert answer["status"] == "started"
    assert [each["fired"] for each in faults.listed()["faults"]] == [1, 1]
    again = invoke_function(cloud, function, event)  # the schedule delivers at least once
    assert again["execution_arn"] == answer["execution_arn"]
    listed = sagemaker.list_pipeline_executions(PipelineName=pipeline)
    assert len(listed["PipelineExecutionSummaries"]) == 1
    assert len(sagemaker.list_models(NameContains=prefix)["Models"]) == 1
