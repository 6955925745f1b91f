"""What a data scientist writes: Optuna and ``cross_val_score`` on LightGBM's estimator.

A child process of ``benchmarks.tuning``, in the environment of the others:
``python tuning.py FOLDER SEED TRIALS FOLDS THREADS``. Prints its CPU seconds, best
cross-validation score and the hold-out AUC of a model fitted with the best parameters.
"""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import optuna
import pandas as pd
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_score


def table(folder: Path, name: str) -> tuple[pd.DataFrame, Any]:
    features = pd.DataFrame(np.load(folder / f"{name}_features.npy"))
    for column in json.loads((folder / "categories.json").read_text()):
        features[column] = features[column].astype("category")
    return features, np.load(folder / f"{name}_target.npy")


def parameters(trial: optuna.Trial) -> dict[str, Any]:
    """The ranges that ship, and the number of trees, which nothing else would stop."""
    return {
        "n_estimators": trial.suggest_int("n_estimators", 50, 400),
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.3, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 4, 63, log=True),
        "min_child_samples": trial.suggest_int("min_child_samples", 5, 60),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.4, 1.0),
        "reg_lambda": trial.suggest_float("reg_lambda", 0.001, 30.0, log=True),
    }


def estimator(seed: int, threads: int, chosen: dict[str, Any]) -> lightgbm.LGBMClassifier:
    """``threads`` 0: LightGBM's own default."""
    n_jobs = threads or None
    return lightgbm.LGBMClassifier(random_state=seed, n_jobs=n_jobs, verbosity=-1, **chosen)


def main(folder: Path, seed: int, trials: int, folds: int, threads: int) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    features, target = table(folder, "train")
    split = StratifiedKFold(folds, shuffle=True, random_state=seed)

    def objective(trial: optuna.Trial) -> float:
        model = estimator(seed, threads, parameters(trial))
        scores = cross_val_score(model, features, target, cv=split, scoring="roc_auc")
        return float(np.mean(scores))

    begun = time.perf_counter()
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(objective, n_trials=trials)
    wall = time.perf_counter() - begun
    usage = resource.getrusage(resource.RUSAGE_SELF)
    best = estimator(seed, threads, study.best_params)
    best.fit(features, target)
    holdout, truth = table(folder, "holdout")
    result = {
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "search_seconds": wall,
        "cross_validation_auc": study.best_value,
        "holdout_auc": float(roc_auc_score(truth, np.asarray(best.predict_proba(holdout))[:, 1])),
        "best": study.best_params,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    place, *numbers = sys.argv[1:]
    main(Path(place), *(int(number) for number in numbers))
