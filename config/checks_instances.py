"""Instance types: whether SageMaker has them, for what they are to be used for."""

import difflib
from collections.abc import Iterator

from config.aws_lists import instance_types
from config.errors import Fault
from config.partial import as_far_as_known
from config.settings import Batch, Jobs, Model, Registration
from config.settings_serving import Serving

_NOUNS = {
    "endpoint": "endpoints",
    "processing": "processing jobs",
    "training": "training jobs",
    "transform": "transform jobs",
}
_USE_OF_JOB = {
    "processing": "processing",
    "trial": "training",
    "search": "training",
    "final": "training",
    "evaluation": "processing",
    "transform": "transform",
}
_SUGGESTED = 3


def _type_faults(key: str, value: str, use: str) -> Iterator[Fault]:
    types = instance_types()
    if value in types[use]:
        return
    exists = any(value in others for others in types.values())
    near = difflib.get_close_matches(value, types[use], n=_SUGGESTED) or ["ml.m5.xlarge"]
    yield Fault(
        key=key,
        value=value,
        problem=f"is an instance type, and not one of {_NOUNS[use]}"
        if exists
        else "is no instance type of SageMaker",
        remedy=f"{_NOUNS[use]} take such as {', '.join(near)}",
    )


def job_type_faults(value: Jobs) -> Iterator[Fault]:
    for job in _USE_OF_JOB:
        yield from as_far_as_known(_job(job, value))


def _job(job: str, value: Jobs) -> Iterator[Fault]:
    compute = getattr(value, job)
    if compute is not None:
        yield from _type_faults(f"{job}.instance_type", compute.instance_type, _USE_OF_JOB[job])


def batch_type_faults(value: Batch) -> Iterator[Fault]:
    yield from _type_faults("compute.instance_type", value.compute.instance_type, "transform")


def endpoint_type_faults(value: Serving) -> Iterator[Fault]:
    yield from _type_faults("instance_type", value.instance_type, "endpoint")


def registration_faults(value: Registration) -> Iterator[Fault]:
    names = value.realtime_instance_types
    for index, name in enumerate(names):
        key = f"realtime_instance_types[{index}]"
        yield from _type_faults(key, name, "endpoint")
        if name in names[:index]:
            yield Fault(key=key, value=name, problem="is there already", remedy="name it once")


def registered_faults(value: Model) -> Iterator[Fault]:
    """A type that does not exist is told where it stands, and is none to be registered."""
    if value.serving.instance_type not in value.registration.realtime_instance_types:
        yield Fault(
            key="registration.realtime_instance_types",
            value=value.registration.realtime_instance_types,
            problem=f"lacks serving.instance_type ({value.serving.instance_type})",
            remedy="add it: a package may be deployed only on the types that it lists",
        )
