"""What a pipeline's definition fixes of its jobs, as conditions of whoever starts them.

Which action has which condition key: Service Authorization Reference, "Amazon SageMaker".
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from warmfold_constructs.job_network import Conditions, together

_KEYS = ("VolumeKmsKey", "OutputKmsKey")
_OUTPUTS = ("OutputDataConfig", "ProcessingOutputConfig", "TransformOutput")
Arguments = Mapping[str, Any]


def arguments_of(steps: Sequence[Mapping[str, Any]], kind: str) -> list[Arguments]:
    """The arguments of all steps of a type, those of branches included."""
    wanted: list[Arguments] = []
    for step in steps:
        given = step.get("Arguments", {})
        if step["Type"] == kind:
            wanted.append(given)
        if step["Type"] == "Condition":
            for branch in ("IfSteps", "ElseSteps"):
                wanted += arguments_of(given.get(branch, []), kind)
    return wanted


def fixed(jobs: Sequence[Arguments], key_arn: str) -> Conditions:
    """Conditions on instance types, isolation and keys that all of ``jobs`` meet.

    A key that only some of them name, since some machines take none, must be this one if it is
    named. What is an expression is not bound.
    """
    types = [value for job in jobs for value in found(job, "InstanceType")]
    bound = [machines(types)] if all(isinstance(each, str) for each in types) else []
    if jobs and all(True in found(job, "EnableNetworkIsolation") for job in jobs):
        bound.append({"Bool": {"sagemaker:NetworkIsolation": "true"}})
    named = {
        "VolumeKmsKey": [any(found(job, "VolumeKmsKeyId")) for job in jobs],
        "OutputKmsKey": [any(_output_keys(job)) for job in jobs],
    }
    return together(*bound, *(keys(key_arn, {key: all(named[key])}) for key in _KEYS))


def machines(instance_types: Sequence[str]) -> Conditions:
    """No other instance types. Without ``Null`` a request that names none would meet it."""
    key = "sagemaker:InstanceTypes"
    return {
        "ForAllValues:StringEquals": {key: sorted(set(instance_types))},
        "Null": {key: "false"},
    }


def keys(key_arn: str, always: Mapping[str, bool]) -> Conditions:
    """No other key for volumes and outputs; ``always``: whether each has to be named at all."""
    return together(
        *(
            {"ArnEquals" if must else "ArnEqualsIfExists": {f"sagemaker:{key}": key_arn}}
            for key, must in always.items()
        )
    )


def _output_keys(job: Arguments) -> Iterator[Any]:
    for member in _OUTPUTS:
        for output in found(job, member):
            yield from found(output, "KmsKeyId")


def found(value: Any, member: str) -> list[Any]:
    """Every value of a member, at any depth."""
    if isinstance(value, Mapping):
        own = [value[member]] if member in value else []
        return own + [each for item in value.values() for each in found(item, member)]
    if isinstance(value, list):
        return [each for item in value for each in found(item, member)]
    return []
