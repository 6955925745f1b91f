"""What the best-job function counts for the model's dashboard."""

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.lambdas.aids import log_lines
from tests.unit.lambdas.best_job_aids import (
    GBDT,
    LINEAR,
    START,
    Service,
    final_metrics,
    summary,
)
from warmfold_contract import hyperparameters as contract_keys


def test_a_search_is_counted_for_the_models_dashboard(capsys: pytest.CaptureFixture[str]) -> None:
    service = Service()
    ran = {"TrainingStartTime": START, "TrainingEndTime": START + timedelta(seconds=30)}
    failed = summary("t2", status="Failed") | {"TrainingStartTime": START}
    service.lists(GBDT, [[summary("t1", 0.74) | ran, failed]])
    service.describes("t1", final_metrics(0.74))
    service.validated("t1")
    service.lists(LINEAR, [[]])
    service.stores_the_selection()
    service.run()
    counted = log_lines(capsys.readouterr)[0]
    assert counted["ModelPackageGroupName"] == "warmfold-dev-german-credit"
    del counted["_aws"], counted["ModelPackageGroupName"]
    assert counted == {"TrialsCompleted": 1, "TrialsWithoutResult": 1, "TrialSeconds": 30.0}


def test_folds_that_were_jobs_are_counted_with_those_that_started_warm(
    capsys: pytest.CaptureFixture[str],
) -> None:
    service = Service()
    service.lists(GBDT, [[summary("t1", 0.74)]])
    fanned = {contract_keys.CV_STRATEGY: "fan_out"}
    service.describes("t1", final_metrics(0.74), hyperparameters=fanned)
    service.validated("t1")
    pools: tuple[dict[str, Any], ...] = (
        {"WarmPoolStatus": {"Status": "Reused"}},
        {"TrainingJobStatus": "Failed"},
    )
    folds = [
        {
            "TrainingJobName": f"{GBDT}-001-0a1b2c3d-fold-0{number}-0",
            "TrainingJobArn": f"arn:aws:sagemaker:us-east-1:000000000000:training-job/f{number}",
            "TrainingJobStatus": "Completed",
            "CreationTime": START,
            "TrainingEndTime": START + timedelta(seconds=90),
            **more,
        }
        for number, more in enumerate(pools, start=1)
    ]
    trial = {**folds[0], "TrainingJobName": f"{GBDT}-001-0a1b2c3d"}
    answer = {"TrainingJobSummaries": [trial, *folds]}
    asked = {"NameContains": f"{GBDT}-", "MaxResults": 100}
    service.sagemaker.answers("list_training_jobs", answer, **asked)
    service.lists(LINEAR, [[]])
    service.stores_the_selection()
    service.run()
    counted = log_lines(capsys.readouterr)[0]
    names = ("FoldJobs", "FoldJobsOnWarmMachines", "FoldSeconds")
    assert [counted[name] for name in names] == [2, 1, 90.0]
