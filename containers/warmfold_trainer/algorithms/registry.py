"""Algorithms by the name that a pipeline's candidate gives; each is imported when asked for."""

from collections.abc import Callable

from warmfold_contract.errors import UserError
from warmfold_contract.settings import Settings
from warmfold_trainer.algorithms.protocol import Algorithm, FinalModel, Table
from warmfold_trainer.hosts import Cluster


def _lightgbm() -> Algorithm:
    from warmfold_trainer.algorithms.lightgbm_import import import_lightgbm

    import_lightgbm()
    from warmfold_trainer.algorithms.lightgbm_trees import LightGbmTrees

    return LightGbmTrees()


def _xgboost() -> Algorithm:
    from warmfold_trainer.algorithms.xgboost_trees import XgboostTrees

    return XgboostTrees()


def _linear() -> Algorithm:
    from warmfold_trainer.algorithms.linear import Linear

    return Linear()


ALGORITHMS: dict[str, Callable[[], Algorithm]] = {
    "lightgbm": _lightgbm,
    "xgboost": _xgboost,
    "linear": _linear,
}


def algorithm_named(name: str) -> Algorithm:
    """Raises ``UserError`` naming the known algorithms."""
    if name not in ALGORITHMS:
        raise UserError(f"unknown algorithm {name!r}: this image has {', '.join(ALGORITHMS)}")
    return ALGORITHMS[name]()


def train_on_hosts(
    algorithm: str,
    table: Table,
    settings: Settings,
    rounds: int,
    *,
    seed: int,
    cluster: Cluster,
    threads: int,
) -> FinalModel:
    """A final model over the rows of all hosts; ``table`` has this host's.

    Raises ``UserError`` for an algorithm that cannot, or if the hosts lose each other.
    """
    if algorithm != "lightgbm":
        raise UserError(
            f"the job has {cluster.size} instances, but {algorithm} trains on one: set the final "
            "training's instance_count to 1"
        )
    from warmfold_trainer.algorithms.lightgbm_hosts import fit_on_hosts

    return fit_on_hosts(
        table,
        settings,
        rounds,
        seed=seed,
        places=cluster.places(),
        rank=cluster.rank,
        threads=threads,
    )
