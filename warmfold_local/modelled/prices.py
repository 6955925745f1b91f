"""Prices of training instances: parameters ``price.{instance type}``, in $ an hour.

For planning only. No official price list was at hand: these are the figures on which several
third-party tables for us-east-1 agree. AWS's own pricing page decides.
"""

from warmfold_local.modelled.parameters import Parameter, ParameterError, Parameters

_DOLLARS_AN_HOUR = {
    "ml.t3.medium": 0.05,
    "ml.m5.large": 0.115,
    "ml.m5.xlarge": 0.23,
    "ml.m5.2xlarge": 0.461,
    "ml.m5.4xlarge": 0.922,
    "ml.m5.12xlarge": 2.765,
    "ml.m5.24xlarge": 5.53,
    "ml.c5.large": 0.102,
    "ml.c5.xlarge": 0.204,
    "ml.c5.2xlarge": 0.408,
    "ml.c5.4xlarge": 0.816,
    "ml.c5.9xlarge": 1.836,
    "ml.g4dn.xlarge": 0.736,
    "ml.p3.2xlarge": 3.825,
}

PRICES = tuple(
    Parameter(
        name=f"price.{instance_type}",
        value=dollars,
        unit="$/h",
        source="third-party price tables for us-east-1, approximate; not AWS's own list",
        dated="2026-11",
    )
    for instance_type, dollars in _DOLLARS_AN_HOUR.items()
)


def price(parameters: Parameters, instance_type: str) -> Parameter:
    """Raises ``ParameterError`` for an instance type without a price."""
    found = parameters.get(f"price.{instance_type}")
    if found is None:
        known = ", ".join(sorted(name[6:] for name in parameters if name.startswith("price.")))
        raise ParameterError(f"there is no price for {instance_type}; there is one for {known}")
    return found
