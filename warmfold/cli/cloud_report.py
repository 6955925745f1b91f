"""What ``local status`` says of a local cloud's walls, and of what its jobs used."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_NEWEST = 10
_MIB = 1024 * 1024

# The members of ``isolation.json`` that a container may have to itself, in a reader's words.
_OWN = {
    "files": "files",
    "processes": "processes",
    "network": "network",
    "host_names": "host names",
}


def isolation_line(state_dir: Path) -> str:
    """Whether jobs run behind walls, and what is missing."""
    path = state_dir / "isolation.json"
    if not path.is_file():
        return "isolation: not known"
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    own = ", ".join(text for name, text in _OWN.items() if values[name]) or "nothing"
    lacking = ", ".join(text for name, text in _OWN.items() if not values[name])
    parts = [f"isolation: {values['kind']}; a job has its own: {own}"]
    parts += [f"NOT enforced: {lacking}; {values['remedy']}"] if lacking else []
    parts += [] if values["own_addresses"] else ["hosts of a job share 127.0.0.1, by port"]
    parts.append(
        "with network isolation a job's process reaches its own hosts alone, a model server's none"
        if values["network"]
        else "network isolation is NOT enforced: jobs and model servers only lack credentials"
    )
    return "; ".join(parts)


def resource_lines(state_dir: Path) -> Iterator[str]:
    """What the newest jobs used, newest first."""
    paths = sorted(state_dir.glob("jobs/*/*/resources.json"), key=_written, reverse=True)
    for path in paths[:_NEWEST]:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        hosts = list(values["hosts"].values())
        memory = max(host["peak_memory_bytes"] for host in hosts) / _MIB
        disk = sum(host["disk_bytes"] for host in hosts) / _MIB
        kind, name = path.parent.parent.name, path.parent.name
        yield (
            f"{kind} {name}: {len(hosts)} host{'s' if hosts[1:] else ''}, "
            f"{values['cpu_seconds']:.1f} CPU s, {memory:.0f} MiB memory, {disk:.1f} MiB disk"
        )


def _written(path: Path) -> int:
    return path.stat().st_mtime_ns
