"""What the rules of ``validate_jobs`` and ``validate_tuning`` look at: one step's arguments."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from warmfold.pipeline.document import Step, at, mapping, number, sequence, text
from warmfold.pipeline.faults import Fault, shown
from warmfold.pipeline.spec import has_instance_storage

# API reference, StoppingCondition: 28 days.
MAX_RUNTIME_LIMIT_SECONDS = 2_419_200


@dataclass(frozen=True)
class Job:
    """``arguments`` are resolved (see ``warmfold.pipeline.resolve``); ``origins`` says which of
    them are a parameter's default value."""

    step: Step
    arguments: dict[str, Any]
    origins: dict[str, str]

    def at(self, path: str) -> Any:
        return at(self.arguments, path)

    def items(self, path: str) -> list[dict[str, Any]]:
        """The objects of a list."""
        return [mapping(item) for item in sequence(self.at(path))]

    def number(self, path: str) -> float | None:
        return number(self.at(path))

    def fault(self, path: str, problem: str, remedy: str) -> Fault:
        origin = self.origins.get(path)
        if origin is not None:
            problem = f"{problem} (the default of parameter {origin})"
        place = f"Arguments.{path}" if path else "Arguments"
        return Fault(step=self.step.label, path=place, problem=problem, remedy=remedy)

    def missing(self, path: str, remedy: str) -> Iterator[Fault]:
        if self.at(path) is None:
            yield self.fault(path, "is missing", remedy)

    def exactly_one(self, path: str, *members: str) -> Iterator[Fault]:
        """One of ``members`` of the object at ``path``."""
        present = [
            name
            for name in members
            if mapping(self.at(path) if path else self.arguments).get(name) is not None
        ]
        if len(present) != 1:
            found = " and ".join(present) if present else "none of them"
            yield self.fault(path, f"has {found}", f"Give exactly one of {', '.join(members)}")

    def unique(self, path: str, member: str) -> Iterator[Fault]:
        """No two objects of the list at ``path`` have the same ``member``."""
        values = [text(at(item, member)) for item in self.items(path)]
        for value in sorted({v for v in values if v and values.count(v) > 1}):
            yield self.fault(
                path, f"{values.count(value)} entries have {member} {value!r}", "Each only once"
            )


def container_training_faults(job: Job, at_path: str) -> Iterator[Fault]:
    """Rules that a training job and a tuning job's definition share.

    ``at_path`` is where the definition stands, with a dot at its end; empty for a training job.
    """
    yield from job.exactly_one(f"{at_path}AlgorithmSpecification", "TrainingImage", "AlgorithmName")
    yield from metric_faults(job, f"{at_path}AlgorithmSpecification.MetricDefinitions")
    yield from job.unique(f"{at_path}InputDataConfig", "ChannelName")
    for index, _ in enumerate(job.items(f"{at_path}InputDataConfig")):
        source = f"{at_path}InputDataConfig[{index}].DataSource"
        if mapping(job.at(source)):
            yield from job.exactly_one(source, "S3DataSource", "FileSystemDataSource")
    yield from volume_key_faults(job, f"{at_path}ResourceConfig")
    yield from stopping_faults(job, f"{at_path}StoppingCondition")
    yield from _spot_faults(job, at_path)


def stopping_faults(job: Job, path: str) -> Iterator[Fault]:
    """The API lets it be absent; a job that hangs would then run, and cost, for a day or more."""
    place = f"{path}.MaxRuntimeInSeconds"
    yield from job.missing(place, "Say how long the job may run")
    seconds = job.number(place)
    if seconds is not None and seconds > MAX_RUNTIME_LIMIT_SECONDS:
        remedy = f"SageMaker takes {MAX_RUNTIME_LIMIT_SECONDS} (28 days) at most"
        yield job.fault(place, f"is {shown(seconds)}", remedy)


def cluster_faults(job: Job, path: str) -> Iterator[Fault]:
    """Machines: a type and a count, unless one of the alternatives is used."""
    cluster = mapping(job.at(path))
    if any(cluster.get(name) for name in ("InstanceGroups", "InstancePreferences")):
        return
    yield from job.missing(f"{path}.InstanceType", "Name an instance type")
    yield from job.missing(f"{path}.InstanceCount", "Say how many instances")
    count = job.number(f"{path}.InstanceCount")
    if count is not None and count < 1:
        yield job.fault(f"{path}.InstanceCount", f"is {shown(count)}", "Use 1 or more")


def volume_key_faults(job: Job, path: str) -> Iterator[Fault]:
    kind = text(job.at(f"{path}.InstanceType"))
    if has_instance_storage(kind) and job.at(f"{path}.VolumeKmsKeyId") is not None:
        yield job.fault(
            f"{path}.VolumeKmsKeyId",
            f"{kind} has local storage, which takes no key",
            "Leave it out: the disk is encrypted by its own hardware",
        )


def metric_faults(job: Job, path: str) -> Iterator[Fault]:
    """SageMaker takes a metric's value from the regex's one group."""
    yield from job.unique(path, "Name")
    for index, item in enumerate(job.items(path)):
        pattern = item.get("Regex")
        if not isinstance(pattern, str):
            continue
        place = f"{path}[{index}].Regex"
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            yield job.fault(place, f"{shown(pattern)} is no regular expression", f"{error}")
            continue
        if groups != 1:
            remedy = "Use one group, around the value; (?:...) groups without capturing"
            yield job.fault(place, f"{shown(pattern)} has {groups} groups", remedy)


def _spot_faults(job: Job, at_path: str) -> Iterator[Fault]:
    if job.at(f"{at_path}EnableManagedSpotTraining") is not True:
        return
    wait = f"{at_path}StoppingCondition.MaxWaitTimeInSeconds"
    yield from job.missing(wait, "Spot training needs it: run time and waiting together")
    longest = job.number(wait)
    run = job.number(f"{at_path}StoppingCondition.MaxRuntimeInSeconds")
    if longest is not None and run is not None and longest < run:
        yield job.fault(wait, f"is {shown(longest)}", f"Use MaxRuntimeInSeconds ({run}) or more")
