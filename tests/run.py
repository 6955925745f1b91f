"""`make test`: all tests, in three pytest processes side by side.

Most of a local cloud's tests is waiting, which leaves the cores to the others. Which tests a
process has, and in what order, is always the same; each keeps its own temporary folders, ports
and local clouds. `python -m pytest` runs the same tests one after another.
"""

import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

LOCAL_CLOUD = "tests/localcloud"
# These start local clouds of their own; all others of the folder share one.
OWN_CLOUDS = [f"{LOCAL_CLOUD}/test_{name}.py" for name in ("demo", "launcher", "restart")]
GROUPS: dict[str, list[str]] = {
    "unit and synth": [f"--ignore={LOCAL_CLOUD}"],
    "shared local cloud": [LOCAL_CLOUD, *(f"--ignore={path}" for path in OWN_CLOUDS)],
    "own local clouds": OWN_CLOUDS,
}


@dataclass(frozen=True)
class Runner:
    """Runs pytest in ``folder``; of several at once, prints each one's report in one piece."""

    folder: Path
    _printing: threading.Lock = field(default_factory=threading.Lock)

    def run(self, groups: Mapping[str, Sequence[str]]) -> int:
        """Give each group of arguments a process; 0 if all of them ended well, else 1.

        After Ctrl-C, which the terminal gives the processes too, they are still waited for.
        """
        with ThreadPoolExecutor(len(groups)) as pool:
            codes = list(pool.map(self._run_one, groups, groups.values()))
        failed = [name for name, code in zip(groups, codes, strict=True) if code != 0]
        self._say(f"failed: {', '.join(failed)}\n" if failed else "all groups passed\n")
        return 1 if failed else 0

    def _run_one(self, name: str, arguments: Sequence[str]) -> int:
        with subprocess.Popen(
            [sys.executable, "-u", "-m", "pytest", *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as child:
            report = self._without_dots(name, child.stdout or ())
        self._say(f"-- {name}\n{report}")
        return child.returncode

    def _without_dots(self, name: str, lines: Iterable[str]) -> str:
        """Lines of dots, which end with how far it is, are printed as they come."""
        kept = []
        for line in lines:
            if line.endswith("%]\n"):
                self._say(f"{name:18} {line}")
            else:
                kept.append(line)
        return "".join(kept)

    def _say(self, text: str) -> None:
        with self._printing:
            print(text, end="", flush=True)  # noqa: T201


if __name__ == "__main__":
    try:
        sys.exit(Runner(Path(__file__).parents[1]).run(GROUPS))
    except KeyboardInterrupt:
        sys.exit(130)
