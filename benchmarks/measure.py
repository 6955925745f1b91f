"""A child process measured from outside: wall clock, CPU of its whole tree, peak memory."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from warmfold_trainer.cores import available_cores

# Starts the program from a small process: Linux counts what the starting process held when the
# program began as its peak, and a benchmark that has just made data holds a lot.
_LAUNCHER = """
import contextlib, json, os, subprocess, sys, threading, time

def watch(status):
    while not ended.wait(0.05):
        with contextlib.suppress(OSError), open(status) as file:
            kilobytes.extend(int(line.split()[1]) for line in file if line.startswith("RssAnon"))

kilobytes, ended = [0], threading.Event()
begun = time.perf_counter()
child = subprocess.Popen(sys.argv[2:])
watching = threading.Thread(target=watch, args=[f"/proc/{child.pid}/status"])
watching.start()
_, status, usage = os.wait4(child.pid, 0)
found = {
    "code": os.waitstatus_to_exitcode(status),
    "wall_seconds": time.perf_counter() - begun,
    "cpu_seconds": usage.ru_utime + usage.ru_stime,
    "peak_mb": usage.ru_maxrss / 1024,
    "anonymous_mb": max(kilobytes) / 1024,
}
ended.set()
with open(sys.argv[1], "w") as file:
    json.dump(found, file)
"""


# In the folder that a command runs in: its output.
LOG = "benchmark.log"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """``peak_mb`` is the resident memory (MiB) of the largest process of the tree, file pages that
    it has mapped included; ``anonymous_mb`` is the most that the program itself, without its
    children, held beside files, looked at 20 times a second; ``score`` is what it printed last, if
    a number."""

    wall_seconds: float
    cpu_seconds: float
    peak_mb: float
    anonymous_mb: float
    score: float


def measured(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Measured:
    """Runs the command in ``folder``; raises ``RuntimeError`` with its output if it fails."""
    log, figures = folder / LOG, folder / "benchmark.json"
    launched = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(figures), *command]
    with log.open("wb") as out:
        subprocess.run(
            launched, env=dict(environment), cwd=folder, stdout=out, stderr=out, check=True
        )
    text = log.read_text(encoding="utf-8")
    found = json.loads(figures.read_text(encoding="utf-8"))
    if found.pop("code") != 0:
        raise RuntimeError(f"{command} failed:\n{text}")
    return Measured(**found, score=_last_number(text))


def _last_number(text: str) -> float:
    word = text.strip().rpartition("\n")[2].rpartition("=")[2].rstrip(";")
    try:
        return float(word)
    except ValueError:
        return float("nan")


def medians(runs: Sequence[Measured]) -> dict[str, float]:
    return {name: statistics.median(asdict(run)[name] for run in runs) for name in asdict(runs[0])}


def machine() -> dict[str, Any]:
    """What a figure depends on beside the code; the load is that of others before the run."""
    return {
        "cores": available_cores(),
        "load_before": os.getloadavg()[0],
        "lightgbm": lightgbm.__version__,
        "numpy": np.__version__,
    }


def bare_environment(**more: str) -> dict[str, str]:
    """For children: nothing of the caller's but the path; Python writes no byte code."""
    return {"PATH": os.environ.get("PATH", os.defpath), "PYTHONDONTWRITEBYTECODE": "1", **more}
