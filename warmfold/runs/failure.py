"""Why a run failed, and where its log is."""

import re

from warmfold.errors import RunFailedError
from warmfold.runs.aws import Aws
from warmfold.runs.records import Run, Step, Trial

# Folder of a job's log in a local cloud, and its log group on AWS (developer guide, "Log groups
# and streams that Amazon SageMaker AI logs").
_LOGS = {
    "ProcessingJob": ("processing", "/aws/sagemaker/ProcessingJobs"),
    "TrainingJob": ("training", "/aws/sagemaker/TrainingJobs"),
    "TransformJob": ("transform", "/aws/sagemaker/TransformJobs"),
}

_ALGORITHM_ERROR = re.compile(
    r"(?:ClientError: )?AlgorithmError: (?P<said>.*?)(?:, exit code: 1)?", re.DOTALL
)


def failure_of(aws: Aws, run: Run) -> RunFailedError:
    """The error for a run that ended other than Succeeded: its failed step, reason and log."""
    step = run.failed_step
    if step is None:
        reason = run.failure_reason or f"it ended {run.status}"
        return RunFailedError(f"pipeline {run.pipeline}", reason)
    reason = plain_reason(step.failure_reason or run.failure_reason) or "no reason was given"
    trial = _failed_trial(run) if step.kind == "TuningJob" else None
    if trial is not None:
        reason += (
            f"\n  trial {trial.number} ({trial.job_name}): {plain_reason(trial.failure_reason)}"
        )
    others = (s for s in run.steps if s.status == "Failed" and s is not step)
    reason += "".join(f"\n  step {s.name}: {plain_reason(s.failure_reason)}" for s in others)
    return RunFailedError(f"step {step.name}", reason, log_of(aws, run, step))


def plain_reason(reason: str) -> str:
    """What a container said, out of ``ClientError: AlgorithmError: {said}, exit code: 1``.

    Exit code 1 says no more than that it failed; any other is kept, and so is what SageMaker
    itself says.
    """
    said = _ALGORITHM_ERROR.fullmatch(reason)
    return said["said"] if said else reason


def _failed_trial(run: Run) -> Trial | None:
    """The first one: a tuning step's own reason says only that trials failed."""
    trials = (trial for tuning in run.tunings for trial in tuning.trials)
    return next((trial for trial in trials if trial.status == "Failed"), None)


def log_of(aws: Aws, run: Run, step: Step) -> str | None:
    """Where the step's log is; of a tuning step, that of its first failed trial."""
    if step.kind == "TuningJob":
        trial = _failed_trial(run)
        return None if trial is None else job_log(aws, "TrainingJob", trial.job_name)
    if step.kind in _LOGS and step.resource:
        return job_log(aws, step.kind, step.resource_name)
    if aws.state_dir is not None:
        return str(aws.state_dir / "server.log")
    return f"CloudWatch, {step.resource}" if step.resource else None


def job_log(aws: Aws, kind: str, name: str) -> str:
    """Path or log group and stream prefix of one job's log."""
    folder, group = _LOGS[kind]
    if aws.state_dir is not None:
        return str(aws.state_dir / "jobs" / folder / name / "log.txt")
    return f"CloudWatch log group {group}, stream {name}/…"
