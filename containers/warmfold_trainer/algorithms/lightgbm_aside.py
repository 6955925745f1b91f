"""A binned table that waits on disk while nobody copies rows out of it."""

import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightgbm

# A value takes at most two bytes; the labels are small beside.
_BYTES_PER_VALUE = 3


class AsideDataset:
    """Of a large table a fold's copied rows and the table itself need not be in memory together:
    LightGBM's file of the bins gives the same trees, and is read at the speed of the disk.

    ``values``: rows times features; ``None`` keeps a small one in memory. Without room for the
    file in the folder for temporary files a large one stays there, too.
    """

    def __init__(
        self, dataset: lightgbm.Dataset, parameters: dict[str, Any], values: int | None
    ) -> None:
        self._dataset: lightgbm.Dataset | None = dataset
        self._parameters = parameters
        self._values = values
        self._folder: Path | None = None
        self._users = 0
        self._lock = threading.Lock()

    @contextmanager
    def held(self) -> Iterator[lightgbm.Dataset]:
        """The table in memory, shared by threads, until the last of them leaves."""
        with self._lock:
            dataset = self._dataset = self._dataset or self._read()
            self._users += 1
        try:
            yield dataset
        finally:
            del dataset
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    self._put_aside()

    def _read(self) -> lightgbm.Dataset:
        return lightgbm.Dataset(str(self._file()), params=self._parameters).construct()

    def _put_aside(self) -> None:
        if self._folder is None and not self._write():
            return
        self._dataset = None

    def _write(self) -> bool:
        if self._dataset is None or self._values is None or not _has_room(self._values):
            return False
        self._folder = Path(tempfile.mkdtemp(prefix="warmfold-bins-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._dataset.save_binary(str(self._file()))
        return True

    def _file(self) -> Path:
        assert self._folder is not None  # noqa: S101 - only a table put aside is read
        return self._folder / "table.bin"


def _has_room(values: int) -> bool:
    try:
        return shutil.disk_usage(tempfile.gettempdir()).free >= values * _BYTES_PER_VALUE
    except OSError:
        # No folder for temporary files can be written to.
        return False
