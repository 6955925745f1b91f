"""Random sequences of starts, ends, stops and retries of pipeline executions: the two agree."""

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from tests.model.benches import Machine, repeatable
from tests.model.engine import until
from tests.model.pipeline_reference import NEEDS, QUOTA, PipelineReference
from tests.unit.local.jobs_support import ROLE, training_request
from warmfold_local.sagemaker import capacity, pipeline_execution_changes, pipeline_executions

MODULES = (pipeline_execution_changes, pipeline_executions)  # imported for their operations
TOKENS = st.sampled_from(["one", "two", "three", "four"])
NAME = {"PipelineName": "pipe"}


def token(name: str) -> str:
    return f"{name}-".ljust(32, "x")


class PipelinesMachine(Machine):
    @initialize()
    def an_image_and_a_quota(self) -> None:
        self.model = PipelineReference()
        self.arns: dict[str, str] = {}
        self.retries = 0
        self.first = False
        request = training_request(self.bench.image(""))
        arguments = {key: value for key, value in request.items() if key != "TrainingJobName"}
        steps = [
            {"Name": name, "Type": "Training", "Arguments": arguments, "DependsOn": list(needs)}
            for name, needs in NEEDS.items()
        ]
        self.definition = json.dumps({"Version": "2020-12-01", "Steps": steps})
        name = "Maximum number of concurrent pipeline executions allowed per account"
        path = self.bench.cloud.settings.state_dir / capacity.LIMITS_FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"account": {name: QUOTA}}), encoding="utf-8")

    @rule(again=st.booleans())
    def create(self, again: bool) -> None:
        """The same token means the same call: only another one is a second pipeline."""
        asked = {**NAME, "PipelineDefinition": self.definition, "RoleArn": ROLE}
        asked["ClientRequestToken"] = token("again" if again else "first")
        if not self.model.exists or again != self.first:
            if self.both(self.model.create, "CreatePipeline", **asked):
                self.first = again
        else:
            self.call("CreatePipeline", **asked)

    @rule(names=st.lists(TOKENS, min_size=1, max_size=4))
    def start(self, names: list[str]) -> None:
        for name in names:
            self.start_one(name)

    def start_one(self, name: str) -> None:
        asked = {**NAME, "ClientRequestToken": token(name)}
        if self.both(lambda: self.model.start(name), "StartPipelineExecution", **asked):
            arn = self.call("StartPipelineExecution", **asked)["PipelineExecutionArn"]
            assert self.arns.setdefault(name, arn) == arn
            self.agreed(name)

    @precondition(lambda self: self.running())
    @rule(data=st.data(), succeeds=st.booleans())
    def end_step(self, data: st.DataObject, succeeds: bool) -> None:
        name, step = data.draw(st.sampled_from(self.running()))
        job = self.job_of(name, step)
        self.model.end_step(name, step, succeeds=succeeds)
        self.engine.outcomes[job] = 1.0 if succeeds else None
        self.agreed(name)

    @rule(name=TOKENS)
    def stop(self, name: str) -> None:
        self.change(name, "Stop")

    @rule(name=TOKENS)
    def retry(self, name: str) -> None:
        self.change(name, "Retry")

    @rule()
    def delete(self) -> None:
        asked = {**NAME, "ClientRequestToken": token("delete")}
        if self.both(self.model.delete, "DeletePipeline", **asked):
            self.arns.clear()

    @invariant()
    def executions_agree(self) -> None:
        if not getattr(self, "model", PipelineReference()).exists:
            return
        found = self.pages("ListPipelineExecutions", "PipelineExecutionSummaries", **NAME)
        statuses = {e["PipelineExecutionArn"]: e["PipelineExecutionStatus"] for e in found}
        assert statuses == {self.arns[n]: e.status for n, e in self.model.executions.items()}

    def change(self, name: str, verb: str) -> None:
        if name not in self.arns:
            return
        self.retries += 1
        asked = {
            "PipelineExecutionArn": self.arns[name],
            "ClientRequestToken": token(f"change-{self.retries}"),
        }
        expected = getattr(self.model, verb.lower())
        if self.both(lambda: expected(name), f"{verb}PipelineExecution", **asked):
            self.agreed(name)

    def agreed(self, name: str) -> None:
        """The execution comes to show what the model says, steps and all."""
        wanted = self.model.executions[name]
        until(lambda: self.shown(name) == (wanted.status, wanted.steps), f"{name} is {wanted}")

    def shown(self, name: str) -> tuple[str, dict[str, str]]:
        asked = {"PipelineExecutionArn": self.arns[name]}
        status = self.call("DescribePipelineExecution", **asked)["PipelineExecutionStatus"]
        steps = {step["StepName"]: step["StepStatus"] for step in self.steps(name)}
        jobs = all(self.job_of(name, step) for step, s in steps.items() if s == "Executing")
        return status if jobs else "not yet", steps

    def steps(self, name: str) -> list[dict[str, Any]]:
        asked = {"PipelineExecutionArn": self.arns[name], "MaxResults": 2}
        return self.pages("ListPipelineExecutionSteps", "PipelineExecutionSteps", **asked)

    def job_of(self, name: str, step: str) -> str:
        """The name of a step's job; empty while it has none."""
        (found,) = [each for each in self.steps(name) if each["StepName"] == step]
        arn: str = found.get("Metadata", {}).get("TrainingJob", {}).get("Arn", "")
        return arn.rpartition("/")[2]

    def running(self) -> list[tuple[str, str]]:
        executions = getattr(self, "model", PipelineReference()).executions
        return [(name, step) for name, e in sorted(executions.items()) for step in e.running]


TestPipelines = PipelinesMachine.TestCase
TestPipelines.settings = repeatable(examples=10, steps=25)
