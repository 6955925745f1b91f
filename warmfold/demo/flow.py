"""The demo from end to end. Everything after the deployment goes through AWS's APIs."""

import json
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from config.load import load_settings
from config.names import LOCAL, Names
from warmfold.container_images import ContainerEngine
from warmfold.demo import batch, preflight, promote
from warmfold.demo.cloud import demo_cloud, state_faults
from warmfold.demo.deploy import build, deploy
from warmfold.demo.journal import Journal
from warmfold.errors import RunFailedError
from warmfold.pipeline.names import BUILD_FEATURES, REGISTER_MODEL
from warmfold.report import gate, page
from warmfold.report.collect import (
    Batch,
    collect,
    package_arn,
    processing_output,
    read_batch,
    read_text,
)
from warmfold.runs.aws import Aws, Deployment, connect_local, find_deployment
from warmfold.runs.failure import failure_of
from warmfold.runs.follow import follow
from warmfold.runs.records import Run
from warmfold.runs.render import progress
from warmfold.runs.start import git_commit, start_run, upload_data
from warmfold_contract.paths import TRANSFORM_OUTPUT
from warmfold_local.launcher import Instance

PHASES = 8
_APPLICANTS_FILE = "holdout.jsonl"


@dataclass(frozen=True, kw_only=True)
class Options:
    """``data`` is the CSV to train on, by default the example project's own."""

    root: Path
    state_dir: Path
    images_dir: Path
    report: Path
    data: Path | None = None
    keep: bool = False
    engine: ContainerEngine | None = None


def run_demo(options: Options, console: Console) -> Path:
    """Run everything; the report's path. Raises ``WarmfoldError`` before anything is started,
    ``RunFailedError`` for a step that failed."""
    settings = load_settings(LOCAL)
    model = settings.models[0]
    data = options.data or preflight.default_data(options.root / model.project)
    preflight.check(
        options.root,
        data,
        [
            *state_faults(options.state_dir),
            *preflight.folder_faults(options.images_dir, options.state_dir, options.report),
        ],
    )
    journal = Journal(console, PHASES)
    with journal.phase("Build the images") as phase:
        folders = build(options.root, options.images_dir, settings, journal.say, options.engine)
        way = "processes" if options.engine is None else f"containers of {options.engine}"
        phase.result = f"{len(folders)} images, run as {way}"
    with ExitStack() as stack:
        with journal.phase("Start the local cloud") as phase:
            cloud = demo_cloud(options.state_dir, options.images_dir, keep=options.keep)
            instance = stack.enter_context(cloud)
            phase.result = instance.settings.endpoint_url
        _deploy(options.root, instance, journal)
        aws = connect_local(instance)
        tour = Tour(aws, find_deployment(aws, model.name), journal)
        report = tour.run(data, git_commit(options.root), options.report)
    console.print(journal.table())
    console.print(f"\nReport: [bold]{report}[/]", soft_wrap=True, highlight=False)
    return report


def _deploy(root: Path, instance: Instance, journal: Journal) -> None:
    with journal.phase("Bootstrap and deploy with the CDK") as phase:
        stacks = deploy(root, instance, journal.console)
        phase.result = f"{len(stacks)} stacks"


