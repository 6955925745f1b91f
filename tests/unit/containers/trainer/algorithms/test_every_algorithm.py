"""What the trainer relies on, whatever the algorithm and the task."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.containers.trainer.algorithms.fitting import (
    ALGORITHMS,
    DATA,
    NUMBERS,
    QUICK,
    TRAIN,
    VALIDATION,
    final,
    fold,
    prepared,
    score_of,
    table,
)
from warmfold_contract.algorithms import HYPERPARAMETERS, MODEL_FILES
from warmfold_contract.errors import UserError
from warmfold_contract.tasks import CLASSIFICATION, REGRESSION, TASKS, Task
from warmfold_trainer.algorithms.registry import ALGORITHMS as REGISTRY
from warmfold_trainer.algorithms.registry import algorithm_named
from warmfold_trainer.settings import read_settings

every_algorithm = pytest.mark.parametrize("name", ALGORITHMS)
every_task = pytest.mark.parametrize("task", TASKS)
REGRESSIONS = [
    ("lightgbm", {"objective": "l1"}),
    ("lightgbm", {"objective": "huber", "alpha": "20"}),
    ("lightgbm", {"objective": "quantile", "alpha": "0.5"}),
    ("xgboost", {"objective": "reg:absoluteerror"}),
    ("xgboost", {"objective": "reg:quantileerror", "quantile_alpha": "0.5"}),
    ("linear", {"l1": "0.2"}),
]


def test_trainer_contract_and_tests_know_the_same_algorithms() -> None:
    assert set(REGISTRY) == set(HYPERPARAMETERS) == set(MODEL_FILES) == set(ALGORITHMS)


@every_algorithm
def test_an_algorithm_names_itself_and_its_model_file(name: str) -> None:
    algorithm = algorithm_named(name)
    assert (algorithm.name, tuple(algorithm.model_files)) == (name, (MODEL_FILES[name],))


@every_algorithm
def test_two_classes_are_told_apart(name: str) -> None:
    model = fold(name, table())
    assert 1 <= len(model.curve) <= 30
    best = float(model.curve.max())
    assert best > 0.7
    predicted = model.predict(DATA.features[VALIDATION], int(model.curve.argmax()) + 1)
    assert ((predicted > 0) & (predicted < 1)).all()
    assert score_of(table(), "auc").function(predicted) == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("name,given", [*((name, {}) for name in ALGORITHMS), *REGRESSIONS])
def test_numbers_are_predicted_in_their_own_units(name: str, given: dict[str, str]) -> None:
    settings = {} if name == "linear" else {"max_rounds": "200", "learning_rate": "0.1"}
    model = fold(name, table(REGRESSION), "r2", {**settings, **given})
    predicted = model.predict(DATA.features[VALIDATION], len(model.curve))
    assert model.curve.max() > 0.8
    assert abs(predicted.mean() - NUMBERS[VALIDATION].mean()) < 20


@every_algorithm
def test_two_classes_fitted_as_a_number_are_scored_within_0_and_1(name: str) -> None:
    rows = table(REGRESSION, numbers=False)
    model = fold(name, rows, "auc")
    predicted = model.predict(DATA.features[VALIDATION], len(model.curve))
    assert model.curve.max() > 0.7
    assert ((predicted >= 0) & (predicted <= 1)).all()
    raw = final(name, rows, rounds=300).predict(DATA.features)
    assert raw.min() < 0.2
    assert raw.max() > 0.6


@every_algorithm
@every_task
def test_a_saved_model_predicts_what_it_did_to_the_last_bit(
    name: str, task: Task, tmp_path: Path
) -> None:
    model = final(name, table(task))
    assert model.save(tmp_path) == (MODEL_FILES[name],)
    loaded = algorithm_named(name).load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(DATA.features), model.predict(DATA.features))
    for one, other in zip(loaded.importance(), model.importance(), strict=True):
        assert (one.feature, one.splits) == (other.feature, other.splits)
        # LightGBM's text rounds the gain, and nothing else.
        assert one.gain == pytest.approx(other.gain, rel=1e-5)


@every_algorithm
@every_task
def test_a_saved_fold_predicts_what_it_did_to_the_last_bit(
    name: str, task: Task, tmp_path: Path
) -> None:
    rows = table(task)
    model = fold(name, rows, "auc" if task == CLASSIFICATION else "rmse")
    model.save(tmp_path)
    loaded = algorithm_named(name).load_fold(tmp_path, model.curve, rows)
    for rounds in {1, len(model.curve)}:
        np.testing.assert_array_equal(
            loaded.predict(DATA.features, rounds), model.predict(DATA.features, rounds)
        )


@every_algorithm
@every_task
def test_the_artifact_has_the_same_bytes_for_the_same_seed_on_any_number_of_threads(
    name: str, task: Task, tmp_path: Path
) -> None:
    sampled = {"lightgbm": {"bagging_fraction": "0.7"}, "xgboost": {"subsample": "0.7"}}
    texts = []
    for threads in (1, 1, 2):
        final(name, table(task), sampled.get(name), threads=threads).save(tmp_path)
        texts.append((tmp_path / MODEL_FILES[name]).read_bytes())
    assert texts[0] == texts[1] == texts[2]
    assert texts[0].decode("utf-8")


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_another_seed_draws_another_sample(name: str) -> None:
    share = {"lightgbm": "bagging_fraction", "xgboost": "subsample"}[name]
    curves = [fold(name, table(), "auc", {share: "0.5"}, seed=seed).curve for seed in (1, 2)]
    assert curves[0].tolist() != curves[1].tolist()


@every_algorithm
@pytest.mark.parametrize("keep", [False, True])
def test_trials_in_threads_share_bins_and_get_what_each_gets_alone(name: str, keep: bool) -> None:
    tuned = "l2" if name == "linear" else "learning_rate"
    trials = [
        read_settings({**({} if name == "linear" else QUICK), tuned: value}, name, CLASSIFICATION)
        for value in ("0.05", "0.2", "0.5")
    ]
    rows, score = table(), score_of(table(), "auc")
    shared = algorithm_named(name).bin(rows, trials[0], seed=3, keep_folds=keep)

    def curve(settings: Any) -> list[float]:
        model = shared.with_settings(settings).fit_fold(TRAIN, VALIDATION, score)
        return list(model.curve)

    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(curve, trials * 2))
    alone = [list(fold(name, rows, "auc", {tuned: str(trial[tuned])}).curve) for trial in trials]
    assert together == alone * 2


@every_algorithm
def test_validation_rows_have_no_part_in_what_is_learned(name: str) -> None:
    """The one way they could: their targets. Bin edges may look at all rows."""
    rows = table()
    spoiled = DATA.target.copy()
    spoiled[VALIDATION] = 1 - spoiled[VALIDATION]
    other = prepared(name, type(rows)(**{**vars(rows), "target": spoiled}))
    # Only the number of rounds is chosen by the validation score: leave no choice.
    few = {} if name == "linear" else {"max_rounds": "4"}
    one = prepared(name, rows, few).fit_fold(TRAIN, VALIDATION, score_of(rows, "auc"))
    two = other.fit_fold(TRAIN, VALIDATION, score_of(rows, "auc"))
    rounds = len(one.curve)
    np.testing.assert_array_equal(
        one.predict(DATA.features, rounds), two.predict(DATA.features, rounds)
    )


@every_algorithm
def test_importance_lists_every_feature_the_strongest_first(name: str) -> None:
    entries = final(name, table()).importance()
    assert {entry.feature for entry in entries} == {"income", "purpose", "noise"}
    assert entries[0].feature == "income"
    assert entries[0].gain > entries[-1].gain >= 0
    assert entries[0].splits > 0


@every_algorithm
@pytest.mark.parametrize("content", [b"", b"not a model", b"{}", b'{"format": 1}', b"\xff\xfe\x00"])
def test_a_damaged_model_file_is_refused(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / MODEL_FILES[name]).write_bytes(content)
    with pytest.raises(UserError, match=MODEL_FILES[name].replace(".", r"\.")):
        algorithm_named(name).load(tmp_path)


@every_algorithm
def test_a_number_that_is_always_missing_does_no_harm(name: str) -> None:
    features = DATA.features.copy()
    features[:, 2] = np.nan
    rows = type(table())(**{**vars(table()), "features": features})
    model = prepared(name, rows).fit_fold(TRAIN, VALIDATION, score_of(rows, "auc"))
    assert model.curve.max() > 0.7


@every_algorithm
def test_a_trial_imports_the_library_of_its_algorithm_and_no_other(name: str) -> None:
    program = (
        "import sys; from warmfold_trainer import main, train, trial; "
        "from warmfold_trainer.algorithms.registry import algorithm_named; "
        f"algorithm_named({name!r}); "
        "heavy = {'lightgbm', 'xgboost', 'scipy', 'pandas', 'sklearn', 'boto3', 'pyarrow'}; "
        "print(*sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert found == {"lightgbm": ["lightgbm"], "xgboost": ["scipy", "xgboost"]}.get(name, [])
