"""The real CDK command line, run against a local cloud with an environment built from empty."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from warmfold.errors import RunFailedError
from warmfold_local.cloud import Settings
from warmfold_local.engine import leftovers

_TAIL_LINES = 8
# How the CDK marks a stack that is deployed, or found unchanged.
_DONE = "✅"
_STOP_SECONDS = 10


def cdk_environment(settings: Settings, root: Path) -> dict[str, str]:
    """Reaches this cloud and no other; the CDK's caches of accounts stay with the cloud.

    Only jsii's unpacked library (200 MB) is kept between runs, under ``build/``.
    """
    node = shutil.which("node")
    folders = [Path(sys.executable).parent, Path(node or "/usr/bin/node").parent]
    return {
        **settings.client_environment(),
        "PATH": os.pathsep.join([*(str(folder) for folder in folders), "/usr/bin", "/bin"]),
        "HOME": str(settings.state_dir / "home"),
        "LANG": "C.UTF-8",
        "CI": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(root / "build" / "jsii-cache"),
        # The majors of Node.js for which jsii prints eleven lines, although they work.
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20,21,23",
        # The CDK's own template validator costs more than the rest of synth, and cdk-nag still
        # runs; `make check` lints the templates.
        "CDK_VALIDATION": "false",
    }


@dataclass(frozen=True, kw_only=True)
class Cdk:
    """Runs CDK commands in ``root``, for the local cloud of ``state_dir``.

    Everything they print is appended to ``cdk.log`` there. Should this process be killed, the
    cloud's next start ends them, as it ends the cloud's own children.
    """

    root: Path
    state_dir: Path
    environment: Mapping[str, str]

    @property
    def log_path(self) -> Path:
        return self.state_dir / "cdk.log"

    def bootstrap(self, account: str, region: str, on_line: Callable[[str], None]) -> None:
        """Raises ``RunFailedError`` with the end of the output."""
        self.remove_output()
        target = f"aws://{account}/{region}"
        self._run("cdk bootstrap", ["bootstrap", target, *self._context()], on_line)

    def deploy(self, on_line: Callable[[str], None]) -> list[str]:
        """Deploy every stack of the environment; the stacks' names in order of deployment."""
        options = ["--all", "--require-approval", "never", "--concurrency", "3"]
        deployed: list[str] = []

        def listen(line: str) -> None:
            if line.lstrip().startswith(_DONE):
                deployed.append(line.lstrip().removeprefix(_DONE).split()[0])
            on_line(line)

        self._run("cdk deploy", ["deploy", *options, *self._context()], listen)
        return deployed

    def remove_output(self) -> None:
        """What was synthesized, by this process or an earlier one; the log stays."""
        for folder in self.state_dir.glob("cdk.out*"):
            shutil.rmtree(folder, ignore_errors=True)

    def _context(self) -> list[str]:
        # A folder of this process's: the CDK locks it, and one that was killed a moment ago may
        # have left a CDK behind that still holds its own.
        output = self.state_dir / f"cdk.out.{os.getpid()}"
        return ["--no-notices", "--no-color", "--output", str(output), "-c", "env=local"]

    def _run(self, what: str, arguments: Sequence[str], on_line: Callable[[str], None]) -> None:
        records = self.state_dir / "children"
        records.mkdir(parents=True, exist_ok=True)
        command = ["node", str(self.root / "node_modules" / "aws-cdk" / "bin" / "cdk"), *arguments]
        tail: list[str] = []
        with (
            self.log_path.open("a", encoding="utf-8") as log,
            subprocess.Popen(
                command,
                cwd=self.root,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            ) as child,
        ):
            leftovers.record(records, child.pid)
            try:
                for line in child.stdout or ():
                    log.write(line)
                    log.flush()
                    if line.strip():
                        tail = [*tail, line.rstrip()][-_TAIL_LINES:]
                        on_line(line.rstrip())
            except BaseException:
                _end(child)
                raise
        leftovers.forget(records, child.pid)
        if child.returncode != 0:
            raise RunFailedError(what, "\n    ".join(tail), self.log_path)


def _end(child: "subprocess.Popen[str]") -> None:
    """The whole group: the CDK does not end the app and jsii's kernel with itself."""
    os.killpg(child.pid, signal.SIGTERM)
    try:
        child.wait(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
