"""What operators have ordered: to follow approvals, to stay at one version, or to deploy nothing.

The orders are the text of an SSM parameter, ``{"frozen": false, "version": null}``, and with
``"shadow": 4`` the version that gets a copy of the requests.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from warmfold_lambda.errors import ConfigurationError
from warmfold_lambda.registry import Package, latest


@dataclass(frozen=True, kw_only=True)
class Orders:
    """``version`` is the pinned one, ``None`` to follow approvals; ``given`` when it was said.

    ``shadow`` is the version that answers nobody, if there is to be one.
    """

    frozen: bool
    version: int | None
    given: datetime
    shadow: int | None = None

    def wanted(self, approved: Iterable[Package]) -> Package | None:
        """What should be live: nothing but an approved version, pinned or not."""
        if self.version is None:
            return latest(approved)
        return latest(package for package in approved if package.version == self.version)

    def wanted_shadow(self, approved: Iterable[Package], live: Package) -> Package | None:
        """An approved version too, since SageMaker makes a model of no other; not the live one."""
        found = latest(package for package in approved if package.version == self.shadow)
        return None if found == live else found


def parse_orders(name: str, text: str, given: datetime) -> Orders:
    """Raises ``ConfigurationError`` naming the parameter: deploying on a guess is no way out."""
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if isinstance(values, dict) and values.keys() - {"shadow"} == {"frozen", "version"}:
        frozen, version, shadow = values["frozen"], values["version"], values.get("shadow")
        if type(frozen) is bool and _is_version(version) and _is_version(shadow):
            return Orders(frozen=frozen, version=version, shadow=shadow, given=given)
    raise ConfigurationError(
        f'SSM parameter {name} does not hold {{"frozen": true or false, "version": a number or '
        "null}: write it with `warmfold pin`, `warmfold freeze` or `warmfold unfreeze`"
    )


def _is_version(value: object) -> bool:
    return value is None or type(value) is int
