"""Small feature sets with a signal, without files."""

import numpy as np

from warmfold_contract.schema import Column, Feature, Schema
from warmfold_trainer.feature_set import FeatureSet
from warmfold_trainer.splits import HOLDOUT, SplitPlan, SplitRows, assign_folds, fold_hash

SCHEMA = Schema(
    columns=(Column("income", "number"), Column("purpose", "category")),
    features=(
        Feature("income", "number"),
        Feature("purpose", "category", ("car", "home", "other")),
        Feature("noise", "number"),
    ),
    target="bad",
    positive_label="1",
    negative_label="0",
)


def feature_set(rows: int = 300, folds: int = 3, seed: int = 0) -> FeatureSet:
    """Rows whose target depends on the first two features; some values are missing."""
    random = np.random.default_rng(seed)
    income = random.normal(size=rows)
    purpose = random.integers(0, 3, rows)
    signal = income + 0.5 * (purpose == 1) + random.normal(size=rows)
    target = (signal > 0.5).astype(np.uint8)
    features = np.stack([income, purpose, random.normal(size=rows)], axis=1).astype(np.float32)
    features[random.random(features.shape) < 0.05] = np.nan
    plan = SplitPlan(folds=folds, holdout_fraction=0.01, seed=seed)
    fold = assign_folds(SplitRows(target=target), plan)
    fold[fold == HOLDOUT] = 1
    return FeatureSet(
        features=features,
        target=target,
        row_id=np.arange(1, rows + 1),
        fold=fold,
        schema=SCHEMA,
        data_fingerprint="data",
        fold_hash=fold_hash(fold),
        folds=folds,
    )
