"""What operators have ordered: to follow approvals, to stay at one version, or to deploy nothing.

The orders are the text of an SSM parameter, ``{"frozen": false, "version": null}``.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from warmfold_lambda.errors import ConfigurationError
from warmfold_lambda.registry import Package, latest


@dataclass(frozen=True, kw_only=True)
class Orders:
    """``version`` is the pinned one, ``None`` to follow approvals; ``given`` when it was said."""

    frozen: bool
    version: int | None
    given: datetime

    def wanted(self, approved: Iterable[Package]) -> Package | None:
        """What should be live: nothing but an approved version, pinned or not."""
        if self.version is None:
            return latest(approved)
        return latest(package for package in approved if package.version == self.version)


def parse_orders(name: str, text: str, given: datetime) -> Orders:
    """Raises ``ConfigurationError`` naming the parameter: deploying on a guess is no way out."""
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if isinstance(values, dict) and values.keys() == {"frozen", "version"}:
        frozen, version = values["frozen"], values["version"]
        if type(frozen) is bool and (version is None or type(version) is int):
            return Orders(frozen=frozen, version=version, given=given)
    raise ConfigurationError(
        f'SSM parameter {name} does not hold {{"frozen": true or false, "version": a number or '
        "null}: write it with `warmfold pin`, `warmfold freeze` or `warmfold unfreeze`"
    )
