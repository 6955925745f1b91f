"""A small project with every kind of column, groups, times and two feature sets; its raw data."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from warmfold_contract.project import Columns, Project
from warmfold_contract.schema import Column


def features(columns: Columns) -> Columns:
    return {name: columns[name] for name in ("income", "purpose", "opened", "price")}


def plain(columns: Columns) -> Columns:
    return {"price_to_income": columns["price"] / (1 + np.abs(columns["income"]))}


CLASSIFICATION = Project(
    name="loans",
    columns=(
        Column("income", "number"),
        Column("purpose", "category"),
        Column("opened", "date"),
        Column("price", "money", currency="$"),
    ),
    target="bad",
    positive_label="1",
    negative_label="0",
    features=features,
    feature_sets={"plain": plain},
    group="customer",
    time="signed",
)
REGRESSION = Project(
    name="loans",
    columns=CLASSIFICATION.columns,
    target="loss",
    task="regression",
    features=features,
)

HEADER = ("income", "purpose", "opened", "price", "customer", "signed", "bad", "loss")


def raw_rows(count: int = 120, seed: int = 0) -> list[dict[str, str]]:
    """CSV texts; each customer has about four rows, and some cells are blank."""
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        income, price = random.normal(size=2)
        day = np.datetime64("2020-01-01") + random.integers(0, 2000)
        row = {
            "income": f"{income:.3f}",
            "purpose": str(random.choice(["car", "home", "boat"])),
            "opened": str(day - random.integers(0, 9999)),
            "price": f"${1e5 * abs(price):,.2f}",
            "customer": f"c{random.integers(0, count // 4)}",
            "signed": str(day),
            "bad": str(int(income + random.normal() < 0)),
            "loss": f"{np.exp(income):.4f}",
        }
        for name in ("income", "purpose", "opened", "price"):
            row[name] = "" if random.random() < 0.1 else row[name]
        rows.append(row)
    return rows


def write_csv(folder: Path, rows: list[dict[str, str]], name: str = "loans.csv") -> Path:
    """The folder, with the rows in one file."""
    folder.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, HEADER)
    writer.writeheader()
    writer.writerows(rows)
    (folder / name).write_text(text.getvalue(), encoding="utf-8", newline="")
    return folder


def changed(rows: list[dict[str, str]], row: int, **cells: str) -> list[dict[str, str]]:
    """The rows with some cells of one data row (from 1) replaced."""
    return [{**values, **cells} if n == row else values for n, values in enumerate(rows, start=1)]


def plain_values(made: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {name: values.tolist() for name, values in made.items()}
