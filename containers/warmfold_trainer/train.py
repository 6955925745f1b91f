"""``train``: a trial, a whole search, or the final model, as the hyperparameters say."""

from collections.abc import Callable, Mapping

from warmfold_contract.errors import UserError
from warmfold_contract.hyperparameters import (
    MODE,
    MODE_FINAL,
    MODE_FOLD,
    MODE_SEARCH,
    MODE_TRIAL,
    read_hyperparameters,
)
from warmfold_contract.paths import Paths
from warmfold_trainer.hosts import require_one_host
from warmfold_trainer.settings import required


def train(paths: Paths) -> None:
    """Run the job in the folders of the training contract; raises ``UserError``."""
    given = read_hyperparameters(paths.hyperparameters)
    mode = required(given, MODE, "the hyperparameter")
    if mode not in _WORK:
        raise UserError(f"{MODE} is {mode!r}: use one of {', '.join(map(repr, _WORK))}")
    _WORK[mode](paths, given)


# Each mode imports only what it needs: SciPy's optimiser or Optuna take as long to import as a
# small fold to train.
def _trial(paths: Paths, given: Mapping[str, str]) -> None:
    from warmfold_trainer.trial import run_trial

    require_one_host(paths, "a trial")
    run_trial(paths, given)


def _fold(paths: Paths, given: Mapping[str, str]) -> None:
    from warmfold_trainer.fold_job import run_fold

    require_one_host(paths, "a fold")
    run_fold(paths, given)


def _search(paths: Paths, given: Mapping[str, str]) -> None:
    from warmfold_trainer.search.run import run_search

    require_one_host(paths, "a search")
    run_search(paths, given)


def _final(paths: Paths, given: Mapping[str, str]) -> None:
    from warmfold_trainer.final import train_final

    train_final(paths, given)


_WORK: dict[str, Callable[[Paths, Mapping[str, str]], None]] = {
    MODE_TRIAL: _trial,
    MODE_FOLD: _fold,
    MODE_SEARCH: _search,
    MODE_FINAL: _final,
}
