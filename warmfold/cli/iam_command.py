"""``local iam-report``: what the roles of a running local cloud used, never used, were refused."""

import argparse
import json
from collections.abc import Iterator

from warmfold.cli.cloud_commands import running
from warmfold.errors import WarmfoldError
from warmfold_local.access.client import usage
from warmfold_local.access.report import RoleUse, report

_SHOWN = 3
# What `cdk bootstrap` makes, and not this project.
_BOOTSTRAP = "cdk-"


def add_iam_report(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "iam-report", help="what each role used, never used, and was refused"
    )
    parser.add_argument(
        "--role", default="", help="only roles with this in their name, in any case"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, with every resource")
    parser.set_defaults(command=iam_report)


def iam_report(options: argparse.Namespace) -> None:
    """Raises ``WarmfoldError`` if no role has that in its name."""
    found = report(usage(running(options.state_dir).settings))
    wanted = chosen(found, options.role)
    if options.json:
        print(json.dumps([each.as_json() for each in wanted], indent=2))
        return
    for line in shown(wanted, fold=not options.role):
        print(line)


def chosen(found: list[RoleUse], part: str) -> list[RoleUse]:
    """Roles with ``part`` in their name, the CDK's last. Raises ``WarmfoldError`` if none has."""
    ordered = sorted(found, key=lambda each: each.role.startswith(_BOOTSTRAP))
    wanted = [each for each in ordered if part.lower() in each.role.lower()]
    if found and not wanted:
        names = ", ".join(each.role for each in ordered)
        raise WarmfoldError(f"no role's name contains {part!r}; there are: {names}")
    return wanted


def shown(roles: list[RoleUse], *, fold: bool) -> Iterator[str]:
    """The report's lines; ``fold`` gives the CDK's bootstrap roles one each."""
    for each in roles:
        if fold and each.role.startswith(_BOOTSTRAP):
            yield (
                f"{each.role}  {len(each.used)} used, {len(each.never_used)} never used, "
                f"{len(each.denied)} denied"
            )
        else:
            yield from _lines(each)
    if not roles:
        yield "no role was used"
        return
    denied = sum(len(each.denied) for each in roles)
    calls = denied + sum(len(used.resources) for each in roles for used in each.used)
    yield f"{len(roles)} role{'s' if roles[1:] else ''}, {calls} different calls, {denied} denied"


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
