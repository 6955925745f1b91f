"""One execution of a pipeline: starts steps as they become ready, until none is left.

When a step fails, no further step starts; those that run are left to finish, and the execution
then fails. (What the service does with running steps is not documented.)
"""

import logging
import threading
from dataclasses import dataclass, field

from warmfold_local.cloud import Cloud, Record
from warmfold_local.sagemaker.graph import Step, ready
from warmfold_local.sagemaker.pipeline_cache import (
    KEYS,
    CacheHit,
    cache_key,
    expiry_of,
    find_hit,
)
from warmfold_local.sagemaker.pipeline_definition import Definition
from warmfold_local.sagemaker.pipeline_events import publish_execution, publish_step
from warmfold_local.sagemaker.pipeline_scope import ExecutionScope
from warmfold_local.sagemaker.pipeline_steps import EXECUTORS
from warmfold_local.sagemaker.pipeline_steps.base import (
    Outputs,
    StepFailedError,
    StepRun,
    StepStoppedError,
    StepTimedOutError,
)
from warmfold_local.sagemaker.pipeline_steps.jobs import of_job
from warmfold_local.sagemaker.pipeline_steps.retries import run_with_retries
from warmfold_local.sagemaker.pipelines import EXECUTION_KIND

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
    """``record`` is what DescribePipelineExecution answers, ``steps`` what the steps' list does.

    ``left_out`` are steps that this execution does not run (selective execution).
    """

    cloud: Cloud
    definition: Definition
    scope: ExecutionScope
    record: Record
    max_parallel_steps: int
    steps: dict[str, Record] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    stopping: threading.Event = field(default_factory=threading.Event)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _running: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        return f"pipeline {self.record['_pipeline_name']}/{self.record['_id']}"

    def stored(self) -> Record:
        """What survives a restart; the cloud's lock is held. See ``store.encoding``."""
        outputs = dict(self.scope.outputs)
        return {"steps": self.steps, "outputs": outputs, "left_out": sorted(self.left_out)}

    def start(self, previous: str | None = None) -> None:
        """``previous`` is the execution's status before, if it is tried again."""
        self.cloud.spawn(self.name, lambda: self._run(previous))

    def allow(self, max_parallel_steps: int) -> None:
        """Change how many steps may run at a time; those that run are left to finish."""
        with self._changed:
            self.max_parallel_steps = max_parallel_steps
            self._changed.notify_all()

    def stop(self) -> None:
        """Stop what runs and start nothing more; returns at once."""
        self._set_status("Stopping")
        self.stopping.set()
        with self._changed:
            running = sorted(self._running)
            self._changed.notify_all()
        for name in running:
            self._set_step_status(self.steps[name], "Stopping")

    def _run(self, previous: str | None) -> None:
        try:
            publish_execution(self.cloud, self.record, previous)
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
            begun = self.left_out | self.steps.keys()
            for name in ready(self.definition.steps, self.scope.outputs, begun):
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
            outputs = self._outputs(step, record)
            status, reason = "Succeeded", ""
        except StepFailedError as failure:
            reason = failure.reason
            record["_timed_out"] = isinstance(failure, StepTimedOutError)
        except StepStoppedError:
            status, reason = "Stopped", ""
        finally:
            self._end(record, status, reason, outputs)

    def _outputs(self, step: Step, record: Record) -> Outputs:
        """Of an earlier run, if the step is cached and there was one; else by running it."""
        run = self._step_run(step, record)
        hit = self._cached(run)
        if hit is None:
            return run_with_retries(run, EXECUTORS[step.type])
        with self.cloud.lock:
            record["CacheHitResult"] = {"SourcePipelineExecutionArn": hit.source_arn}
            record["Metadata"] = hit.metadata
        return hit.outputs

    def _cached(self, run: StepRun) -> CacheHit | None:
        """Notes the step's keys, so that a later run can find this one."""
        if run.step.type not in KEYS:
            return None
        # The name of the step's own job is another one each time: it is no part of the keys.
        key = cache_key(run.step.type, of_job(run, "").evaluate(run.step.arguments))
        expiry = expiry_of(run.step.body)
        with self.cloud.lock:
            run.record["_cache_key"] = key
            if key is None or expiry is None:
                return None
            earlier = [
                execution
                for execution in self.cloud.table(EXECUTION_KIND)
                if execution["PipelineArn"] == self.record["PipelineArn"]
            ]
            return find_hit(run.step.name, key, expiry, earlier, self.cloud.now())

    def _step_run(self, step: Step, record: Record) -> StepRun:
        return StepRun(
            cloud=self.cloud.acting_as(self.scope.role_arn),
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
        failed = self._failures()
        if self.stopping.is_set() or self.cloud.stopping.is_set():
            # "If the timeout is hit the pipeline execution status is Failed" (API reference,
            # StopPipelineExecution, of Lambda steps).
            failed = [step for step in failed if step.get("_timed_out", False)]
            if not failed:
                return "Stopped", ""
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
            self.record["_changes"] = self.record.get("_changes", 0) + 1  # for `store.journal`
        publish_step(self.cloud, self.record, record, previous)
