"""``run``, ``approve``, ``score`` and ``report``: on a running local cloud, or on AWS."""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from config.load import REPOSITORY, load_settings
from config.names import Names
from config.settings import Model
from warmfold.cli.approval import kept_back, worse_than_approved
from warmfold.cli.run_summary import run_summary
from warmfold.demo import batch, promote
from warmfold.demo.flow import run_pipeline
from warmfold.demo.preflight import data_faults, report_fault
from warmfold.errors import WarmfoldError
from warmfold.report import gate, page
from warmfold.report.collect import (
    collect,
    newest_evaluated,
    package_arn,
    read_evaluation,
    read_package,
)
from warmfold.runs.aws import Aws, connect, find_deployment
from warmfold.runs.orders import approved_versions, read_orders
from warmfold.runs.start import git_commit, upload_data

__all__ = ["approve", "report", "run", "score", "target"]


def run(options: argparse.Namespace) -> None:
    """Train. Without ``--data``, on everything below the deployed ``RawDataUri``."""
    if options.data is not None:
        faults = list(data_faults(options.data))
        if faults:
            raise WarmfoldError(faults[0])
    aws, model = target(options)
    deployment = find_deployment(aws, model.name)
    parameters = {"GitCommit": git_commit(REPOSITORY)}
    if options.data is not None:
        parameters["InputDataUri"] = upload_data(aws, deployment, options.data)
    if options.minimum_score is not None:
        parameters["MinimumScore"] = str(options.minimum_score)
    made = run_pipeline(aws, deployment.training["PipelineName"], parameters, Console())
    package = read_package(aws, package_arn(made))
    print(f"{made.execution_arn}\nmodel version {package.version}: {package.approval}")
    if package.approval == "Rejected":
        raise gate.refusal(aws, made)
    evaluation = read_evaluation(aws, made)
    print("\n".join(run_summary(options, package, evaluation, maximize=made.maximize)))


def approve(options: argparse.Namespace) -> None:
    """Approve a version and wait until the endpoint serves it; warns of one that scores worse."""
    aws, model = target(options)
    group = find_deployment(aws, model.name).training["ModelPackageGroupName"]
    new = read_package(aws, promote.find_package(aws, group, options.version))
    names = Names(aws.environment).model(model.name)
    others = {v: arn for v, arn in approved_versions(aws, names).items() if v != new.version}
    if others:
        latest = read_package(aws, others[max(others)])
        warning = worse_than_approved(new, latest, model.tuning.direction)
        if warning is not None:
            print(f"warning: {warning}", file=sys.stderr)
    before = promote.last_update(aws, names.serving_stack)
    promote.approve(aws, new.arn, "approved with the warmfold command line")
    reason = kept_back(new.version, max([new.version, *others]), read_orders(aws, names))
    if reason is not None:
        print(f"approved {new.arn}; it is not deployed: {reason}")
        return
    print(f"approved {new.arn}; waiting for the endpoint")
    promote.wait_until_serving(aws, names.endpoint, new.arn, names.serving_stack, after=before)
    print(f"endpoint {names.endpoint} is InService with it")


def score(options: argparse.Namespace) -> None:
    """Print one score a line, in the order of the applicants."""
    applicants = read_applicants(options.file)
    aws, model = target(options)
    endpoint = find_deployment(aws, model.name).serving["EndpointName"]
    for value in promote.score(aws, endpoint, applicants):
        print(value)


def read_applicants(file: str) -> list[dict[str, Any]]:
    """One JSON object, a list of them, or JSON Lines. Raises ``WarmfoldError`` with the line."""
    if file != "-" and not Path(file).is_file():
        raise WarmfoldError(f"{file} is not a file: name a JSON or JSON Lines file, or -")
    text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    where = "standard input" if file == "-" else file
    try:
        values = json.loads(text)
        found = values if isinstance(values, list) else [values]
    except ValueError:
        found = [
            _object(line, n, where) for n, line in enumerate(text.splitlines(), 1) if line.strip()
        ]
    if not found or not all(isinstance(value, dict) for value in found):
        raise WarmfoldError(f"{where} holds no applicants: it needs JSON objects, one a line")
    return found


def _object(line: str, number: int, where: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise WarmfoldError(f"{where}, line {number}: not JSON: write one object a line") from error


def report(options: argparse.Namespace) -> None:
    """Write the report of a run; prints its path."""
    aws, model = target(options)
    path: Path = options.output or REPOSITORY / "build" / "reports" / f"{model.name}.html"
    faults = list(report_fault(path, "--output"))
    if faults:
        raise WarmfoldError("\n".join(faults))
    deployment = find_deployment(aws, model.name)
    pipeline = deployment.training["PipelineName"]
    execution = options.execution or _newest(aws, pipeline)
    manifest = None if options.day is None else batch.manifest_uri(deployment, options.day)
    data = collect(aws, model.name, execution, batch_manifest_uri=manifest)
    print(page.write(data, path, datetime.now(UTC)))


def _newest(aws: Aws, pipeline: str) -> str:
    """The newest run that can be reported on; says which, and what it passes over."""
    execution, newer = newest_evaluated(aws, pipeline)
    passed_over = f"; newer, but without a model: {', '.join(newer)}" if newer else ""
    print(f"run {execution.rsplit('/', 1)[-1]}{passed_over}", file=sys.stderr)
    return execution


def target(options: argparse.Namespace) -> tuple[Aws, Model]:
    """Where the command works, and the model that it is about."""
    models = load_settings(options.env).models
    wanted = options.model or models[0].name
    model = next((model for model in models if model.name == wanted), None)
    if model is None:
        known = ", ".join(model.name for model in models)
        raise WarmfoldError(f"environment {options.env!r} has no model {wanted!r}: it has {known}")
    return connect(options.env, options.state_dir), model
