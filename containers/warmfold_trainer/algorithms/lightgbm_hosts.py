"""One LightGBM model over the rows of several hosts, by LightGBM's own data-parallel learning.

Each host bins and keeps its own rows only; the hosts agree on the bins and, at every split, on the
sums of their histograms. All of them end with the same model.
"""

import logging
import re
from collections.abc import Sequence
from typing import Any

import lightgbm

from warmfold_contract.errors import UserError
from warmfold_contract.settings import Settings
from warmfold_trainer.algorithms.lightgbm_dataset import dataset_of, dataset_parameters
from warmfold_trainer.algorithms.lightgbm_lost_hosts import lost_hosts_end_training
from warmfold_trainer.algorithms.lightgbm_trees import LightGbmModel, boosted, training_parameters
from warmfold_trainer.algorithms.protocol import Table
from warmfold_trainer.prompt_signals import handled_at_once

LOGGER = logging.getLogger(__name__)

# LightGBM's own unit. Longer than any host's start is behind another's.
_TIMEOUT_MINUTES = 10

# Where the hosts were is not part of the model: its text would differ with every run.
_PLACES = re.compile(r"^\[(machines|local_listen_port|time_out): .*\]$", re.MULTILINE)


def fit_on_hosts(
    table: Table,
    settings: Settings,
    rounds: int,
    *,
    seed: int,
    places: Sequence[tuple[str, int]],
    rank: int,
    threads: int,
) -> LightGbmModel:
    """Train on this host's rows together with the hosts at ``places``, of which this is ``rank``.

    The result is the same for the same rows, order of hosts and settings; it is close to, not the
    same as, that of one host. Raises ``UserError`` if the hosts lose each other.
    """
    alone = training_parameters(settings, dataset_parameters(settings, seed=seed), threads=threads)
    parameters = {**alone, **_together(places, rank)}
    # Through Python's log, whose lines leave at once: who waits for whom is seen while it lasts.
    lightgbm.register_logger(LOGGER)
    try:
        # LightGBM waits for the others in its own code, for minutes.
        with handled_at_once():
            text = _joined_text(table, parameters, settings, rounds)
    except lightgbm.basic.LightGBMError as error:
        raise UserError(
            f"training on {len(places)} hosts broke off, because one of them was lost or could not "
            f"be reached ({error}): see the other hosts' logs, and run the job again"
        ) from error
    return LightGbmModel(lightgbm.Booster(model_str=_PLACES.sub(r"[\1: ]", text)))


def _joined_text(table: Table, parameters: dict[str, Any], settings: Settings, rounds: int) -> str:
    """The model that all hosts end with."""
    with lost_hosts_end_training() as joined:

        class Booster(lightgbm.Booster):
            def set_network(self, *given: Any, **named: Any) -> lightgbm.Booster:
                super().set_network(*given, **named)
                joined()
                return self

        # The booster joins the others first, and only then has the rows binned.
        booster = Booster(parameters, dataset_of(table, parameters))
        text: str = boosted(booster, rounds, settings).model_to_string(num_iteration=-1)
    booster.free_network()
    return text


def _together(places: Sequence[tuple[str, int]], rank: int) -> dict[str, Any]:
    return {
        "machines": ",".join(f"{address}:{port}" for address, port in places),
        "num_machines": len(places),
        "local_listen_port": places[rank][1],
        "tree_learner": "data",
        "pre_partition": True,
        "time_out": _TIMEOUT_MINUTES,
    }