@dataclass(frozen=True)
class Tour:
    """What the demo does with a deployed platform."""

    aws: Aws
    deployment: Deployment
    journal: Journal

    def run(self, data: Path, commit: str, report: Path) -> Path:
        run = self._train(data, commit)
        package = package_arn(run)
        lines = self._applicants(run)
        firing = self._deploy_model(package, lines)
        self._score(json.loads(lines.splitlines()[0]))
        published = self._batch(firing)
        return self._report(run, published, report)

    def _train(self, data: Path, commit: str) -> Run:
        with self.journal.phase("Run the training pipeline") as phase:
            uri = upload_data(self.aws, self.deployment, data)
            self.journal.say(f"{data.name} is in {uri}")
            run = run_pipeline(
                self.aws,
                self.deployment.training["PipelineName"],
                {"InputDataUri": uri, "GitCommit": commit},
                self.journal.console,
            )
            if run.step(REGISTER_MODEL) is None:
                raise gate.refusal(self.aws, run)
            best = run.best
            trials = sum(len(tuning.ranked) for tuning in run.tunings)
            phase.result = f"{len(run.steps)} steps, {trials} complete trials" + (
                "" if best is None else f", best {best.score:.4f}"
            )
        return run

    def _applicants(self, run: Run) -> str:
        """The hold-out's raw rows: applicants whom the model has not seen, without outcome."""
        client = self.aws.client("sagemaker")
        folder = processing_output(client, run, BUILD_FEATURES, TRANSFORM_OUTPUT)
        return read_text(self.aws, f"{folder}/{_APPLICANTS_FILE}")

    def _deploy_model(self, package: str, applicants: str) -> batch.Firing:
        """Approve; the daily batch is scheduled at once, and fires while the endpoint starts."""
        endpoint = self.deployment.serving["EndpointName"]
        with self.journal.phase("Approve, which deploys the endpoint") as phase:
            promote.approve(self.aws, package, "approved by the demo")
            firing = batch.fire_daily_schedule(self.aws, self.deployment, applicants)
            names = Names(self.aws.environment).model(self.deployment.model)
            with self.journal.console.status(f"waiting for endpoint {endpoint}"):
                promote.wait_until_serving(self.aws, endpoint, package, names.serving_stack)
            phase.result = f"endpoint InService with {_version(package)}"
        return firing

    def _score(self, applicant: dict[str, Any]) -> None:
        endpoint = self.deployment.serving["EndpointName"]
        with self.journal.phase("Score one applicant") as phase:
            [score] = promote.score(self.aws, endpoint, [applicant])
            phase.result = f"score {score:.4f}, the probability of the positive label"

    def _batch(self, firing: batch.Firing) -> Batch:
        with self.journal.phase("Daily batch, by the schedule's target") as phase:
            self.journal.say(
                f"schedule {firing.name} fires once, at {firing.scheduled_at:%H:%M:%S} UTC, "
                "with the daily schedule's target"
            )
            with self.journal.console.status("waiting for the schedule to fire"):
                arn = batch.wait_for_scoring(self.aws, self.deployment, firing)
            show_run(self.aws, arn, self.journal.console)
            uri = batch.manifest_uri(self.deployment, firing.day)
            published = read_batch(self.aws, uri)
            if published is None:
                raise RunFailedError("the daily batch", f"there is no {uri}")
            self.journal.say(f"published in {uri}")
            phase.result = f"{published.manifest['records']} predictions for {firing.day}"
        return published

    def _report(self, run: Run, published: Batch, path: Path) -> Path:
        with self.journal.phase("Write the report") as phase:
            data = collect(
                self.aws,
                self.deployment.model,
                run.execution_arn,
                batch_manifest_uri=published.uri,
            )
            written = page.write(data, path, datetime.now(UTC))
            phase.result = f"hold-out {data.evaluation.metric} {data.evaluation.score:.4f}"
        return written


def _version(package: str) -> str:
    return f"model version {package.rsplit('/', 1)[-1]}"


def run_pipeline(aws: Aws, pipeline: str, parameters: dict[str, str], console: Console) -> Run:
    """Start a pipeline and follow it; raises ``RunFailedError`` unless it succeeds."""
    return show_run(aws, start_run(aws, pipeline, parameters), console)


def show_run(aws: Aws, execution_arn: str, console: Console) -> Run:
    """Follow an execution to its end; raises ``RunFailedError`` unless it succeeds."""
    with progress(console) as show:
        run = follow(aws, execution_arn, show)
    if run.status != "Succeeded":
        raise failure_of(aws, run)
    return run
