"""``RetryPolicies`` and ``CacheConfig`` of a step, checked when the definition is deployed.

Types, limits and "MaxAttempts or ExpireAfterMin, not both": developer guide, "Retry policy for
pipeline steps".
"""

from collections.abc import Iterator, Mapping
from typing import Any

from warmfold_local.sagemaker.graph import Step
from warmfold_local.sagemaker.pipeline_cache import duration
from warmfold_local.sagemaker.pipeline_definition import RETRYABLE_TYPES

_EXCEPTIONS = (
    "Step.SERVICE_FAULT",
    "Step.THROTTLING",
    "SageMaker.JOB_INTERNAL_ERROR",
    "SageMaker.CAPACITY_ERROR",
    "SageMaker.RESOURCE_LIMIT",
)
# Member: whole number only, least, most.
_LIMITS: Mapping[str, tuple[bool, float, float]] = {
    "IntervalSeconds": (False, 0, 43_200),
    "BackoffRate": (False, 0, float("inf")),
    "MaxAttempts": (True, 0, 20),
    "ExpireAfterMin": (False, 0, 14_400),
}


def policy_faults(step: Step) -> Iterator[str]:
    """What is wrong with the step's retry policies and cache configuration."""
    listed = step.body.get("RetryPolicies")
    if listed is not None and step.type not in RETRYABLE_TYPES:
        yield f"a {step.type} step takes no RetryPolicies"
    elif listed is not None and not isinstance(listed, list):
        yield "RetryPolicies is not a list"
    else:
        for index, policy in enumerate(listed or []):
            for fault in _retry_faults(policy):
                yield f"RetryPolicies[{index}]: {fault}"
    yield from _cache_faults(step.body.get("CacheConfig"))


def _retry_faults(policy: Any) -> Iterator[str]:
    if not isinstance(policy, dict):
        yield "it is not a JSON object"
        return
    named = policy.get("ExceptionType")
    types = [named] if isinstance(named, str) else named
    if not isinstance(types, list) or not types:
        yield "ExceptionType is not a list of at least one"
    else:
        unknown = [str(each) for each in types if each not in _EXCEPTIONS]
        if unknown:
            yield f"ExceptionType has {', '.join(unknown)}, not one of {', '.join(_EXCEPTIONS)}"
    if "MaxAttempts" in policy and "ExpireAfterMin" in policy:
        yield "MaxAttempts and ExpireAfterMin exclude each other"
    yield from _number_faults(policy)


def _number_faults(policy: Mapping[str, Any]) -> Iterator[str]:
    for name, (whole, least, most) in _LIMITS.items():
        value = policy.get(name, least)
        kinds = (int,) if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds):
            yield f"{name} is not a{' whole' if whole else ''} number"
        elif not least <= value <= most:
            yield f"{name} is {value}, not between {least:g} and {most:g}"


def _cache_faults(config: Any) -> Iterator[str]:
    if config is None:
        return
    if not isinstance(config, dict) or not isinstance(config.get("Enabled"), bool):
        yield "CacheConfig needs Enabled, true or false"
        return
    try:
        if config.get("ExpireAfter") is not None:
            duration(str(config["ExpireAfter"]))
    except ValueError as error:
        yield f"CacheConfig.ExpireAfter: {error}"
