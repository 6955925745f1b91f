"""What is LightGBM's own; the rest is in test_every_algorithm."""

from pathlib import Path

from tests.unit.containers.trainer.algorithms.fitting import final, fold, table

# Most draws of so few features hold none that a tree may split by.
SELDOM = {"feature_fraction": "0.2", "min_gain_to_split": "2", "early_stopping_rounds": "30"}


def test_categories_are_split_as_categories(tmp_path: Path) -> None:
    final("lightgbm", table()).save(tmp_path)
    infos = (
        (tmp_path / "model.txt").read_text().split("feature_infos=")[1].split("\n")[0].split(" ")
    )
    assert infos[0].startswith("[")
    assert set(infos[1].split(":")) <= {"-1", "0", "1", "2"}


def test_rounds_go_on_after_one_that_may_split_by_nothing() -> None:
    assert final("lightgbm", table(), SELDOM, rounds=12).rounds == 12
    assert len(fold("lightgbm", table(), given={**SELDOM, "max_rounds": "12"}).curve) == 12


def test_a_model_says_how_many_rounds_it_has() -> None:
    assert final("lightgbm", table(), rounds=7).rounds == 7
    assert final("lightgbm", table(), {"min_gain_to_split": "1000000"}, rounds=7).rounds == 1
