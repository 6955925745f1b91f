"""``run``, ``approve``, ``score`` and ``report``: on a running local cloud, or on AWS."""

import argparse
import json
import math
import re
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from config.checks_search import UNIT_METRICS
from config.load import REPOSITORY, load_settings
from config.names import Names
from config.settings import Model
from warmfold.cli.approval import kept_back, worse_than_approved
from warmfold.cli.run_summary import run_summary, trains_on
from warmfold.demo import batch, promote
from warmfold.demo.flow import run_pipeline
from warmfold.demo.preflight import report_fault, training_data_faults
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
from warmfold.runs.start import git_commit, raw_data, upload_data

# The API model's own pattern (botocore: PipelineExecutionArn).
_EXECUTION = re.compile(r"arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:pipeline/.+/execution/.+")

__all__ = ["approve", "report", "run", "score", "target"]


def run(options: argparse.Namespace) -> None:
    """Train. Without ``--data``, on everything below the deployed ``RawDataUri``."""
    faults = list[str]() if options.data is None else list(training_data_faults(options.data))
    if faults:
        raise WarmfoldError(faults[0])
    aws, model = target(options)
    _require_sensible_gate(options.minimum_score, model)
    deployment = find_deployment(aws, model.name)
    parameters = {"GitCommit": git_commit(REPOSITORY)}
    if options.data is None:
        print(trains_on(deployment.training["RawDataUri"], raw_data(aws, deployment)))
    else:
        parameters["InputDataUri"] = upload_data(aws, deployment, options.data)
        print(f"training on {options.data}, uploaded to {parameters['InputDataUri']}")
    if options.minimum_score is not None:
        parameters["MinimumScore"] = str(options.minimum_score)
    made = run_pipeline(aws, deployment.training["PipelineName"], parameters, Console())
    package = read_package(aws, package_arn(made))
    print(f"{made.execution_arn}\nmodel version {package.version}: {package.approval}")
    if package.approval == "Rejected":
        raise gate.refusal(aws, made)
    evaluation = read_evaluation(aws, made)
    print("\n".join(run_summary(options, package, evaluation, maximize=made.maximize)))


def _require_sensible_gate(score: float | None, model: Model) -> None:
    """Before a run is paid for that cannot pass, or always does."""
    if score is None:
        return
    if not math.isfinite(score):
        raise WarmfoldError(f"--minimum-score is {score}: give a finite number")
    metric = model.tuning.metric
    if metric in UNIT_METRICS and not 0 <= score <= 1:
        raise WarmfoldError(f"--minimum-score is {score}: {metric} lies between 0 and 1")


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
    where = "standard input" if file == "-" else file
    text = _text(file, where)
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


def _text(file: str, where: str) -> str:
    """Raises ``WarmfoldError`` for what is no UTF-8, or may not be read."""
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise WarmfoldError(
            f"{where}, byte {error.start + 1}: not UTF-8: save it as JSON Lines in UTF-8"
        ) from error
    except PermissionError as error:
        raise WarmfoldError(f"{where} cannot be read: allow it, or name another file") from error


def _object(line: str, number: int, where: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise WarmfoldError(f"{where}, line {number}: not JSON: write one object a line") from error


def report(options: argparse.Namespace) -> None:
    """Write the report of a run; prints its path."""
    aws, model = target(options)
    path: Path = options.output or REPOSITORY / "build" / "reports" / f"{model.name}.html"
    faults = [*report_fault(path, "--output"), *_choice_faults(options)]
    if faults:
        raise WarmfoldError("\n".join(faults))
    deployment = find_deployment(aws, model.name)
    pipeline = deployment.training["PipelineName"]
    execution = options.execution or _newest(aws, pipeline)
    manifest = None if options.day is None else batch.manifest_uri(deployment, options.day)
    data = collect(aws, model.name, execution, batch_manifest_uri=manifest)
    if manifest is not None and data.batch is None:
        raise WarmfoldError(
            f"no batch of {options.day} is published: there is no {manifest}; name another --day, "
            "or leave it out"
        )
    print(page.write(data, path, datetime.now(UTC)))


def _choice_faults(options: argparse.Namespace) -> Iterator[str]:
    if options.day is not None and not _is_day(options.day):
        yield f"--day is {options.day!r}: give a day as YYYY-MM-DD"
    if options.execution is not None and not _EXECUTION.fullmatch(options.execution):
        yield (
            f"--execution is {options.execution!r}: give the ARN of a pipeline execution, as "
            "`warmfold run` prints it"
        )


def _is_day(text: str) -> bool:
    """As the batch's folders are named; ``fromisoformat`` alone takes ``20260302`` too."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


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
