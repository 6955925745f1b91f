"""Which operations this cloud supports, as a page: ``python -m warmfold_local.operations FILE``.

The page is written from the registry of handlers and botocore's list of operations, so that it
cannot say more than the code does.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from itertools import groupby
from pathlib import Path
from pkgutil import walk_packages

from warmfold_local import autoscaling, sagemaker, service_quotas
from warmfold_local.sagemaker.members import RECORDED, REFUSED
from warmfold_local.sagemaker.pipeline_definition import STEP_TYPES
from warmfold_local.sagemaker.pipeline_steps import EXECUTORS
from warmfold_local.sagemaker.protocol import SAGEMAKER, registered
from warmfold_shapes.constraints import service_model

_INTRODUCTION = """\
# Operations of the local cloud

Written by `python -m warmfold_local.operations docs/operations.md` from the handlers that are
registered; a test holds this page to them. What a member of a supported operation cannot do here
is refused with a text that says so. Every other operation answers `UnsupportedOperation`
(HTTP 501)."""

_WORD = re.compile(r"[A-Z][a-z]*")

_OTHERS = (
    ("Application Auto Scaling", autoscaling.SERVICE),
    ("Service Quotas", service_quotas.SERVICE),
)


def page() -> str:
    """The whole page, as Markdown."""
    for module in walk_packages(sagemaker.__path__, f"{sagemaker.__name__}."):
        import_module(module.name)  # operations register themselves
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    supported = registered(SAGEMAKER)
    every = service_model(SAGEMAKER).operation_names
    yield from _section(f"SageMaker: supported ({len(supported)} of {len(every)})", supported)
    for title, service in _OTHERS:
        found = registered(service)
        total = len(service_model(service).operation_names)
        yield from _section(f"{title}: supported ({len(found)} of {total})", found)
    yield from _section("Pipeline step types that run", EXECUTORS)
    yield from _section("Pipeline step types that are refused", STEP_TYPES - EXECUTORS.keys())
    title = "Members of a request that are kept for Describe, and have no effect"
    yield from _members(title, RECORDED)
    yield from _members("Members of a request that are refused", REFUSED)
    missing = set(every) - set(supported)
    yield from _section(f"SageMaker: not supported ({len(missing)})", missing)


def _section(title: str, names: Iterable[str]) -> Iterator[str]:
    """One line for each verb that names begin with."""
    yield from ("", f"## {title}", "")
    for _, group in groupby(sorted(names), key=_first_word):
        yield "- " + ", ".join(f"`{name}`" for name in group)


def _members(title: str, table: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """One line for each operation; ``[]`` stands for the items of a list."""
    yield from ("", f"## {title}", "")
    for operation, paths in sorted(table.items()):
        yield f"- {operation}: " + ", ".join(f"`{path}`" for path in sorted(paths))


def _first_word(name: str) -> str:
    """``Describe`` of ``DescribeTrainingJob``."""
    found = _WORD.match(name)
    return name if found is None else found.group()


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
