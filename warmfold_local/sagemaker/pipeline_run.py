"""One execution of a pipeline: starts steps as they become ready, until none is left.

When a step fails, no further step starts; those that run are left to finish, and the execution
then fails. (What the service does with running steps is not documented.)
"""

import logging
import threading
from dataclasses import dataclass, field

from warmfold_local.cloud import Cloud, Record
from warmfold_local.sagemaker.graph import Step, ready
from warmfold_local.sagemaker.pipeline_definition import Definition
from warmfold_local.sagemaker.pipeline_events import publish_execution, publish_step
from warmfold_local.sagemaker.pipeline_scope import ExecutionScope
from warmfold_local.sagemaker.pipeline_steps import EXECUTORS
from warmfold_local.sagemaker.pipeline_steps.base import (
    Outputs,
    StepFailedError,
    StepRun,
    StepStoppedError,
)
from warmfold_local.sagemaker.pipeline_steps.retries import run_with_retries

logger = logging.getLogger("warmfold_local")

# Limits of the two FailureReason members (botocore).
_STEP_REASON_LIMIT = 1024
_EXECUTION_REASON_LIMIT = 1300

_ORDER = {
    "Starting": 0,
    "Executing": 1,
    "Stopping": 2,
    "Stopped": 3,
    "Failed": 3,
    "Succeeded": 3,
}


@dataclass(eq=False)
class PipelineRun:
    """``record`` is what DescribePipelineExecution answers, ``steps`` what the steps' list does."""

    cloud: Cloud
    definition: Definition
    scope: ExecutionScope
    record: Record
    max_parallel_steps: int
    steps: dict[str, Record] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _running: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        return f"pipeline {self.record['_pipeline_name']}/{self.record['_id']}"

    def start(self) -> None:
        self.cloud.spawn(self.name, self._run)

    def stop(self) -> None:
        """Stop what runs and start nothing more; returns at once."""
        self._set_status("Stopping")
        self.stopping.set()
        with self._changed:
            running = sorted(self._running)
            self._changed.notify_all()
        for name in running:
            self._set_step_status(self.steps[name], "Stopping")

    def _run(self) -> None:
        try:
            publish_execution(self.cloud, self.record, None)
            with self._changed:
                while self._advance():
                    self._changed.wait()
        except Exception:
            self._finish("Failed", "InternalServerError: the local cloud failed; its log says how")
            raise
        self._finish(*self._outcome())

    def _advance(self) -> bool:
        """Start what may start; whether anything runs or ran out of room to start."""
        if not self.stopping.is_set() and not self._failures():
            for name in ready(self.definition.steps, self.scope.outputs, set(self.steps)):
                if len(self._running) >= self.max_parallel_steps:
                    break
                self._begin(self.definition.steps[name])
        return bool(self._running)

    def _begin(self, step: Step) -> None:
        record: Record = {
            "StepName": step.name,
            "StepDisplayName": step.body.get("DisplayName"),
            "StepDescription": step.body.get("Description"),
            "StartTime": self.cloud.now(),
            "StepStatus": "Starting",
            "AttemptCount": 1,
            "_type": step.type,
        }
        with self.cloud.lock:
            self.steps[step.name] = record
        self._running.add(step.name)
        self.cloud.spawn(f"{self.name}/{step.name}", lambda: self._work(step, record))

    def _work(self, step: Step, record: Record) -> None:
        """The life of one step, on its own thread; always reports its end."""
        outputs: Outputs | None = None
        status, reason = "Failed", "InternalServerError: the local cloud failed; its log says how"
        try:
            self._set_step_status(record, "Executing")
            outputs = run_with_retries(self._step_run(step, record), EXECUTORS[step.type])
            status, reason = "Succeeded", ""
        except StepFailedError as failure:
            reason = failure.reason
        except StepStoppedError:
            status, reason = "Stopped", ""
        finally:
            self._end(record, status, reason, outputs)

    def _step_run(self, step: Step, record: Record) -> StepRun:
        return StepRun(
            cloud=self.cloud,
            step=step,
            scope=self.scope,
            execution_id=self.record["_id"],
            stopping=self.stopping,
            record=record,
        )

    def _end(self, record: Record, status: str, reason: str, outputs: Outputs | None) -> None:
        with self.cloud.lock:
            record["EndTime"] = self.cloud.now()
            if reason:
                record["FailureReason"] = reason[:_STEP_REASON_LIMIT]
        try:
            self._set_step_status(record, status)
        finally:
            with self._changed:
                if outputs is not None:
                    self.scope.outputs[record["StepName"]] = outputs
                self._running.discard(record["StepName"])
                self._changed.notify_all()

    def _failures(self) -> list[Record]:
        with self.cloud.lock:
            return [step for step in self.steps.values() if step["StepStatus"] == "Failed"]

    def _outcome(self) -> tuple[str, str]:
        if self.stopping.is_set() or self.cloud.stopping.is_set():
            return "Stopped", ""
        failed = self._failures()
        if not failed:
            return "Succeeded", ""
        reasons = [f"{step['StepName']}: {step.get('FailureReason', '')}" for step in failed]
        return "Failed", " ".join(["Step failure: One or multiple steps failed.", *reasons])

    def _finish(self, status: str, reason: str) -> None:
        with self.cloud.lock:
            self.record["_ended"] = self.cloud.now()
            if reason:
                self.record["FailureReason"] = reason[:_EXECUTION_REASON_LIMIT]
        self._set_status(status)

    def _set_status(self, status: str) -> None:
        with self.cloud.lock:
            previous = self.record["PipelineExecutionStatus"]
            self.record["PipelineExecutionStatus"] = status
            self.record["LastModifiedTime"] = self.cloud.now()
        publish_execution(self.cloud, self.record, previous)

    def _set_step_status(self, record: Record, status: str) -> None:
        """Statuses only move forward: a step that is being stopped does not go back."""
        with self.cloud.lock:
            previous = record["StepStatus"]
            if _ORDER[status] <= _ORDER[previous]:
                return
            record["StepStatus"] = status
        publish_step(self.cloud, self.record, record, previous)
