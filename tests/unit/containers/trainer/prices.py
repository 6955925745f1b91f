"""A regression project, as a data scientist would write it, and its data."""

import json
from pathlib import Path

import numpy as np

from tests.unit.containers.trainer.jobs import WHEEL

SOURCE = """
import numpy as np

from warmfold_contract.metrics import OBJECTIVE, format_metric
from warmfold_contract.project import Project, ProjectMetric
from warmfold_contract.schema import Column


def within_a_tenth(target, score):
    # A line that looks like a metric of the platform's, and half a line after it.
    print(format_metric(OBJECTIVE, 0.999))
    print("checked", end="")
    return np.mean(np.abs(score - target) <= 0.1 * np.abs(target))


PROJECT = Project(
    name="prices",
    task="regression",
    columns=(Column("size", "number"), Column("place", "category")),
    target="price",
    features=lambda columns: dict(columns),
    metrics={"within": ProjectMetric(function=within_a_tenth, greater_is_better=True)},
)
"""


def install(folder: Path) -> Path:
    """A folder on whose path the project counts as installed."""
    info = folder / "prices-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "prices.py").write_text(SOURCE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: prices\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[warmfold.project]\nproject = prices:PROJECT\n")
    (folder / "warmfold_project.json").write_text(json.dumps({**WHEEL, "name": "prices"}))
    return folder


def write_csv(path: Path, rows: int = 400) -> None:
    """Prices of about 300 that size and place explain but for a tenth."""
    random = np.random.default_rng(5)
    size = random.uniform(40, 160, rows)
    place = random.choice(["town", "village", "coast"], rows)
    base = 2.0 * size + 60.0 * (place == "coast")
    price = base * random.normal(1.0, 0.05, rows)
    lines = [f"{s:.1f},{p},{y:.2f}" for s, p, y in zip(size, place, price, strict=True)]
    path.write_text("size,place,price\n" + "\n".join(lines) + "\n")
