"""Algorithms by the name that a pipeline's candidate gives; each is imported when asked for."""

from collections.abc import Callable

from warmfold_contract.errors import UserError
from warmfold_trainer.algorithms.protocol import Algorithm


def _lightgbm() -> Algorithm:
    from warmfold_trainer.algorithms.lightgbm_trees import LightGbmTrees

    return LightGbmTrees()


ALGORITHMS: dict[str, Callable[[], Algorithm]] = {"lightgbm": _lightgbm}


def algorithm_named(name: str) -> Algorithm:
    """Raises ``UserError`` naming the known algorithms."""
    if name not in ALGORITHMS:
        raise UserError(f"unknown algorithm {name!r}: this image has {', '.join(ALGORITHMS)}")
    return ALGORITHMS[name]()
