"""Seeded data that looks like credit applications, of any size.

40 numbers and 10 categories (2 to 150 levels, Zipf-distributed), values missing for reasons that
matter, 16 % bad. Rows are made in blocks from (seed, block): the first n rows are the same
whatever the size. ``python -m benchmarks.credit_data ROWS FOLDER`` writes what Processing would.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.schema import Column, Feature, Schema
from warmfold_trainer.feature_set import FeatureSet
from warmfold_trainer.split_strata import deal_classes
from warmfold_trainer.splits import fold_hash

NUMBERS = 40
LEVELS = (2, 3, 4, 6, 9, 14, 25, 45, 80, 150)
FEATURES = NUMBERS + len(LEVELS)
BLOCK_ROWS = 50_000
# Of the log-odds, found by bisection: 16 % of the rows are bad.
INTERCEPT = -2.72
# The pattern behind all data, whatever the seed of the rows.
_PATTERN_SEED = 20_230_130


@dataclass(frozen=True, kw_only=True)
class CreditData:
    """``features`` is (rows, 50) float32: numbers, then level codes; NaN is missing."""

    features: NDArray[np.float32]
    target: NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class _Pattern:
    """What makes an applicant bad."""

    linear: NDArray[np.float64]
    bend: NDArray[np.float64]
    level: tuple[NDArray[np.float64], ...]
    missing: NDArray[np.float64]
    mix: NDArray[np.float64]


def _pattern() -> _Pattern:
    random = np.random.default_rng(_PATTERN_SEED)
    strength = 0.55 * 0.9 ** np.arange(NUMBERS)
    return _Pattern(
        linear=random.choice((-1.0, 1.0), NUMBERS) * strength,
        bend=random.normal(0, 0.5, NUMBERS) * strength,
        level=tuple(random.normal(0, 0.25, levels) for levels in LEVELS),
        missing=np.where(np.arange(NUMBERS) % 4 == 0, 0.12, 0.01),
        mix=random.normal(0, 0.25, (NUMBERS, 6)),
    )


def credit_data(rows: int, seed: int = 0) -> CreditData:
    """The first ``rows`` rows of the stream ``seed``."""
    features = np.empty((rows, FEATURES), dtype=np.float32)
    target = np.empty(rows, dtype=np.uint8)
    at = 0
    for block in blocks(rows, seed):
        end = at + len(block.target)
        features[at:end], target[at:end] = block.features, block.target
        at = end
    return CreditData(features=features, target=target)


def blocks(rows: int, seed: int) -> Iterator[CreditData]:
    """The rows in blocks of at most ``BLOCK_ROWS``."""
    pattern = _pattern()
    for number in range(-(-rows // BLOCK_ROWS)):
        block = _block(np.random.default_rng([seed, number]), pattern)
        kept = min(BLOCK_ROWS, rows - number * BLOCK_ROWS)
        yield CreditData(features=block.features[:kept], target=block.target[:kept])


def _block(random: np.random.Generator, pattern: _Pattern) -> CreditData:
    shared = random.normal(size=(BLOCK_ROWS, 6))
    numbers = random.normal(size=(BLOCK_ROWS, NUMBERS)) + shared @ pattern.mix.T
    codes = np.stack([_zipf(random, levels) for levels in LEVELS], axis=1)
    odds = INTERCEPT + numbers @ pattern.linear + np.tanh(numbers**2 - 1) @ pattern.bend
    odds += 0.4 * numbers[:, 0] * (codes[:, 1] == 1) + 0.3 * numbers[:, 1] * numbers[:, 2]
    for column, effect in enumerate(pattern.level):
        odds += effect[codes[:, column]]
    # A number is missing more often from applicants with high odds: that it is missing informs.
    chance = pattern.missing * (1 + np.clip(odds - INTERCEPT, -0.9, 2))[:, None]
    hidden = random.random(numbers.shape) < chance
    target = random.random(BLOCK_ROWS) < 1 / (1 + np.exp(-odds))
    values = np.where(
        hidden, np.nan, np.where(np.arange(NUMBERS) % 5 == 4, np.exp(numbers), numbers)
    )
    features = np.concatenate([values, codes], axis=1).astype(np.float32)
    return CreditData(features=features, target=target.astype(np.uint8))


def _zipf(random: np.random.Generator, levels: int) -> NDArray[np.int64]:
    weight = 1 / np.arange(1, levels + 1)
    return random.choice(levels, BLOCK_ROWS, p=weight / weight.sum())


def schema() -> Schema:
    numbers = [f"number_{at:02d}" for at in range(NUMBERS)]
    categories = [f"category_{at}" for at in range(len(LEVELS))]
    return Schema(
        columns=(
            *(Column(name, "number") for name in numbers),
            *(Column(name, "category") for name in categories),
        ),
        features=(
            *(Feature(name, "number") for name in numbers),
            *(
                Feature(name, "category", tuple(f"{name}_{code}" for code in range(levels)))
                for name, levels in zip(categories, LEVELS, strict=True)
            ),
        ),
        target="is_bad",
        positive_label="1",
        negative_label="0",
    )


def feature_set(data: CreditData, schema: Schema, *, folds: int = 5, seed: int = 0) -> FeatureSet:
    """As Processing leaves the training rows: all of ``data``, in stratified folds."""
    fold = deal_classes(data.target, folds, seed, 0)[:, np.newaxis]
    return FeatureSet(
        features=data.features,
        target=data.target,
        row_id=np.arange(1, len(data.target) + 1),
        fold=fold,
        schema=schema,
        data_fingerprint=f"{schema.target}-{len(data.target)}-{seed}",
        fold_hash=fold_hash(fold),
        folds=folds,
    )


def main(rows: str, folder: str) -> int:
    feature_set(credit_data(int(rows)), schema()).write(Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
