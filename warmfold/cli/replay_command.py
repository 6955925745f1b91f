"""``local replay``: hours of tuning on a modelled clock, cold and warm, with every assumption."""

import argparse
import json

from warmfold.errors import WarmfoldError
from warmfold_local.modelled.parameters import ParameterError
from warmfold_local.modelled.replay import CASES, as_text, as_values, parse_settings
from warmfold_local.modelled.replay import replay as replay_case


def add_replay(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "replay", help="model time and cost of tuning with and without warm pools; runs nothing"
    )
    parser.add_argument("--case", choices=[*CASES, "all"], default="all")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="settings",
        help="replace an assumption that the replay prints; may be repeated",
    )
    parser.add_argument("--json", action="store_true", help="print values instead of text")
    parser.set_defaults(command=replay)


def replay(options: argparse.Namespace) -> None:
    """Raises ``WarmfoldError`` for a setting that is unknown or cannot be used."""
    cases = list(CASES.values()) if options.case == "all" else [CASES[options.case]]
    try:
        settings = parse_settings(options.settings)
        replays = [replay_case(case, settings) for case in cases]
    except ParameterError as error:
        raise WarmfoldError(str(error)) from error
    if options.json:
        print(json.dumps([as_values(result) for result in replays], indent=2))
    else:
        print("\n\n".join(as_text(result) for result in replays))
