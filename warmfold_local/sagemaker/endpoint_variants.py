"""The variants of an endpoint: those that answer, and the one that gets a copy of the requests."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from warmfold_local.cloud import Cloud, Record
from warmfold_local.sagemaker.fleet import Fleet, Server, every_variant

PRODUCTION, SHADOW = "ProductionVariants", "ShadowProductionVariants"


def described_variants(record: Record) -> list[dict[str, Any]]:
    """What DescribeEndpoint says of each, the shadow last."""
    return [*(record.get(PRODUCTION) or ()), *(record.get(SHADOW) or ())]


def variant_summaries(
    cloud: Cloud, fleet: Fleet, record: Record, retained: Iterable[str]
) -> dict[str, Any]:
    """What DescribeEndpoint will say; ``retained`` members keep their value."""
    before = {variant["VariantName"]: variant for variant in described_variants(record)}
    kept = {name: {m: variant[m] for m in retained} for name, variant in before.items()}
    shadows = [_summary(cloud, v, fleet.shadows, kept) for v in fleet.config.get(SHADOW) or ()]
    return {
        PRODUCTION: [_summary(cloud, v, fleet.servers, kept) for v in fleet.config[PRODUCTION]],
        SHADOW: shadows or None,
    }


def sizes(config: Record, record: Record, retained: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Type and number of instances of a new fleet's variants; counts may be kept."""
    count = "CurrentInstanceCount"
    before = described_variants(record) if count in retained else []
    kept = {variant["VariantName"]: variant[count] for variant in before}
    return [
        {
            "InstanceType": variant["InstanceType"],
            "InstanceCount": kept.get(variant["VariantName"], variant["InitialInstanceCount"]),
        }
        for variant in every_variant(config)
    ]


def answering(config: Record, of_all: list[dict[str, Any]]) -> int:
    """How many of the instances answer: a rollout's shares are shares of these."""
    return sum(size["InstanceCount"] for size in of_all[: len(config[PRODUCTION])])


def of_batch(size: dict[str, Any], share: float) -> dict[str, Any]:
    return {**size, "InstanceCount": math.ceil(size["InstanceCount"] * share)}


def _summary(
    cloud: Cloud,
    variant: Mapping[str, Any],
    servers: Mapping[str, Server],
    kept: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    name, image = variant["VariantName"], servers[variant["VariantName"]].image
    weight, count = variant["InitialVariantWeight"], variant["InitialInstanceCount"]
    return {
        "VariantName": name,
        "DeployedImages": [
            {"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": cloud.now()}
        ],
        "CurrentWeight": weight,
        "DesiredWeight": weight,
        "CurrentInstanceCount": count,
        "DesiredInstanceCount": count,
        "_type": variant["InstanceType"],
        **kept.get(name, {}),
    }
