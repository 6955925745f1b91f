"""What a step has besides its arguments: retries, cache, property files, Lambda outputs."""

import re
from collections.abc import Iterator
from typing import Any

from warmfold.pipeline.document import (
    Document,
    Step,
    at,
    is_expression,
    is_token,
    mapping,
    number,
    sequence,
    text,
)
from warmfold.pipeline.faults import Fault, choose, shown

# Developer guide, "Retry policy for pipeline steps".
_STEP_ERRORS = ("Step.SERVICE_FAULT", "Step.THROTTLING")
_INTERNAL_ERROR = "SageMaker.JOB_INTERNAL_ERROR"
_JOB_ERRORS = ("SageMaker.CAPACITY_ERROR", "SageMaker.RESOURCE_LIMIT", _INTERNAL_ERROR)
_POLICY_MEMBERS = (
    "ExceptionType",
    "IntervalSeconds",
    "BackoffRate",
    "MaxAttempts",
    "ExpireAfterMin",
)
_LIMITS = {
    "IntervalSeconds": (0, 43_200),
    "BackoffRate": (0, None),
    "MaxAttempts": (1, 20),
    "ExpireAfterMin": (1, 14_400),
}
_DURATION = re.compile(
    r"P?(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?", re.IGNORECASE
)
# Developer guide, "Lambda step": flat outputs of four types, 50 at most; names 256 characters.
_OUTPUT_TYPES = ("String", "Integer", "Boolean", "Float")
_FUNCTION_ARN = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_:$-]+")


def step_faults(document: Document) -> Iterator[Fault]:
    for step in document.steps:
        yield from _retry_faults(step)
        yield from _cache_faults(step)
        if step.kind == "Processing":
            yield from _property_file_faults(step)
        if step.kind in ("Lambda", "Callback"):
            yield from _target_faults(step)
            yield from _output_faults(step)
        if step.kind == "Fail":
            yield from _fail_faults(step)


def _retry_faults(step: Step) -> Iterator[Fault]:
    policies = step.body.get("RetryPolicies", [])
    if not isinstance(policies, list):
        yield _fault(step, "RetryPolicies", f"is {shown(policies)}", "Give a list of policies")
    for index, policy in enumerate(sequence(policies)):
        path = f"RetryPolicies[{index}]"
        if isinstance(policy, dict):
            yield from _policy_faults(step, path, policy)
        else:
            yield _fault(step, path, f"is {shown(policy)}", "Give an object")


def _policy_faults(step: Step, path: str, policy: dict[str, Any]) -> Iterator[Fault]:
    for name in policy.keys() - set(_POLICY_MEMBERS):
        remedy = choose(name, _POLICY_MEMBERS)
        yield _fault(step, f"{path}.{name}", "is no member of a retry policy", remedy)
    yield from _exception_faults(step, f"{path}.ExceptionType", policy.get("ExceptionType"))
    for name, (low, high) in _LIMITS.items():
        value = policy.get(name, low)
        amount = number(value)
        if amount is None or amount < low or (high is not None and amount > high):
            limits = f"{low} to {high}" if high is not None else f"{low} or more"
            yield _fault(step, f"{path}.{name}", f"is {shown(value)}", f"Use {limits}")
    if "MaxAttempts" in policy and "ExpireAfterMin" in policy:
        remedy = "Give one of the two"
        yield _fault(step, path, "has both MaxAttempts and ExpireAfterMin", remedy)


def _exception_faults(step: Step, path: str, value: object) -> Iterator[Fault]:
    allowed = _allowed_exceptions(step.kind)
    names = [value] if isinstance(value, str) else sequence(value)
    if not names:
        yield _fault(step, path, f"is {shown(value)}", "Name the exceptions to retry")
    for name in names:
        if name == _INTERNAL_ERROR and step.kind == "Tuning":
            remedy = "Set RetryStrategy in the training job definition instead"
            yield _fault(step, path, f"{name} is not retried for a tuning step", remedy)
        elif name not in allowed:
            problem = f"{shown(name)} cannot be retried by a {step.kind} step"
            yield _fault(step, path, problem, choose(name, allowed))


