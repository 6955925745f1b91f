"""Every algorithm and both tasks, scored by the server as by the library itself."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
import xgboost

from tests.unit.containers.server.builders import (
    PURPOSES,
    ROWS,
    SCHEMA,
    features,
    loaded,
    write_manifest,
)
from warmfold_contract.algorithms import MODEL_FILES
from warmfold_contract.errors import UserError
from warmfold_features import encode
from warmfold_features.linear_model import FeatureBins, LinearModel
from warmfold_server.model import Model
from warmfold_server.scorers import load_scorer

_AMOUNTS = np.random.default_rng(7).gamma(2.0, 800.0, 300)
_PURPOSES = np.random.default_rng(8).choice(np.array(PURPOSES, dtype=object), 300)
MATRIX = encode(features({"amount": _AMOUNTS, "purpose": _PURPOSES}), SCHEMA.features)
NUMBERS = _AMOUNTS * 2 - 1000
ASKED = encode(
    features(
        {
            "amount": np.array([np.nan if r["amount"] is None else r["amount"] for r in ROWS]),
            "purpose": np.array([r["purpose"] for r in ROWS], dtype=object),
        }
    ),
    SCHEMA.features,
)


def save_xgboost(folder: Path, target: Any, **parameters: Any) -> list[float]:
    """Train and save; what the library itself says about ``ROWS``."""
    data = xgboost.DMatrix(MATRIX, target, feature_types=["q", "q", "c"], enable_categorical=True)
    booster = xgboost.train({"nthread": 1, "max_depth": 3, **parameters}, data, 8)
    booster.save_model(folder / "model.json")
    asked = xgboost.DMatrix(ASKED, feature_types=["q", "q", "c"], enable_categorical=True)
    return [float(score) for score in booster.predict(asked)]


def save_lightgbm(folder: Path, target: Any) -> list[float]:
    parameters = {"verbose": -1, "num_threads": 1, "objective": "regression"}
    booster = lightgbm.train(parameters, lightgbm.Dataset(MATRIX, target), 8)
    booster.save_model(folder / "model.txt")
    return [float(score) for score in np.asarray(booster.predict(ASKED))]


def save_linear(folder: Path, link: Any) -> list[float]:
    """Weights by hand, and the scores that they add up to."""
    model = LinearModel(
        features=[
            FeatureBins(name="amount", edges=(100.0, 2000.0)),
            FeatureBins(name="log_amount"),
            FeatureBins(name="purpose", levels=3),
        ],
        weights=[np.array([0.5, -1, 0, 1]), np.zeros(2), np.array([0.25, 1, 2, 3])],
        rows=[np.ones(n, dtype=np.int64) for n in (4, 2, 4)],
        intercept=-0.5,
        link=link,
    )
    (folder / "linear.json").write_text(model.to_json())
    raw = [0.0 + 1, -1.0 + 3, 0.5 + 2, 1.0 + 0.25, 0.0 + 0.25]
    return [value - 0.5 if link == "identity" else 1 / (1 + np.exp(0.5 - value)) for value in raw]


def served(folder: Path, algorithm: str, task: str = "classification") -> Model:
    write_manifest(folder, algorithm=algorithm, task=task, fitted_as=task)
    return loaded(folder)


def test_scores_are_those_of_xgboost(tmp_path: Path) -> None:
    expected = save_xgboost(tmp_path, NUMBERS > 500, objective="binary:logistic")
    assert served(tmp_path, "xgboost").scores(ROWS) == expected


@pytest.mark.parametrize("link", ["identity", "logistic"])
def test_scores_are_those_of_the_linear_models_weights(link: str, tmp_path: Path) -> None:
    expected = save_linear(tmp_path, link)
    task = "regression" if link == "identity" else "classification"
    assert served(tmp_path, "linear", task).scores(ROWS) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("algorithm", ["lightgbm", "xgboost"])
def test_a_regression_is_scored_in_the_units_of_its_target(algorithm: str, tmp_path: Path) -> None:
    save = save_lightgbm if algorithm == "lightgbm" else save_xgboost
    expected = save(tmp_path, NUMBERS)
    scores = served(tmp_path, algorithm, "regression").scores(ROWS)
    assert scores == expected
    assert max(scores) > 1


def test_two_classes_that_were_fitted_as_a_number_are_scored_within_0_and_1(
    tmp_path: Path,
) -> None:
    save_linear(tmp_path, "identity")
    write_manifest(tmp_path, algorithm="linear", fitted_as="regression")
    assert loaded(tmp_path).scores(ROWS) == pytest.approx([0.5, 1.0, 1.0, 0.75, 0.0])


def test_threads_at_once_get_the_same_scores_of_xgboost_as_one(tmp_path: Path) -> None:
    save_xgboost(tmp_path, NUMBERS > 500, objective="binary:logistic")
    model = served(tmp_path, "xgboost")
    rows = [dict(ROWS[n % len(ROWS)]) for n in range(200)]
    alone = model.scores(rows)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda _: model.scores(rows), range(16)))
    assert all(scores == alone for scores in together)


def test_a_model_of_several_outputs_is_refused(tmp_path: Path) -> None:
    data = xgboost.DMatrix(MATRIX, np.arange(300) % 3)
    parameters = {"nthread": 1, "objective": "multi:softprob", "num_class": 3}
    xgboost.train(parameters, data, 2).save_model(tmp_path / "model.json")
    with pytest.raises(UserError, match=r"model\.json predicts \(3,\) values a row"):
        load_scorer("xgboost", tmp_path)


@pytest.mark.parametrize("algorithm", MODEL_FILES)
@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe\x00"])
def test_a_damaged_model_is_refused(algorithm: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / MODEL_FILES[algorithm]).write_bytes(content)
    with pytest.raises(UserError, match=MODEL_FILES[algorithm].replace(".", r"\.")):
        load_scorer(algorithm, tmp_path)


@pytest.mark.parametrize("algorithm", MODEL_FILES)
def test_only_the_library_of_the_model_is_imported(algorithm: str, tmp_path: Path) -> None:
    if algorithm == "linear":
        save_linear(tmp_path, "identity")
    elif algorithm == "xgboost":
        save_xgboost(tmp_path, NUMBERS)
    else:
        save_lightgbm(tmp_path, NUMBERS)
    program = (
        "import sys; from pathlib import Path; from warmfold_server import __main__, scorers; "
        f"scorers.load_scorer({algorithm!r}, Path({str(tmp_path)!r})); "
        "print(*sorted({'lightgbm', 'xgboost', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    expected = {"lightgbm": ["lightgbm", "scipy"], "xgboost": ["scipy", "xgboost"], "linear": []}
    assert out == expected[algorithm]
