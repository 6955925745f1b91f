"""A failed run says which step, why, and where its log is."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.sessions import shared_session
from tests.unit.report.builders import random_trials, run, trial, tuning
from warmfold.runs.aws import Aws
from warmfold.runs.failure import failure_of, plain_reason
from warmfold.runs.records import Run


def failed(step_name: str, reason: str = "AlgorithmError: why, exit code: 1") -> Run:
    base = run(random_trials(2), status="Failed", failure_reason="Step failure")
    steps = tuple(
        replace(s, status="Failed", failure_reason=reason) if s.name == step_name else s
        for s in base.steps
    )
    return replace(base, steps=steps)


@pytest.fixture
def local(tmp_path: Path) -> Aws:
    session = shared_session()
    return Aws(session=session, environment="local", state_dir=tmp_path)


@pytest.mark.parametrize(
    "step, folder",
    [
        ("BuildFeatures", "processing"),
        ("TrainFinalModel", "training"),
        ("TransformHoldout", "transform"),
    ],
)
def test_a_failed_job_names_its_log_file(local: Aws, step: str, folder: str) -> None:
    error = failure_of(local, failed(step))
    assert error.step == f"step {step}"
    assert error.reason == "why"
    assert str(error.log).endswith(f"jobs/{folder}/pipelines-abc-{step}/log.txt")
    assert str(error.log) in str(error)


def test_a_failed_search_quotes_its_first_failed_trial(local: Aws) -> None:
    bad = trial(1, (), status="Failed", failure_reason="AlgorithmError: no such column")
    base = failed("Tune-lightgbm", "ClientError: No training job succeeded")
    error = failure_of(local, replace(base, tunings=(tuning((bad,)),)))
    assert "No training job succeeded" in str(error)
    assert "trial 1 (trial-job-1): no such column" in str(error)
    assert str(error.log).endswith("jobs/training/trial-job-1/log.txt")


def test_on_aws_the_log_group_is_named() -> None:
    aws = Aws(session=shared_session(), environment="dev")
    error = failure_of(aws, failed("EvaluateModel"))
    assert "/aws/sagemaker/ProcessingJobs" in str(error.log)


def test_a_failed_lambda_points_to_the_servers_log(local: Aws) -> None:
    assert str(failure_of(local, failed("SelectBestTrial")).log).endswith("server.log")


def test_a_run_that_failed_before_any_step_gives_its_own_reason(local: Aws) -> None:
    error = failure_of(local, run((), status="Failed", failure_reason="bad input", steps=()))
    assert "bad input" in str(error)
    assert error.log is None


@pytest.mark.parametrize(
    "reason, plain",
    [
        ("ClientError: AlgorithmError: row 7\nis odd, exit code: 1", "row 7\nis odd"),
        ("AlgorithmError: why, exit code: 1", "why"),
        ("AlgorithmError: killed, exit code: 137", "killed, exit code: 137"),
        ("ClientError: No training job succeeded", "ClientError: No training job succeeded"),
        ("InternalServerError: try again", "InternalServerError: try again"),
        ("", ""),
    ],
)
def test_a_reason_is_what_the_container_said(reason: str, plain: str) -> None:
    assert plain_reason(reason) == plain


def test_two_failed_steps_both_give_their_reason(local: Aws) -> None:
    base = failed("TrainFinalModel", "AlgorithmError: first, exit code: 1")
    steps = tuple(
        replace(s, status="Failed", failure_reason="second") if s.name == "EvaluateModel" else s
        for s in base.steps
    )
    error = failure_of(local, replace(base, steps=steps))
    assert error.reason == "first\n  step EvaluateModel: second"
