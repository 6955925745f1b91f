"""A small but real artifact, its project, and clients of a running server."""

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from warmfold_contract.algorithms import MODEL_FILES
from warmfold_contract.manifest import FILE_NAME, Manifest, sha256_of
from warmfold_contract.project import Columns, Project
from warmfold_contract.schema import Column, Feature, Schema
from warmfold_features import encode
from warmfold_server.model import Model, load_model
from warmfold_server.server import Server
from warmfold_server.service import Service

MODEL_FILE = MODEL_FILES["lightgbm"]
WHEEL = {"name": "tiny-project", "version": "1.0", "wheel_sha256": "ab" * 32}
COLUMNS = (Column("amount", "number"), Column("purpose", "category"))
PURPOSES = ("car", "education", "radio")

# An applicant with each kind of gap, in the raw form of a request.
ROWS: tuple[dict[str, Any], ...] = (
    {"amount": 1200, "purpose": "car"},
    {"amount": 90.5, "purpose": "radio"},
    {"amount": None, "purpose": "education"},
    {"amount": 7000, "purpose": None},
    {"amount": 300, "purpose": "never seen in training"},
)

# The project as source text, so that a child process can import the very same code.
PROJECT_SOURCE = """
import numpy as np

from warmfold_contract.project import Project
from warmfold_contract.schema import Column


def features(columns):
    return {
        "amount": columns["amount"],
        "log_amount": np.log1p(np.abs(columns["amount"])),
        "purpose": columns["purpose"],
    }


PROJECT = Project(
    name="tiny-project",
    columns=(Column("amount", "number"), Column("purpose", "category")),
    target="bad",
    positive_label="yes",
    negative_label="no",
    features=features,
)
"""


def features(columns: Columns) -> Columns:
    return {
        "amount": columns["amount"],
        "log_amount": np.log1p(np.abs(columns["amount"])),
        "purpose": columns["purpose"],
    }


PROJECT = Project(
    name="tiny-project",
    columns=COLUMNS,
    target="bad",
    positive_label="yes",
    negative_label="no",
    features=features,
)

SCHEMA = Schema(
    columns=COLUMNS,
    features=(
        Feature("amount", "number"),
        Feature("log_amount", "number"),
        Feature("purpose", "category", PURPOSES),
    ),
    target="bad",
    positive_label="yes",
    negative_label="no",
)


def train_booster() -> lightgbm.Booster:
    """Twelve small trees on 300 rows in which amount and purpose both matter."""
    generator = np.random.default_rng(7)
    amount = generator.gamma(2.0, 800.0, 300)
    purpose = generator.choice(np.array(PURPOSES, dtype=object), 300)
    matrix = encode(features({"amount": amount, "purpose": purpose}), SCHEMA.features)
    target = (amount + 900 * (purpose == "car") + generator.normal(0, 400, 300) > 1800).astype(int)
    data = lightgbm.Dataset(matrix, target, categorical_feature=[2], params={"verbose": -1})
    parameters = {"objective": "binary", "num_leaves": 5, "verbose": -1, "num_threads": 1}
    return lightgbm.train(parameters, data, num_boost_round=12)


def write_artifact(folder: Path, booster: lightgbm.Booster, **changes: Any) -> Path:
    """What a training job leaves in its model folder; ``changes`` replace manifest members."""
    folder.mkdir(parents=True)
    booster.save_model(folder / MODEL_FILE)
    return write_manifest(folder, **changes)


def write_manifest(folder: Path, **changes: Any) -> Path:
    """Vouches for the one model file that is there."""
    (model_file,) = [path for path in folder.iterdir() if path.name != FILE_NAME]
    values: dict[str, Any] = {
        "algorithm": "lightgbm",
        "task": "classification",
        "fitted_as": "classification",
        "schema": SCHEMA,
        "hyperparameters": {"num_leaves": "5"},
        "rounds": 12,
        "metric": "auc",
        "cross_validation": {"score": 0.9},
        "calibration": {"method": "none"},
        "training_rows": 300,
        "data_fingerprint": "d" * 64,
        "fold_hash": "f" * 64,
        "project": WHEEL,
        "files": {model_file.name: sha256_of(model_file)},
    }
    (folder / FILE_NAME).write_text(Manifest(**{**values, **changes}).to_json(), encoding="utf-8")
    return folder


def write_project(folder: Path) -> Mapping[str, str]:
    """The project as an installed distribution; returns the environment that finds it."""
    metadata = folder / "tiny_project-1.0.dist-info"
    metadata.mkdir(parents=True)
    (folder / "tiny_project.py").write_text(PROJECT_SOURCE, encoding="utf-8")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-project\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[warmfold.project]\nproject = tiny_project:PROJECT\n"
    )
    (folder / "warmfold_project.json").write_text(json.dumps(WHEEL))
    return {
        "PYTHONPATH": str(folder),
        "WARMFOLD_PROJECT_FILE": str(folder / "warmfold_project.json"),
    }


@contextmanager
def serving(model: Model, *, max_payload_mib: int = 1) -> Iterator[Server]:
    """A server on a free port of the loopback interface, stopped in order afterwards."""
    service = Service(model, max_payload_mib=max_payload_mib)
    server = Server("127.0.0.1", 0, service, max_body_bytes=max_payload_mib * 1024 * 1024)
    server.start()
    try:
        yield server
    finally:
        unanswered = server.drain(10.0)
    assert unanswered == 0


class Client:
    """A keep-alive client that notices a hang."""

    def __init__(self, port: int, *, timeout_seconds: float = 20.0) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_seconds)

    def request(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, bytes, http.client.HTTPMessage]:
        """Header names are given with ``_`` for ``-``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, body=body, headers=named)
        response = self.connection.getresponse()
        return response.status, response.read(), response.headers

    def invoke(self, body: bytes, content_type: str, **headers: str) -> tuple[int, bytes]:
        status, reply, _ = self.request(
            "POST", "/invocations", body, Content_Type=content_type, **headers
        )
        return status, reply

    def close(self) -> None:
        self.connection.close()


def expected_scores(booster: lightgbm.Booster) -> list[float]:
    """What LightGBM itself says about ``ROWS``, by a path that shares nothing with the server."""
    codes = {name: float(code) for code, name in enumerate(PURPOSES)}
    matrix = [
        [
            np.nan if row["amount"] is None else row["amount"],
            np.nan if row["amount"] is None else np.log1p(abs(row["amount"])),
            codes.get(row["purpose"], np.nan),
        ]
        for row in ROWS
    ]
    scores = booster.predict(np.array(matrix, dtype=np.float32))
    return [float(score) for score in np.asarray(scores)]


def loaded(folder: Path, project: Project = PROJECT) -> Model:
    return load_model(folder, project, WHEEL)
