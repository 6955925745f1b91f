"""What is LightGBM's own; the rest is in test_every_algorithm."""

from pathlib import Path

from tests.unit.containers.trainer.algorithms.fitting import final, table


def test_categories_are_split_as_categories(tmp_path: Path) -> None:
    final("lightgbm", table()).save(tmp_path)
    infos = (
        (tmp_path / "model.txt").read_text().split("feature_infos=")[1].split("\n")[0].split(" ")
    )
    assert infos[0].startswith("[")
    assert set(infos[1].split(":")) <= {"-1", "0", "1", "2"}
