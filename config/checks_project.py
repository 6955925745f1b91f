"""Where a model's project is: asked about the file's plain values.

A project is there or not whatever else is wrong with its model, so that this does not wait for a
model that decodes whole.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from config.errors import Fault
from config.plain import tables


def project_faults(values: Mapping[str, object], repository: Path) -> Iterator[Fault]:
    """What is wrong with each model's ``project``; a value of another type is the decoder's."""
    for index, model in tables(values, "models"):
        project = model.get("project")
        problem = _problem(project, repository) if isinstance(project, str) else None
        if problem is not None:
            yield Fault(
                key=f"models[{index}].project",
                value=project,
                problem=problem,
                remedy="name the folder of a Python project, relative to the repository, such as "
                "examples/german_credit",
            )


def _problem(project: str, repository: Path) -> str | None:
    folder = repository / project
    if project.startswith(("/", "~")) or ".." in project.split("/"):
        return "leaves the repository"
    if folder == repository:
        return "is the repository itself"
    if not folder.is_dir():
        return "is no folder of the repository"
    if not (folder / "pyproject.toml").is_file():
        return "has no pyproject.toml"
    return None
