"""A table as LightGBM's histogram bins, in little more memory than those take."""

import ctypes
from typing import Any

import lightgbm
import numpy as np

from warmfold_contract.settings import Settings
from warmfold_trainer.algorithms.lightgbm_settings import (
    DATASET_PARAMETERS,
    FIXED,
    ROW_WISE_VALUES,
)
from warmfold_trainer.algorithms.protocol import Matrix, Rows, Table
from warmfold_trainer.mapped import copied_rows, give_back_pages

# Bin edges look at so many rows at most: about 200 for each of 255 bins. LightGBM's own default is
# four times as many, which it holds in 12 bytes a value.
BIN_SAMPLE_ROWS = 50_000
# Rows that are binned at a time.
_CHUNK_ROWS = 16_384
# Of malloc.h.
_M_MMAP_THRESHOLD = -3
# Nothing that comes and goes with a round is as large below 160,000 rows.
_LARGE_BLOCK_BYTES = 2**18


class _Chunks(lightgbm.Sequence):
    """A mapped matrix, some rows at a time, whose pages are given back after them."""

    batch_size = _CHUNK_ROWS

    def __init__(self, features: Matrix) -> None:
        self._features = features

    def __len__(self) -> int:
        return len(self._features)

    def __getitem__(self, rows: Any) -> Matrix:
        chunk = np.array(self._features[rows])
        give_back_pages(self._features)
        return chunk


def dataset_parameters(settings: Settings, *, seed: int, values: int = 0) -> dict[str, Any]:
    """What shapes the bins; all that is read of ``settings`` is not tunable.

    ``values`` are rows times features, where the model may depend on them: LightGBM's own choice
    between two layouts goes by a clock.
    """
    bins = {key: settings[key] for key in DATASET_PARAMETERS}
    layout = "force_col_wise" if is_large(values) else "force_row_wise"
    return {**FIXED, layout: True, "seed": seed, "num_threads": 1, **bins}


def is_large(values: int) -> bool:
    """Whether memory counts for more than a few per cent of CPU."""
    return values > ROW_WISE_VALUES


def dataset_of(table: Table, parameters: dict[str, Any]) -> lightgbm.Dataset:
    """The table for LightGBM, not yet binned."""
    return _dataset(table, table.features, table.target, parameters)


def binned(table: Table, parameters: dict[str, Any]) -> lightgbm.Dataset:
    """The table in bins, whose edges are those of rows that are spread evenly over it."""
    rows = len(table.target)
    if rows <= BIN_SAMPLE_ROWS:
        found = dataset_of(table, parameters).construct()
    else:
        _give_back_large_blocks()
        found = in_chunks(table, parameters, np.arange(BIN_SAMPLE_ROWS) * rows // BIN_SAMPLE_ROWS)
    give_back_pages(table.features)
    _give_back_freed_memory()
    return found


def in_chunks(table: Table, parameters: dict[str, Any], sample: Rows) -> lightgbm.Dataset:
    """All rows by the bin edges of the sample's, without holding the features in memory."""
    features = copied_rows(table.features, sample)
    edges = _dataset(table, features, table.target[sample], parameters).construct()
    del features
    _give_back_freed_memory()
    return _dataset(table, _Chunks(table.features), table.target, parameters, edges).construct()


def _dataset(
    table: Table,
    features: Any,
    target: Any,
    parameters: dict[str, Any],
    reference: lightgbm.Dataset | None = None,
) -> lightgbm.Dataset:
    return lightgbm.Dataset(
        features,
        label=target,
        reference=reference,
        feature_name=[feature.name for feature in table.schema],
        categorical_feature=[
            position for position, feature in enumerate(table.schema) if feature.kind == "category"
        ],
        params=parameters,
    )


def _give_back_large_blocks() -> None:
    """glibc raises the size from which a block's pages go back as soon as it is freed to that of
    the largest freed block, up to 32 MiB: the folds' threads would keep what they have freed."""
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_M_MMAP_THRESHOLD, _LARGE_BLOCK_BYTES)


def _give_back_freed_memory() -> None:
    """Finding bin edges takes a sorted sample of the rows (12 bytes a value), which glibc keeps
    for its main thread, while folds allocate in others."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
