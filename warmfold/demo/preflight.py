"""What can be known to be wrong before anything is started."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from warmfold.errors import WarmfoldError

_OLDEST_NODE = 20


def check(root: Path, data: Path) -> None:
    """Raises one ``WarmfoldError`` that lists everything that is missing."""
    faults = [*data_faults(data), *_tool_faults(root)]
    if faults:
        raise WarmfoldError("\n".join(faults))


def default_data(project: Path) -> Path:
    """The project's only CSV file. Raises ``WarmfoldError`` if there is none, or a choice."""
    found = sorted((project / "data").glob("*.csv"))
    if len(found) != 1:
        what = "no CSV file" if not found else f"{len(found)} CSV files"
        raise WarmfoldError(f"{project / 'data'} holds {what}: name the data with --data FILE")
    return found[0]


def data_faults(data: Path) -> Iterator[str]:
    """What is wrong with the data file as a file; its content is the pipeline's business."""
    if not data.exists():
        yield f"data file {data} does not exist: name a CSV file with a header line by --data"
    elif not data.is_file():
        yield f"data file {data} is not a file: name a CSV file with a header line by --data"
    elif data.stat().st_size == 0:
        yield f"data file {data} is empty: it needs a header line and rows"


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