def _allowed_exceptions(kind: str) -> tuple[str, ...]:
    if kind in ("Model", "RegisterModel"):
        return _STEP_ERRORS
    if kind == "Tuning":
        return _STEP_ERRORS + _JOB_ERRORS[:2]
    return _STEP_ERRORS + _JOB_ERRORS


def _cache_faults(step: Step) -> Iterator[Fault]:
    if "CacheConfig" not in step.body:
        return
    config = step.body["CacheConfig"]
    members = mapping(config)
    if not isinstance(members.get("Enabled"), bool) or members.keys() - {"Enabled", "ExpireAfter"}:
        remedy = 'Write {"Enabled": true, "ExpireAfter": "P30D"}'
        yield _fault(step, "CacheConfig", f"is {shown(config)}", remedy)
    duration = members.get("ExpireAfter", "P1D")
    if not isinstance(duration, str) or not _DURATION.fullmatch(duration):
        remedy = "Use an ISO 8601 duration, as P30D or PT12H"
        yield _fault(step, "CacheConfig.ExpireAfter", f"is {shown(duration)}", remedy)


def _property_file_faults(step: Step) -> Iterator[Fault]:
    outputs = sequence(at(step.arguments, "ProcessingOutputConfig.Outputs"))
    names = [text(mapping(output).get("OutputName")) for output in outputs]
    files = step.body.get("PropertyFiles", [])
    if not isinstance(files, list):
        yield _fault(step, "PropertyFiles", f"is {shown(files)}", "Give a list")
    seen: set[str] = set()
    for index, file in enumerate(map(mapping, sequence(files))):
        path = f"PropertyFiles[{index}]"
        name = text(file.get("PropertyFileName"))
        if not name or not text(file.get("FilePath")):
            remedy = "Give PropertyFileName, OutputName and FilePath"
            yield _fault(step, path, f"is {shown(file)}", remedy)
        if name in seen:
            yield _fault(step, path, f"{name} is declared twice", "Name each file once")
        seen.add(name)
        if file.get("OutputName") not in names:
            problem = f"the step has no output {shown(file.get('OutputName'))}"
            remedy = choose(file.get("OutputName"), names)
            yield _fault(step, f"{path}.OutputName", problem, remedy)


def _target_faults(step: Step) -> Iterator[Fault]:
    member = "FunctionArn" if step.kind == "Lambda" else "SqsQueueUrl"
    value = step.body.get(member)
    if is_expression(value) or is_token(value):
        return
    if not isinstance(value, str) or not value:
        yield _fault(step, member, f"is {shown(value)}", f"A {step.kind} step needs it")
    elif step.kind == "Lambda" and not _FUNCTION_ARN.fullmatch(value):
        yield _fault(step, member, f"{shown(value)} is no function ARN", "Give the whole ARN")


def _output_faults(step: Step) -> Iterator[Fault]:
    outputs = step.body.get("OutputParameters", [])
    if not isinstance(outputs, list):
        yield _fault(step, "OutputParameters", f"is {shown(outputs)}", "Give a list")
    if len(sequence(outputs)) > 50:
        yield _fault(step, "OutputParameters", f"{len(outputs)} outputs", "50 at most")
    seen: set[str] = set()
    for index, output in enumerate(map(mapping, sequence(outputs))):
        path = f"OutputParameters[{index}]"
        name, kind = text(output.get("OutputName")), output.get("OutputType")
        if not 1 <= len(name) <= 256 or name in seen:
            remedy = "Give each output a name of its own, 256 characters at most"
            yield _fault(step, path, f"OutputName is {shown(output.get('OutputName'))}", remedy)
        seen.add(name)
        if kind not in _OUTPUT_TYPES:
            remedy = choose(kind, _OUTPUT_TYPES)
            yield _fault(step, f"{path}.OutputType", f"is {shown(kind)}", remedy)


def _fail_faults(step: Step) -> Iterator[Fault]:
    message = step.arguments.get("ErrorMessage")
    if not isinstance(message, str) and not is_expression(message):
        remedy = "Say why the pipeline stops here"
        yield _fault(step, "Arguments.ErrorMessage", f"is {shown(message)}", remedy)


def _fault(step: Step, path: str, problem: str, remedy: str) -> Fault:
    return Fault(step=step.label, path=path, problem=problem, remedy=remedy)
