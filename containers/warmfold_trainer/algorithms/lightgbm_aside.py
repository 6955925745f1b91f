"""A binned table that waits on disk while nobody copies rows out of it."""

import logging
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightgbm

LOGGER = logging.getLogger(__name__)

# A value takes at most two bytes; the labels are small beside.
_BYTES_PER_VALUE = 3


class AsideDataset:
    """Of a large table a fold's copied rows and the table itself need not be in memory together:
    LightGBM's file of the bins gives the same trees, and is read at the speed of the disk.

    ``make`` bins the table: at once, and again if its file cannot be read. ``values``: rows times
    features; ``None`` keeps a small one in memory. A large one stays there, too, without room in
    the folder for temporary files, and once that has failed to hold it.
    """

    def __init__(
        self, make: Callable[[], lightgbm.Dataset], parameters: dict[str, Any], values: int | None
    ) -> None:
        self._make = make
        self._dataset: lightgbm.Dataset | None = make()
        self._parameters = parameters
        self._values = values
        self._file: Path | None = None
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
        try:
            return lightgbm.Dataset(str(self._file), params=self._parameters).construct()
        except lightgbm.basic.LightGBMError as error:
            # LightGBM does not notice a disk that fills while it writes.
            self._stay("cannot be read", error)
            return self._make()

    def _put_aside(self) -> None:
        if self._values is None:
            return
        if self._file is None:
            self._file = self._written(self._values)
        if self._file is not None:
            self._dataset = None

    def _written(self, values: int) -> Path | None:
        """The file, or ``None`` without room for it."""
        if self._dataset is None or not _has_room(values):
            return None
        try:
            folder = Path(tempfile.mkdtemp(prefix="warmfold-bins-"))
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            self._dataset.save_binary(str(folder / "table.bin"))
        except (OSError, lightgbm.basic.LightGBMError) as error:
            self._stay("cannot be written", error)
            return None
        return folder / "table.bin"

    def _stay(self, fault: str, error: Exception) -> None:
        self._values = None
        LOGGER.warning("the file of the bins %s, so they stay in memory: %s", fault, error)


def _has_room(values: int) -> bool:
    try:
        return shutil.disk_usage(tempfile.gettempdir()).free >= values * _BYTES_PER_VALUE
    except OSError:
        # No folder for temporary files can be written to.
        return False
