"""Running the trainer as SageMaker does: a child process, an /opt/ml tree under another base."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from warmfold_contract.paths import Paths

ROOT = Path(__file__).parents[4]
EXAMPLE = ROOT / "examples" / "german_credit"
DATA = EXAMPLE / "data" / "german_credit.csv"

SPLIT = {"WARMFOLD_FOLDS": "5", "WARMFOLD_HOLDOUT_FRACTION": "0.2", "WARMFOLD_SEED": "7"}
TRIAL = {
    "warmfold_mode": "trial",
    "warmfold_algorithm": "lightgbm",
    "warmfold_task": "classification",
    "warmfold_feature_set": "default",
    "warmfold_metric": "auc",
    "warmfold_cv_strategy": "in_job",
    "warmfold_racing": "off",
    "warmfold_seed": "7",
    "max_rounds": "40",
    "early_stopping_rounds": "10",
    "num_leaves": "8",
}
WHEEL = {"name": "german-credit", "version": "0.1.0", "wheel_sha256": "ab" * 32}


def install_example(folder: Path) -> Path:
    """A folder on whose path the example counts as installed: its sources, and the metadata that
    its own pyproject.toml gives a wheel."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    shutil.copytree(EXAMPLE / "src" / "german_credit", folder / "german_credit")
    info = folder / f"german_credit-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    lines = [
        line
        for group, points in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in points.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    (folder / "warmfold_project.json").write_text(json.dumps(WHEEL))
    return folder


@dataclass(frozen=True, kw_only=True)
class Finished:
    """How a job ended; ``reason`` is its failure or exit message."""

    code: int
    out: str
    err: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job's folder tree, and the installed project."""

    paths: Paths
    site: Path

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        return {
            "PATH": os.defpath,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "containers"), str(self.site)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "SAGEMAKER_BASE_DIR": str(self.paths.base),
            "WARMFOLD_PROJECT_FILE": str(self.site / "warmfold_project.json"),
            **extra,
        }

    def start(self, command: str, **extra: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "warmfold_trainer", command],
            env=self.environment(extra),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, command: str, **extra: str) -> Finished:
        child = self.start(command, **extra)
        try:
            out, err = child.communicate(timeout=60)
        finally:
            child.kill()
        return Finished(code=child.returncode, out=out, err=err, reason=self.reason())

    def reason(self) -> str:
        found = [path for path in (self.paths.failure, self.paths.exit_message) if path.is_file()]
        return found[0].read_text(encoding="utf-8") if found else ""

    def set_hyperparameters(self, values: Mapping[str, str]) -> None:
        self.paths.hyperparameters.parent.mkdir(parents=True, exist_ok=True)
        self.paths.hyperparameters.write_text(json.dumps(values), encoding="utf-8")

    def put(self, target: Path, *sources: Path) -> None:
        """Copy files and folders into an input folder."""
        target.mkdir(parents=True, exist_ok=True)
        for source in sources:
            if source.is_dir():
                shutil.copytree(source, target / source.name)
            else:
                shutil.copy(source, target / source.name)


def make_archive(target: Path, files: Sequence[Path]) -> None:
    """A model.tar.gz as SageMaker makes it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(target, "w:gz") as tar:
        for file in files:
            tar.add(file, arcname=file.name)
