"""``local faults add``, ``list`` and ``clear``."""

import argparse
import json

from warmfold.cli.cloud_commands import running
from warmfold.errors import WarmfoldError
from warmfold_local.faults.client import FaultError, FaultsClient
from warmfold_local.faults.kinds import KINDS
from warmfold_local.faults.parse import describe


def add_faults(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    faults = actions.add_parser("faults", help="make it fail on demand (docs/faults.md)")
    verbs = faults.add_subparsers(required=True, metavar="ACTION")
    add = verbs.add_parser("add", help="set a fault")
    add.add_argument("kind", choices=sorted(KINDS))
    add.add_argument("match", help="name, or shell pattern, of what it hits")
    add.add_argument(
        "members", nargs="*", metavar="NAME=VALUE", help="such as times=3 or probability=0.2 seed=7"
    )
    add.set_defaults(command=add_fault)
    verbs.add_parser("list", help="what is set, and what has fired").set_defaults(
        command=list_faults
    )
    clear = verbs.add_parser("clear", help="remove one fault, or all")
    clear.add_argument("id", nargs="?", help="such as fault-1 (default: all, and what has fired)")
    clear.set_defaults(command=clear_faults)


def add_fault(options: argparse.Namespace) -> None:
    """Raises ``WarmfoldError`` for a malformed fault, as the local cloud words it."""
    members = dict(_member(text) for text in options.members)
    try:
        print(_client(options).add(kind=options.kind, match=options.match, **members))
    except FaultError as error:
        raise WarmfoldError(str(error)) from error


def list_faults(options: argparse.Namespace) -> None:
    listed = _client(options).listed()
    for fault in listed["faults"]:
        print(f"{fault['id']}: {describe(fault)} (fired {fault['fired']} times)")
    for firing in listed["firings"]:
        print(f"{firing['time']} {firing['id']} {firing['kind']} on {firing['name']}")
    if not listed["faults"] and not listed["firings"]:
        print("no faults are set")


def clear_faults(options: argparse.Namespace) -> None:
    """Raises ``WarmfoldError`` if there is no fault of that id."""
    try:
        cleared = _client(options).clear(options.id)
    except FaultError as error:
        raise WarmfoldError(str(error)) from error
    print(f"cleared {cleared}")


def _client(options: argparse.Namespace) -> FaultsClient:
    return FaultsClient(running(options.state_dir).settings)


def _member(text: str) -> tuple[str, object]:
    """``times=3`` is a number, ``how=lost`` a text. Raises ``WarmfoldError`` without a ``=``."""
    name, sign, value = text.partition("=")
    if not sign or name in ("kind", "match"):
        raise WarmfoldError(f"{text!r} is not NAME=VALUE, as in times=3")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
