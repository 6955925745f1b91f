"""What can be known to be wrong before anything is started."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from warmfold.errors import WarmfoldError
from warmfold.runs.start import DATA_SUFFIXES

_OLDEST_NODE = 20


def check(root: Path, data: Path, more: Iterable[str] = ()) -> None:
    """Raises one ``WarmfoldError`` that lists everything that is missing, ``more`` last."""
    faults = [*training_data_faults(data), *_tool_faults(root), *more]
    if faults:
        raise WarmfoldError("\n".join(faults))


def default_data(project: Path) -> Path:
    """The project's only CSV file. Raises ``WarmfoldError`` if there is none, or a choice."""
    found = sorted((project / "data").glob("*.csv"))
    if len(found) != 1:
        what = "no CSV file" if not found else f"{len(found)} CSV files"
        raise WarmfoldError(f"{project / 'data'} holds {what}: name the data with --data FILE")
    return found[0]


def training_data_faults(data: Path) -> Iterator[str]:
    """What would keep a run from reading the file that it is to train on."""
    faults = list(data_faults(data))
    yield from faults
    if not faults and data.suffix.lower() not in DATA_SUFFIXES:
        yield (
            f"data file {data}: a run reads only files whose names end with "
            f"{' or '.join(DATA_SUFFIXES)}: rename it, or name another one by --data"
        )


def data_faults(data: Path, wanted: str = "CSV or Parquet file") -> Iterator[str]:
    """What is wrong with the data file as a file; its content is the pipeline's business."""
    if not os.access(data, os.F_OK):
        yield f"data file {data} does not exist: name a {wanted} by --data"
    elif not data.is_file():
        yield f"data file {data} is not a file: name a {wanted} by --data"
    elif not os.access(data, os.R_OK):
        yield f"data file {data} cannot be read: allow it, or name another one by --data"
    elif data.stat().st_size == 0:
        yield f"data file {data} is empty: it needs a header line and rows"


def folder_faults(images_dir: Path, state_dir: Path, report: Path) -> Iterator[str]:
    """Which of the folders that the demo fills cannot be written."""
    yield from folder_fault(images_dir, "images")
    yield from folder_fault(state_dir, "state", ", or name another one by --state-dir")
    yield from report_fault(report, "--report")


def report_fault(report: Path, option: str) -> Iterator[str]:
    """What would keep a report from being written there."""
    there = os.access(report, os.F_OK)
    if there and report.is_dir():
        yield f"report {report} is a folder: name a file by {option}"
    elif there and not os.access(report, os.W_OK):
        yield f"report {report} cannot be written: allow it, or name another file by {option}"
    yield from folder_fault(report.parent, "report", f", or name another one by {option}")


def folder_fault(folder: Path, what: str, remedy: str = "") -> Iterator[str]:
    """What would keep a folder from being made and written; nothing is made for it."""
    # not Path.exists, which raises where a folder above must not be looked into
    folders = (folder.absolute(), *folder.absolute().parents)
    there = next(path for path in folders if os.access(path, os.F_OK))
    if not there.is_dir():
        yield f"{what} folder {folder}: {there} is a file, not a folder: move it{remedy}"
    elif not os.access(there, os.W_OK | os.X_OK):
        yield f"{what} folder {folder}: {there} cannot be written: allow it{remedy}"


def _tool_faults(root: Path) -> Iterator[str]:
    if not (root / "node_modules" / "aws-cdk" / "bin" / "cdk").is_file():
        yield f"the CDK command line is not installed in {root}: run `make setup`"
    node = shutil.which("node")
    if node is None:
        yield f"node is not on the PATH: install Node.js {_OLDEST_NODE} or newer"
        return
    shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    version = re.match(r"v(\d+)", shown.stdout)
    if version is None or int(version.group(1)) < _OLDEST_NODE:
        yield (
            f"{node} is Node.js {shown.stdout.strip() or 'of unknown version'}: "
            f"install {_OLDEST_NODE} or newer"
        )
