"""The environments that benchmarks run in: the trainer's, and that of the ways to compare with
(pandas, scikit-learn, Optuna).

``python -m benchmarks.environment`` makes the latter in ``build/benchmarks`` (hash-pinned); the
project's own stays as lean as the trainer's image, without which its times would mean nothing.
"""

import compileall
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "benchmarks"
REQUIREMENTS = ROOT / "requirements" / "benchmarks.txt"


def python_of_the_others() -> Path:
    """Its interpreter; made at the first call, and again when the requirements have changed."""
    python = FOLDER / "bin" / "python"
    stamp = FOLDER / "installed.txt"
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        venv.create(FOLDER, clear=True, with_pip=True)
        options = ("--quiet", "--disable-pip-version-check", "--require-hashes")
        subprocess.run(
            [str(python), "-m", "pip", "install", *options, "-r", str(REQUIREMENTS)], check=True
        )
        stamp.write_text(wanted, encoding="utf-8")
    return python


def trainer_as_shipped(folder: Path) -> Path:
    """Make the folder, for ``PYTHONPATH``: the trainer's packages, compiled as in its image."""
    for name in ("warmfold_contract", "warmfold_features", "warmfold_trainer"):
        source = ROOT / "containers" / name
        shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(folder, quiet=1)
    return folder


if __name__ == "__main__":
    sys.stdout.write(f"{python_of_the_others()}\n")
