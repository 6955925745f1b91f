"""``local iam-report``: what the roles of a running local cloud used, never used, were refused."""

import argparse
import json
from collections.abc import Iterator

from warmfold.cli.cloud_commands import running
from warmfold_local.access.client import usage
from warmfold_local.access.report import RoleUse, report

_SHOWN = 3


def add_iam_report(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "iam-report", help="what each role used, never used, and was refused"
    )
    parser.add_argument("--role", default="", help="only roles with this in their name")
    parser.add_argument("--json", action="store_true", help="print JSON, with every resource")
    parser.set_defaults(command=iam_report)


def iam_report(options: argparse.Namespace) -> None:
    found = report(usage(running(options.state_dir).settings))
    wanted = [each for each in found if options.role in each.role]
    if options.json:
        print(json.dumps([each.as_json() for each in wanted], indent=2))
        return
    for each in wanted:
        print("\n".join(_lines(each)))
    if not wanted:
        print("no role was used")


def _lines(role: RoleUse) -> Iterator[str]:
    yield role.role
    for used in role.used:
        yield f"  used        {used.action}  {_some(used.resources)}"
    for unused in role.never_used:
        yield f"  never used  {unused.action}  {_some(unused.resources)}  [{unused.statement}]"
    for denied in role.denied:
        yield f"  denied      {denied.action}  {denied.resource}  {denied.reason}"


def _some(resources: tuple[str, ...]) -> str:
    more = len(resources) - _SHOWN
    return ", ".join(resources[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
