"""``pin``, ``rollback``, ``freeze`` and ``unfreeze``: on a running local cloud, or on AWS."""

import argparse

from config.names import ModelNames, Names
from config.settings import Model
from warmfold.cli.model_commands import target
from warmfold.demo import promote
from warmfold.errors import WarmfoldError
from warmfold.runs.aws import Aws
from warmfold.runs.orders import (
    Orders,
    approved_versions,
    deployed_version,
    give_orders,
    read_orders,
    require_approved,
)

LATEST = "latest"


def version_or_latest(text: str) -> int | None:
    """``None`` for ``latest``. Raises ``ArgumentTypeError``, which argparse reports."""
    if text == LATEST:
        return None
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no version: a number such as 3, or {LATEST}")
    return int(text)


def pin(options: argparse.Namespace) -> None:
    """Stay at a version, whatever is approved; ``latest`` follows approvals again."""
    aws, names = _place(options)
    _require_thawed(read_orders(aws, names))
    _pin(aws, names, options.version)


def rollback(options: argparse.Namespace) -> None:
    """Pin the approved version before the one that is deployed."""
    aws, names = _place(options)
    _require_thawed(read_orders(aws, names))
    deployed = deployed_version(aws, names)
    if deployed is None:
        raise WarmfoldError("nothing is deployed yet: approve a version with `warmfold approve`")
    before = [version for version in approved_versions(aws, names) if version < deployed]
    if not before:
        raise WarmfoldError(
            f"version {deployed} is deployed and no version before it is approved: approve one "
            "with `warmfold approve VERSION`, or train another"
        )
    print(f"version {deployed} is deployed; back to version {max(before)}")
    _pin(aws, names, max(before))


def freeze(options: argparse.Namespace) -> None:
    """Deploy nothing more; what is being deployed now is brought to its end."""
    _freeze(options, frozen=True)
    print("frozen: approvals are not deployed until `warmfold unfreeze`")


def unfreeze(options: argparse.Namespace) -> None:
    """Deploy again what is wanted: a pinned version, or the latest approved one."""
    orders = _freeze(options, frozen=False)
    wanted = "the latest approved version" if orders.version is None else f"v{orders.version}"
    print(f"not frozen any more: {wanted} is deployed next, unless it is already")


def _place(options: argparse.Namespace) -> tuple[Aws, ModelNames]:
    model: Model
    aws, model = target(options)
    return aws, Names(aws.environment).model(model.name)


def _freeze(options: argparse.Namespace, *, frozen: bool) -> Orders:
    aws, names = _place(options)
    orders = Orders(frozen=frozen, version=read_orders(aws, names).version)
    give_orders(aws, names, orders)
    return orders


def _require_thawed(orders: Orders) -> None:
    if orders.frozen:
        raise WarmfoldError("promotion is frozen: `warmfold unfreeze` first")


def _pin(aws: Aws, names: ModelNames, version: int | None) -> None:
    """Give the order, and wait until the endpoint serves what it asks for."""
    approved = approved_versions(aws, names)
    wanted = max(approved, default=None) if version is None else version
    before = promote.last_update(aws, names.serving_stack)
    if wanted is None:
        give_orders(aws, names, Orders(frozen=False, version=None))
        print("following approvals; no version is approved yet")
        return
    package = require_approved(approved, wanted, names.model_package_group)
    give_orders(aws, names, Orders(frozen=False, version=version))
    said = "following approvals" if version is None else f"pinned to version {version}"
    print(f"{said}; waiting for the endpoint")
    promote.wait_until_serving(aws, names.endpoint, package, names.serving_stack, after=before)
    print(f"endpoint {names.endpoint} is InService with {package}")
