"""``train``: a trial of the tuning job, or the final model, as the hyperparameters say."""

from warmfold_contract.errors import UserError
from warmfold_contract.hyperparameters import MODE, MODE_FINAL, MODE_TRIAL, read_hyperparameters
from warmfold_contract.paths import Paths
from warmfold_trainer.final import train_final
from warmfold_trainer.settings import required
from warmfold_trainer.trial import run_trial


def train(paths: Paths) -> None:
    """Run the job in the folders of the training contract; raises ``UserError``."""
    given = read_hyperparameters(paths.hyperparameters)
    mode = required(given, MODE, "the hyperparameter")
    if mode == MODE_TRIAL:
        run_trial(paths, given)
    elif mode == MODE_FINAL:
        train_final(paths, given)
    else:
        raise UserError(f"{MODE} is {mode!r}: use {MODE_TRIAL!r} or {MODE_FINAL!r}")
