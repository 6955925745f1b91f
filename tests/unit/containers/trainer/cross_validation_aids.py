"""Cross-validation of a few hundred rows by small trees."""

from tests.unit.containers.trainer.tables import feature_set
from warmfold_contract.settings import Settings
from warmfold_contract.tasks import CLASSIFICATION
from warmfold_trainer.algorithms.lightgbm_trees import LightGbmTrees
from warmfold_trainer.cross_validation import (
    CrossValidation,
    TrialData,
    cross_validate,
    trial_data,
)
from warmfold_trainer.feature_set import FeatureSet
from warmfold_trainer.metric import find_metric
from warmfold_trainer.settings import read_settings

AUC = find_metric("auc")


def settings_of(**given: str) -> Settings:
    return read_settings(
        {"max_rounds": "60", "early_stopping_rounds": "10", "num_leaves": "6", **given},
        "lightgbm",
        CLASSIFICATION,
    )


def prepared(data: FeatureSet, settings: Settings, *, seed: int = 1) -> TrialData:
    return trial_data(LightGbmTrees(), data, settings, seed=seed, task=CLASSIFICATION)


def ignore(fold: int, score: float) -> None:
    pass


def run(
    *,
    metric: str = "auc",
    seed: int = 1,
    data: FeatureSet | None = None,
    workers: int | None = None,
    **given: str,
) -> CrossValidation:
    settings = settings_of(**given)
    trial = prepared(feature_set() if data is None else data, settings, seed=seed)
    result = cross_validate(trial, settings, find_metric(metric), on_fold=ignore, workers=workers)
    assert isinstance(result, CrossValidation)
    return result


def values(result: CrossValidation) -> tuple[object, ...]:
    return (
        result.rounds,
        result.fold_scores,
        result.fold_training_scores,
        *result.out_of_fold.ravel(),
    )
