"""The workflows as they are read: by name, by job, and the commands of a job."""

from collections.abc import Iterator
from typing import Any

import yaml  # type: ignore[import-untyped]  # cfn-lint brings it, without types

from config.load import REPOSITORY

FOLDER = REPOSITORY / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))


def workflow(name: str) -> dict[str, Any]:
    # BaseLoader: `on` is a word here, and not YAML 1.1's true.
    text = (FOLDER / f"{name}.yml").read_text(encoding="utf-8")
    return dict(yaml.load(text, Loader=yaml.BaseLoader))  # noqa: S506


def steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    return list(job.get("steps", []))


def every_job() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in FILES:
        for name, job in workflow(path.stem)["jobs"].items():
            yield f"{path.name}/{name}", job


def commands(job: dict[str, Any]) -> str:
    return "\n".join(step.get("run", "") for step in steps(job))
