"""The ways a trial is done elsewhere: run by ``benchmarks.trial`` in an environment with pandas
and scikit-learn. ``trial.py {article|cross_val_score|lightgbm_cv} FOLDER``.

The folder holds ``all.csv`` (with columns ``fold`` and ``target``), ``train_<k>.csv`` and
``validation_<k>.csv`` of each fold, and ``task.json``. The last line printed is the score.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import PredefinedSplit, cross_val_score


def read(path: Path, categories: list[str]) -> tuple[Any, Any]:
    table = pandas.read_csv(path)
    target = table.pop("target")
    if "fold" in table:
        table = table.drop(columns="fold")
    return table.astype(dict.fromkeys(categories, "category")), target


def estimator(task: dict[str, Any]) -> Any:
    return lightgbm.LGBMClassifier(n_estimators=task["rounds"], verbosity=-1, **task["parameters"])


def article(folder: Path, task: dict[str, Any]) -> float:
    """A process for each fold, one after another, as its trial starts a job for each."""
    scores = []
    for fold in range(1, task["folds"] + 1):
        command = [sys.executable, __file__, "fold", str(folder), str(fold)]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        scores.append(float(out.strip().rpartition("\n")[2]))
    return float(np.mean(scores))


def one_fold(folder: Path, task: dict[str, Any], fold: str) -> float:
    features, target = read(folder / f"train_{fold}.csv", task["categories"])
    unseen, outcome = read(folder / f"validation_{fold}.csv", task["categories"])
    for name in task["categories"]:
        unseen[name] = unseen[name].cat.set_categories(features[name].cat.categories)
    model = estimator(task).fit(features, target)
    return float(roc_auc_score(outcome, model.predict_proba(unseen)[:, 1]))


def by_cross_val_score(folder: Path, task: dict[str, Any]) -> float:
    features, target = read(folder / "all.csv", task["categories"])
    scores = cross_val_score(
        estimator(task), features, target, scoring="roc_auc", cv=PredefinedSplit(_fold(folder))
    )
    return float(scores.mean())


def by_lightgbm_cv(folder: Path, task: dict[str, Any]) -> float:
    features, target = read(folder / "all.csv", task["categories"])
    parameters = {"objective": "binary", "metric": "auc", "verbosity": -1, **task["parameters"]}
    fold = _fold(folder)
    rows = [
        (np.flatnonzero(fold != number), np.flatnonzero(fold == number))
        for number in range(1, task["folds"] + 1)
    ]
    data = lightgbm.Dataset(features, target)
    curve: Any = lightgbm.cv(parameters, data, num_boost_round=task["rounds"], folds=rows)
    return float(max(curve["valid auc-mean"]))


def _fold(folder: Path) -> Any:
    return pandas.read_csv(folder / "all.csv", usecols=["fold"])["fold"].to_numpy()


def main(way: str, folder: Path, *fold: str) -> int:
    task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    if way == "fold":
        score = one_fold(folder, task, fold[0])
    else:
        ways = {
            "article": article,
            "cross_val_score": by_cross_val_score,
            "lightgbm_cv": by_lightgbm_cv,
        }
        score = ways[way](folder, task)
    print(repr(score))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]))
