"""Service Quotas, for SageMaker: what this cloud limits, as ``limits.json`` says.

Codes and defaults of the known quotas: AWS general reference, "Amazon SageMaker AI endpoints and
quotas". A quota that is configured here and whose code is not known is listed under
a code of this cloud's own, ``local-…``: AWS's codes cannot be derived from names.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from warmfold_local.cloud import Cloud, Record
from warmfold_local.errors import ServiceError
from warmfold_local.modelled.limits import Limits
from warmfold_local.modelled.quotas import DOCUMENTED_TOTALS, Total
from warmfold_local.sagemaker.capacity import Capacity
from warmfold_local.sagemaker.listing import list_page
from warmfold_local.sagemaker.protocol import operation

# Its name in a signature's scope, and botocore's.
SIGNING_NAME = "servicequotas"
SERVICE = "service-quotas"

_SAGEMAKER = "sagemaker"


@dataclass(frozen=True, kw_only=True)
class Quota:
    """``rate_of`` is the operation whose calls a second are limited, if it is a rate."""

    code: str
    name: str
    default: float
    adjustable: bool
    rate_of: str | None = None


# Codes of quotas that count an account as a whole, as published in inventories of accounts.
_CODES = {
    Total.TRAINING: "L-00C91CB5",
    Total.TRAINING_JOB: "L-622CFD70",
    Total.PROCESSING: "L-F311B08F",
    Total.TRANSFORM: "L-60D2A6F0",
    Total.ENDPOINT: "L-7A3DF611",
    Total.PIPELINES: "L-E8EADE50",
    Total.PACKAGES: "L-9A82FBCA",
}

KNOWN = (
    *(
        Quota(code=code, name=total.value, default=DOCUMENTED_TOTALS[total], adjustable=True)
        for total, code in _CODES.items()
    ),
    Quota(
        code="L-0BEF44E8",
        name="ml.m5.xlarge for training warm pool usage",
        default=0,
        adjustable=True,
    ),
    Quota(
        code="L-21A1652A",
        name="Rate of CreateTrainingJob requests",
        default=1,
        adjustable=False,
        rate_of="CreateTrainingJob",
    ),
)


@operation("ListServiceQuotas", SERVICE)
def list_service_quotas(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """By name. Those that are neither known by code nor configured are not listed."""
    _require_sagemaker(request["ServiceCode"])
    limits = _limits(cloud)
    wanted = request.get("QuotaCode")
    found = [
        _described(cloud, quota, _value(quota, limits))
        for quota in _quotas(limits)
        if wanted in (None, quota.code)
    ]
    return list_page(
        {key: value for key, value in request.items() if key in ("MaxResults", "NextToken")},
        found,
        result="Quotas",
        name="QuotaName",
        default_sort="Name",
        default_order="Ascending",
    )


@operation("GetServiceQuota", SERVICE)
def get_service_quota(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """The value that holds here."""
    limits = _limits(cloud)
    quota = _quota(request, limits)
    return {"Quota": _described(cloud, quota, _value(quota, limits))}


@operation("GetAWSDefaultServiceQuota", SERVICE)
def get_aws_default_service_quota(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    """AWS's default; a quota of a code of this cloud's own has none that is known."""
    _require_sagemaker(request["ServiceCode"])
    for quota in KNOWN:
        if quota.code == request["QuotaCode"]:
            return {"Quota": _described(cloud, quota, quota.default)}
    raise _no_such(request["QuotaCode"])


def _limits(cloud: Cloud) -> Limits:
    with cloud.lock:
        capacity = cloud.part(Capacity)
        capacity.read(cloud)
        return capacity.limits


def _quotas(limits: Limits) -> Iterator[Quota]:
    yield from KNOWN
    known = {quota.name for quota in KNOWN}
    for name, value in {**limits.quotas.limits, **limits.quotas.totals}.items():
        if name not in known:
            code = f"local-{sha256(name.encode()).hexdigest()[:8].upper()}"
            yield Quota(code=code, name=name, default=value, adjustable=True)


def _quota(request: dict[str, Any], limits: Limits) -> Quota:
    _require_sagemaker(request["ServiceCode"])
    for quota in _quotas(limits):
        if quota.code == request["QuotaCode"]:
            return quota
    raise _no_such(request["QuotaCode"])


def _value(quota: Quota, limits: Limits) -> float:
    quotas = {**limits.quotas.limits, **limits.quotas.totals}
    configured = limits.rates if quota.rate_of is not None else quotas
    return configured.get(quota.rate_of or quota.name, quota.default)


def _described(cloud: Cloud, quota: Quota, value: float) -> Record:
    described = {
        "ServiceCode": _SAGEMAKER,
        "ServiceName": "Amazon SageMaker",
        "QuotaArn": cloud.arn(f"{_SAGEMAKER}/{quota.code}", SIGNING_NAME),
        "QuotaCode": quota.code,
        "QuotaName": quota.name,
        "Value": float(value),
        "Unit": "None",
        "Adjustable": quota.adjustable,
        "GlobalQuota": False,
    }
    if quota.rate_of is not None:
        described["Period"] = {"PeriodValue": 1, "PeriodUnit": "SECOND"}
    return described


def _require_sagemaker(service_code: str) -> None:
    if service_code != _SAGEMAKER:
        raise ServiceError(
            "NoSuchResourceException",
            f"The local cloud knows quotas of the service {_SAGEMAKER!r} only, not of "
            f"{service_code!r}.",
        )


def _no_such(code: str) -> ServiceError:
    return ServiceError(
        "NoSuchResourceException", f"The local cloud knows no SageMaker quota with code {code!r}."
    )
