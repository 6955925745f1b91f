"""One fold of one trial, as a training job of its own: without network, told all it needs."""

import logging
import threading
from collections.abc import Mapping

from warmfold_contract.errors import UserError
from warmfold_contract.hyperparameters import FOLD, encode
from warmfold_contract.paths import Paths
from warmfold_contract.settings import NumberSetting, Settings
from warmfold_trainer.algorithms.protocol import FoldModel
from warmfold_trainer.candidate import Candidate, read_candidate
from warmfold_trainer.cores import available_cores
from warmfold_trainer.cross_validation import fit_fold, trial_data
from warmfold_trainer.feature_set import FeatureSet
from warmfold_trainer.fold_result import FoldIdentity, write_result
from warmfold_trainer.folds import best_score
from warmfold_trainer.scores import ScoreError
from warmfold_trainer.settings import required

LOGGER = logging.getLogger(__name__)


def run_fold(paths: Paths, given: Mapping[str, str]) -> None:
    """Train the fold and leave its model and curve; raises ``UserError``."""
    candidate = read_candidate(given)
    settings = candidate.settings()
    data = candidate.data(paths)
    fold = _fold(required(given, FOLD, "the hyperparameter"), data.folds)
    try:
        model = trained_fold(candidate, settings, data, fold)
    except ScoreError as error:
        raise UserError(
            f"fold {fold} has no finite score ({error}); its hyperparameters do not suit the data"
        ) from error
    write_result(paths.model, fold_identity(candidate, settings, data, fold), model)
    score = best_score(model.curve, candidate.metric)
    LOGGER.info(
        "fold %d of %d: %s %.6g in %d rounds",
        *(fold, data.folds, candidate.metric.name, score, len(model.curve)),
    )


def trained_fold(
    candidate: Candidate,
    settings: Settings,
    data: FeatureSet,
    fold: int,
    *,
    stop: threading.Event | None = None,
) -> FoldModel:
    """On all cores there are; the result does not depend on them. Raises ``ScoreError``."""
    trial = trial_data(
        candidate.algorithm, data, settings, seed=candidate.seed, task=candidate.task
    )
    return fit_fold(trial, settings, candidate.metric, fold, threads=available_cores(), stop=stop)


def fold_identity(
    candidate: Candidate, settings: Settings, data: FeatureSet, fold: int
) -> FoldIdentity:
    return FoldIdentity(
        fold=fold,
        seed=candidate.seed,
        algorithm=candidate.algorithm.name,
        task=candidate.task,
        feature_set=candidate.feature_set,
        metric=candidate.metric.name,
        hyperparameters=encode(settings),
        data_fingerprint=data.data_fingerprint,
        fold_hash=data.fold_hash,
    )


def _fold(text: str, folds: int) -> int:
    return int(NumberSetting(name=FOLD, kind="integer", minimum=1, maximum=folds).parse(text))
