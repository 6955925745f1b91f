"""What a synth costs beside the CDK's own: ``python app.py`` against an app with an empty stack.

``python -m benchmarks.synth [--env dev] [--runs 7] [--json FILE]`` runs, in turn: `import aws_cdk`
alone, an app with an empty stack, and the project's app with one environment; each as a process of
its own, first with the CDK's built-in template validator and then without. Ratios are of runs of
one round, to the empty app's, and the median over the rounds is printed.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.environment import ROOT
from benchmarks.measure import Measured, machine, measured
from config.load import environments
from warmfold.templates import child_environment

EMPTY = "an empty app"
_APPS = {
    "import aws_cdk": "import aws_cdk",
    EMPTY: "from aws_cdk import App, Stack; app = App(); Stack(app, 'Empty'); app.synth()",
}
# This checkout alone, whatever is installed.
_ROOTS = ("", "constructs", "containers", "lambda_src")
_VALIDATOR = {"with the CDK's validator": "true", "without it": "false"}

Round = dict[str, Measured]


def one_round(environment: str, validation: str, folder: Path) -> Round:
    """Each program once; the caches of Python and jsii are warm from the round before."""
    variables = {
        **child_environment(),
        "CDK_VALIDATION": validation,
        "CDK_OUTDIR": str(folder / "cdk.out"),
        "CDK_CONTEXT_JSON": json.dumps({"env": environment}),
        "PYTHONPATH": os.pathsep.join(str(ROOT / name) for name in _ROOTS),
    }
    programs = {name: ["-c", code] for name, code in _APPS.items()}
    programs[f"app.py, {environment}"] = [str(ROOT / "app.py")]
    return {
        name: measured([sys.executable, *arguments], variables, folder)
        for name, arguments in programs.items()
    }


def summary(rounds: list[Round]) -> dict[str, dict[str, float]]:
    """Medians of each program, and of its ratio to the empty app in the same round."""
    return {
        name: {
            "wall_seconds": statistics.median(each[name].wall_seconds for each in rounds),
            "cpu_seconds": statistics.median(each[name].cpu_seconds for each in rounds),
            "wall_ratio": statistics.median(
                each[name].wall_seconds / each[EMPTY].wall_seconds for each in rounds
            ),
            "cpu_ratio": statistics.median(
                each[name].cpu_seconds / each[EMPTY].cpu_seconds for each in rounds
            ),
        }
        for name in rounds[0]
    }


def run(environment: str, runs: int) -> dict[str, Any]:
    found: dict[str, Any] = {"machine": machine(), "environment": environment, "runs": runs}
    with tempfile.TemporaryDirectory() as name:
        for title, validation in _VALIDATOR.items():
            one_round(environment, validation, Path(name))  # warms the caches
            rounds = [one_round(environment, validation, Path(name)) for _ in range(runs)]
            found[title] = summary(rounds)
    return found


def show(found: dict[str, Any]) -> None:
    for title in _VALIDATOR:
        print(f"\n{title:28}{'wall s':>8}{'CPU s':>8}{'wall':>8}{'CPU':>8}")
        for name, row in found[title].items():
            seconds = f"{row['wall_seconds']:8.2f}{row['cpu_seconds']:8.2f}"
            print(f"  {name:26}{seconds}{row['wall_ratio']:7.2f}x{row['cpu_ratio']:7.2f}x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--env", choices=environments(), default="dev")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = run(options.env, options.runs)
    show(found)
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
