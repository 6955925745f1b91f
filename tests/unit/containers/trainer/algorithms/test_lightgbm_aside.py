"""A large table waits on disk between folds."""

import gc
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.unit.containers.trainer.algorithms.fitting import (
    QUICK,
    TRAIN,
    VALIDATION,
    score_of,
    table,
)
from warmfold_trainer.algorithms import lightgbm_dataset
from warmfold_trainer.algorithms.lightgbm_trees import LightGbmBins, LightGbmFold
from warmfold_trainer.algorithms.protocol import Rows
from warmfold_trainer.settings import read_settings

SETTINGS = read_settings(QUICK, "lightgbm", "classification")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every table is large, and this is the folder for temporary files."""
    monkeypatch.setattr(lightgbm_dataset, "ROW_WISE_VALUES", 0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def bins() -> LightGbmBins:
    return LightGbmBins(table(), SETTINGS, seed=3, keep_folds=False)


def files(place: Path) -> list[str]:
    return [file.name for file in place.rglob("*") if file.is_file()]


def fitted(
    rows: LightGbmBins, train: Rows = TRAIN, validation: Rows = VALIDATION, *, threads: int = 1
) -> LightGbmFold:
    prepared = rows.with_settings(SETTINGS, threads=threads)
    return prepared.fit_fold(train, validation, score_of(table(), "auc"))


def same(one: LightGbmFold, other: LightGbmFold) -> None:
    np.testing.assert_array_equal(one.curve, other.curve)
    features = table().features
    np.testing.assert_array_equal(
        one.predict(features, len(one.curve)), other.predict(features, len(other.curve))
    )


def test_a_table_that_was_put_aside_gives_the_same_folds(place: Path) -> None:
    rows = bins()
    assert files(place) == []
    from_memory = fitted(rows)
    assert files(place) == ["table.bin"]
    same(fitted(rows), from_memory)
    same(fitted(rows, threads=2), from_memory)


def test_a_small_table_stays_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    rows = bins()
    same(fitted(rows), fitted(rows))
    assert files(tmp_path) == []


def test_the_file_goes_with_the_table(place: Path) -> None:
    rows = bins()
    fitted(rows)
    del rows
    gc.collect()
    assert list(place.iterdir()) == []


def test_threads_share_one_table_and_the_last_one_puts_it_aside(place: Path) -> None:
    rows = bins()
    expected = fitted(rows)
    entered = threading.Barrier(2)
    found: list[object] = []

    def hold() -> None:
        with rows.held() as dataset:
            found.append(dataset)
            entered.wait(timeout=10)

    threads = [threading.Thread(target=hold) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] is found[1]
    with rows.held() as again:
        assert again is not found[0]
    same(fitted(rows), expected)


@pytest.mark.parametrize("fault", ["no room", "no folder"])
def test_without_room_on_disk_the_table_stays_in_memory(
    place: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    def look(path: str) -> object:
        if fault == "no folder":
            raise FileNotFoundError(path)
        return SimpleNamespace(free=0)

    monkeypatch.setattr("shutil.disk_usage", look)
    rows = bins()
    same(fitted(rows), fitted(rows))
    assert files(place) == []


@pytest.mark.parametrize("size", [None, 0, 1_000])
def test_a_file_that_is_gone_or_cut_short_is_done_without(
    place: Path, size: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    rows = bins()
    expected = fitted(rows)
    (file,) = place.rglob("table.bin")
    if size is None:
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:size])
    same(fitted(rows), expected)
    same(fitted(rows), expected)
    (message,) = caplog.messages
    assert message.startswith("the file of the bins cannot be read, so they stay in memory: ")


def test_a_folder_that_takes_no_file_is_done_without(
    place: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = place / "a file"
    in_the_way.touch()
    monkeypatch.setattr("tempfile.tempdir", str(in_the_way))
    rows = bins()
    same(fitted(rows), fitted(rows))
    (message,) = caplog.messages
    assert message.startswith("the file of the bins cannot be written, so they stay in memory: ")


def test_two_tables_in_one_process_have_a_file_each(place: Path) -> None:
    one, other = bins(), bins()
    same(fitted(one), fitted(other))
    assert files(place) == ["table.bin"] * 2
    del one
    gc.collect()
    assert files(place) == ["table.bin"]
    same(fitted(other), fitted(other))


def test_of_a_large_table_one_prediction_is_kept_for_each_row(place: Path) -> None:
    model = fitted(bins())
    best = int(np.argmax(model.curve)) + 1
    assert model.remembered_sample(best) is None
    kept = {model.remembered(rounds) for rounds in range(1, 100)}
    assert len(kept) <= 2  # that one, or none where it is too far away
