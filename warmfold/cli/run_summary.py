"""What ``warmfold run`` says: what it trains on, the score, the comparison, what to do next."""

import argparse
import shlex
import shutil
import sys
from pathlib import Path

from warmfold.cli.cloud_commands import DEFAULT_STATE_DIR
from warmfold.report.champion import verdict
from warmfold.report.charts import metric_name
from warmfold.report.collect import Package
from warmfold.report.evaluation import Evaluation

# Of the files that a run reads; their number is always said.
_NAMED_FILES = 5


def trains_on(uri: str, files: list[str] | None) -> str:
    """``files`` are names below ``uri``; ``None``: not known."""
    if files is None:
        return f"training on what is below {uri}"
    named = ", ".join(files[:_NAMED_FILES])
    more = len(files) - _NAMED_FILES
    count = f"{len(files)} file{'s' if len(files) > 1 else ''}"
    return f"training on {count} below {uri}: {named}" + (f" and {more} more" if more > 0 else "")


def run_summary(
    options: argparse.Namespace, package: Package, evaluation: Evaluation, *, maximize: bool
) -> list[str]:
    """The lines. ``options`` are those of the run, which the next commands repeat."""
    lines = [f"hold-out {metric_name(evaluation.metric)}: {evaluation.score:.4f}"]
    champion = evaluation.champion
    if champion is not None and champion.compared is not None:
        said = verdict(champion.compared, maximize=maximize)
        flattered = "" if champion.compared.clean else "; it may have been trained on these rows"
        lines.append(f"against version {champion.version}, approved: {said}{flattered}")
    lines.append(f"see it:     {_command(options, 'report')}")
    if package.approval == "PendingManualApproval":
        lines.append(f"approve it: {_command(options, 'approve', str(package.version))}")
    return lines


def _command(options: argparse.Namespace, *words: str) -> str:
    state: Path = options.state_dir
    where = [] if state == DEFAULT_STATE_DIR else ["--state-dir", str(state)]
    chosen = [*where, *words, "--env", options.env]
    if options.model is not None:
        chosen += ["--model", options.model]
    return shlex.join([_program(), *chosen])


def _program() -> str:
    """As a shell finds it: beside Python, unless the environment is activated."""
    return "warmfold" if shutil.which("warmfold") else str(Path(sys.executable).parent / "warmfold")
