"""The consumer loans of ``benchmarks/data`` as Processing would encode them."""

import csv
from pathlib import Path

import numpy as np

from benchmarks.credit_data import CreditData
from warmfold_contract.schema import Column, Feature, Schema

FILE = Path(__file__).parent / "data" / "consumer_loans_20k.csv"
TARGET = "is_bad"
CATEGORIES = ("city", "marital")


def loans() -> tuple[CreditData, Schema]:
    """The rows in the file's order, and their schema; blank and ``NA`` are missing."""
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name != TARGET]
    levels = {name: tuple(sorted({row[name] for row in rows})) for name in CATEGORIES}
    columns = [
        np.array(
            [
                levels[name].index(row[name]) if name in levels else _number(row[name])
                for row in rows
            ],
            dtype=np.float32,
        )
        for name in names
    ]
    data = CreditData(
        features=np.stack(columns, axis=1),
        target=np.array([row[TARGET] == "1" for row in rows], dtype=np.uint8),
    )
    schema = Schema(
        columns=tuple(Column(name, "category" if name in levels else "number") for name in names),
        features=tuple(
            Feature(name, "category", levels[name]) if name in levels else Feature(name, "number")
            for name in names
        ),
        target=TARGET,
        positive_label="1",
        negative_label="0",
    )
    return data, schema


def _number(text: str) -> float:
    return float("nan") if text in ("", "NA") else float(text)
