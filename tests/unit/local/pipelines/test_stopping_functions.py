"""Stopping an execution while a Lambda step's function runs."""

import io
import threading
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from tests.unit.local.pipelines.aids import FUNCTION, create, definition, finished, start
from warmfold_local.cloud import Cloud
from warmfold_local.sagemaker.pipeline_steps import EXECUTORS
from warmfold_local.sagemaker.pipeline_steps.functions import invoke_function
from warmfold_local.sagemaker.protocol import call

STEP = {"Name": "Wait", "Type": "Lambda", "FunctionArn": FUNCTION, "Arguments": {}}


@dataclass
class Function:
    """Stands for the Lambda client: its function answers when it is told to."""

    called: threading.Event = field(default_factory=threading.Event)
    end: threading.Event = field(default_factory=threading.Event)

    def invoke(self, **_: Any) -> dict[str, Any]:
        self.called.set()
        assert self.end.wait(10)
        return {"StatusCode": 200, "Payload": io.BytesIO(b"{}")}


@pytest.mark.parametrize("answers, status", [(True, "Stopped"), (False, "Failed")])
def test_a_stop_waits_for_the_function_and_fails_if_that_takes_too_long(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, answers: bool, status: str
) -> None:
    function = cloud._clients["lambda"] = Function()
    seconds = 10.0 if answers else 0.2
    monkeypatch.setitem(EXECUTORS, "Lambda", partial(invoke_function, timeout_seconds=seconds))
    create(cloud, definition(STEP))
    arn = start(cloud)
    assert function.called.wait(5)
    request = {"PipelineExecutionArn": arn, "ClientRequestToken": "s" * 32}
    call(cloud, "StopPipelineExecution", request)
    if answers:
        function.end.set()
    execution = finished(cloud, arn)
    function.end.set()
    assert execution["PipelineExecutionStatus"] == status
    assert ("did not answer" in execution.get("FailureReason", "")) == (not answers)
