"""A trial's process that is stopped while it cannot reach AWS."""

import signal

from tests.unit.containers.trainer.jobs import TRIAL, Job
from tests.unit.containers.trainer.tables import feature_set

FAN_OUT = {
    **TRIAL,
    "warmfold_cv_strategy": "fan_out",
    "warmfold_fold_role_arn": "arn:aws:iam::123456789012:role/folds",
    "warmfold_fold_keep_alive_seconds": "600",
    "warmfold_fold_wave": "5",
    "warmfold_fold_own": "0",
}
# Nothing listens on the discard port.
NOWHERE = {
    "TRAINING_JOB_NAME": "tuning-001-0a1b2c3d",
    "TRAINING_JOB_ARN": "arn:aws:sagemaker:eu-west-1:123456789012:training-job/tuning-001-0a1b2c3d",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": "123456789012",
    "AWS_SECRET_ACCESS_KEY": "none",
}


def trial(job: Job) -> Job:
    feature_set(rows=160).write(job.paths.channel("train"))
    job.set_hyperparameters(FAN_OUT)
    return job


def test_it_leaves_at_once_with_a_reason_and_without_a_word_on_stdout(job: Job) -> None:
    child = trial(job).start("train", **NOWHERE)
    try:
        assert child.stderr is not None
        line = child.stderr.readline()
        assert "DescribeTrainingJob, attempt 1: EndpointConnectionError" in line
        child.send_signal(signal.SIGTERM)
        out, _ = child.communicate(timeout=60)
    finally:
        child.kill()
    assert (child.returncode, out) == (128 + signal.SIGTERM, "")
    assert job.reason() == "stopped by SIGTERM before all folds were done"


def test_a_call_that_is_never_answered_fails_the_trial_by_name(job: Job) -> None:
    finished = trial(job).run("train", **NOWHERE, WARMFOLD_FOLD_CALL_SECONDS="0.5")
    assert (finished.code, finished.out) == (1, "")
    assert finished.reason.startswith("DescribeTrainingJob did not succeed in ")
    assert "EndpointConnectionError" in finished.reason
