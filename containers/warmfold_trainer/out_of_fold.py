"""A trial's out-of-fold scores: every row by a model that did not see it."""

import zipfile
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np

from warmfold_contract.errors import UserError
from warmfold_features.calibration import Scores
from warmfold_trainer.algorithms.protocol import Rows
from warmfold_trainer.archive import read_member
from warmfold_trainer.feature_set import FeatureSet

# Arrays `row_id` and `score` of the rows that some fold validated.
FILE_NAME = "out_of_fold.npz"
ARCHIVE_NAME = "output.tar.gz"


def write_out_of_fold(folder: Path, data: FeatureSet, score: Scores) -> None:
    """Scores of the training rows, (rows, repeats); rows that no fold validated are NaN and left
    out."""
    scored = np.flatnonzero(np.isfinite(score).all(axis=1))
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / FILE_NAME, row_id=data.row_id[scored], score=score[scored])


def read_out_of_fold(channel: Path, data: FeatureSet) -> tuple[Rows, Scores]:
    """Rows of ``data``, in its order, and their scores, a column for each repeat, out of a job's
    ``output.tar.gz``.

    Raises ``UserError`` if the archive or the file in it is missing or damaged, or is of other
    rows.
    """
    content = read_member(channel / ARCHIVE_NAME, FILE_NAME)
    try:
        with np.load(BytesIO(content), allow_pickle=False) as found:
            row_id, score = found["row_id"], found["score"]
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{FILE_NAME} in {ARCHIVE_NAME} is damaged: {error}") from error
    rows = np.flatnonzero(np.isin(data.row_id, row_id))
    folds = np.zeros((data.rows, 1)) if data.fold is None else data.fold
    expected = np.flatnonzero(folds[:, 0] > 0)
    same_rows = np.array_equal(rows, expected) and np.array_equal(data.row_id[rows], row_id)
    if not same_rows or score.shape != (len(rows), data.repeats):
        raise UserError(
            f"{FILE_NAME} in {ARCHIVE_NAME} is not of the rows in the training channel: both must "
            "come from one execution"
        )
    return rows, np.asarray(score, dtype=np.float64)
