"""The steps of an image build: child processes whose output goes to a log, and atomic folders."""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from warmfold.errors import WarmfoldError

# What pip may need to reach the user's index: proxies, certificates, its own configuration.
_PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_CONFIG_DIRS",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NETRC",
)
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
# Of pip's own variables, those that would install somewhere else than we say.
_NOT_PASSED_ON = {"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_PYTHON"}

_MISSING_MODULE = re.compile(r"No module named '([^']+)'")

# The earliest time a zip file can hold. The same sources give the same wheel, byte for byte.
_SOURCE_DATE_EPOCH = "315532800"


class ImageBuildError(WarmfoldError):
    """An image cannot be built; the message says which step failed and where its output is."""


class Steps:
    """Runs one image's steps; their output is appended to ``log_path``."""

    def __init__(self, image: str, log_path: Path) -> None:
        self._image = image
        self._log_path = log_path
        log_path.parent.mkdir(parents=True, exist_ok=True)
        log_path.write_bytes(b"")

    def run(
        self, what: str, argv: Sequence[str | Path], environment: Mapping[str, str] | None = None
    ) -> None:
        """Raises ``ImageBuildError`` unless the process ends with 0.

        Without ``environment`` it gets what pip needs of ours, and nothing else.
        """
        with self._log_path.open("ab") as log:
            log.write(f"# {what}\n".encode())
            log.flush()
            result = subprocess.run(
                [str(item) for item in argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_pip_environment(os.environ) if environment is None else dict(environment),
                check=False,
            )
        if result.returncode != 0:
            raise ImageBuildError(
                f"image {self._image}: {what} failed: {self._last_line()}\n"
                f"{_remedy(self._last_line())}its whole output: {self._log_path}"
            )

    def _last_line(self) -> str:
        lines = self._log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        told = [line.strip() for line in lines if line.strip() and not line.startswith("# ")]
        errors = [line for line in told if line.startswith("ERROR")]
        return (errors or told or ["it said nothing"])[-1]


def _remedy(line: str) -> str:
    """What to do about an import that fails; empty for anything else."""
    found = _MISSING_MODULE.search(line)
    if found is None:
        return ""
    return (
        f"if {found[1]!r} is the project's own, correct the import or the entry point; else name "
        "its package in containers/trainer/requirements.in and containers/server/requirements.in, "
        "run `make lock`, and build again\n"
    )


def _pip_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Built from empty: no credentials, no Python settings that would leak into the image."""
    passed = {
        name: value
        for name, value in environment.items()
        if name in _PASSED_ON
        or name.upper() in _PROXIES
        or (name.startswith("PIP_") and name not in _NOT_PASSED_ON)
    }
    return {
        **passed,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "SOURCE_DATE_EPOCH": _SOURCE_DATE_EPOCH,
    }


@contextmanager
def published(target: Path, workshop: Path) -> Iterator[Path]:
    """A new folder that takes its final name when the block has ended without an error.

    A reader sees all of it or nothing, and of two builders at once the first one wins: both have
    built the same. An older folder of that name must have been put aside, see ``put_aside``.
    ``workshop`` must be on the same file system.
    """
    workshop.mkdir(parents=True, exist_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=workshop) as scratch:
        folder = Path(scratch) / target.name
        folder.mkdir()
        yield folder
        try:
            folder.rename(target)
        except OSError:
            if not target.is_dir():
                raise


def put_aside(target: Path, workshop: Path) -> None:
    """Remove a folder that is out of date, without leaving a half of it behind."""
    if not target.exists():
        return
    workshop.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=workshop) as scratch:
        target.rename(Path(scratch) / target.name)
