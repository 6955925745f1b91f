"""Mapped arrays: the same values, in less memory."""

from pathlib import Path

import numpy as np
import pytest

from warmfold_trainer.mapped import copied_rows, give_back_pages

ROWS, COLUMNS = 80_000, 50


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mapped") / "features.npy"
    values = np.arange(ROWS * COLUMNS, dtype=np.float32).reshape(ROWS, COLUMNS)
    np.save(path, values)
    return path


def mapped(path: Path) -> np.ndarray:
    return np.asarray(np.load(path, mmap_mode="r"))


def resident_kilobytes(path: Path) -> int:
    """What this process has of the file in its memory."""
    lines = iter(Path("/proc/self/smaps").read_text().splitlines())
    found = 0
    for line in lines:
        if line.endswith(str(path)):
            found += int(next(rest for rest in lines if rest.startswith("Rss:")).split()[1])
    return found


def test_pages_that_are_given_back_leave_the_process_and_are_read_again(file: Path) -> None:
    values = mapped(file)
    total = values.sum(dtype=np.float64)
    assert resident_kilobytes(file) > 15_000
    give_back_pages(values[10:])
    assert resident_kilobytes(file) == 0
    assert values.sum(dtype=np.float64) == total


def test_giving_back_the_pages_of_an_array_in_memory_changes_nothing(file: Path) -> None:
    written = np.load(file, mmap_mode="c")
    written[0] = -1
    for values in (np.ones((3, 2), dtype=np.float32), written):
        before = np.array(values)
        give_back_pages(values)
        np.testing.assert_array_equal(values, before)


@pytest.mark.parametrize(
    "rows",
    [
        np.arange(0, dtype=np.intp),
        np.array([ROWS - 1]),
        np.arange(0, ROWS, 7),
        np.arange(32_766, 32_770),
    ],
)
def test_rows_are_copied_with_few_pages_in_memory(file: Path, rows: np.ndarray) -> None:
    values = mapped(file)
    np.testing.assert_array_equal(copied_rows(values, rows), np.load(file)[rows])
    assert resident_kilobytes(file) == 0
