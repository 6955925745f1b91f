"""``local up``, ``down``, ``reset``, ``status``, ``env`` and ``logs``."""

import argparse
import os
import shlex
import sys
from pathlib import Path

from rich.console import Console

from config.load import REPOSITORY
from config.names import LOCAL, Names
from warmfold.cli.cloud_report import isolation_line, resource_lines
from warmfold.cli.log_follow import ending, follow
from warmfold.demo.cloud import note_owner
from warmfold.errors import WarmfoldError
from warmfold.runs.aws import connect_local, no_local_cloud
from warmfold_local import launcher
from warmfold_local.launcher import Instance

DEFAULT_STATE_DIR = REPOSITORY / ".warmfold" / "local"
_CDK = "node_modules/aws-cdk/bin/cdk"
_SAMPLE = "applicants.jsonl"
_DATA = "german_credit.csv"


# Of the shell's own settings for AWS, those that win over an endpoint and keys in variables.
_WINNING = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
)
_ONE_SERVICE = "AWS_ENDPOINT_URL_"


def up(options: argparse.Namespace) -> None:
    """Start a local cloud that stays until ``local down``: as it was left, or ``--fresh``."""
    images_dir = REPOSITORY / "build" / "images"
    before = launcher.kept(options.state_dir) if not options.fresh else None
    instance = launcher.start(
        options.state_dir, images_dir, port=options.port, restore=not options.fresh
    )
    note_owner(options.state_dir, instance, None)
    if before is not None:
        print("restored: what was running when it ended is Failed; endpoints start again")
        if instance.settings.port != before.port:
            print(f"its port is another one (it was {before.port}): load the environment again")
    print_how_to_talk(instance, Console(), deployed=_is_deployed(instance))


def down(options: argparse.Namespace) -> None:
    """Stop it; what it holds is kept for the next ``local up``."""
    stopped = launcher.stop(options.state_dir, keep_state=True)
    print("stopped" if stopped else f"no local cloud was running in {options.state_dir}")


def reset(options: argparse.Namespace) -> None:
    """Stop it, and delete everything that it held, logs too."""
    found = launcher.reset(options.state_dir)
    print("deleted" if found else f"there is no local cloud in {options.state_dir}")


def status(options: argparse.Namespace) -> None:
    """What runs in the local cloud. Raises ``WarmfoldError`` if none is running."""
    instance = running(options.state_dir)
    client = connect_local(instance).client("sagemaker")
    print(f"running: {instance.settings.endpoint_url}, process {instance.pid}")
    print(f"log: {instance.log_path}")
    for endpoint in client.list_endpoints()["Endpoints"]:
        print(f"endpoint {endpoint['EndpointName']}: {endpoint['EndpointStatus']}")
    for pipeline in client.list_pipelines()["PipelineSummaries"]:
        name = pipeline["PipelineName"]
        runs = client.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]
        states = ", ".join(run["PipelineExecutionStatus"] for run in runs) or "not started"
        print(f"pipeline {name}{', newest first' if runs[1:] else ''}: {states}")
    for line in (isolation_line(options.state_dir), *resource_lines(options.state_dir)):
        print(line)


def env(options: argparse.Namespace) -> None:
    """Export lines for a POSIX shell, the secret among them: for ``eval``, not for a screen.

    What the shell has set for AWS and would win over them is unset.
    """
    wanted = running(options.state_dir).settings.client_environment()
    print("unset", *_WINNING, *sorted(n for n in os.environ if n.startswith(_ONE_SERVICE)))
    for name, value in wanted.items():
        print(f"export {name}={shlex.quote(value)}")


def logs(options: argparse.Namespace) -> None:
    """Print a log, with ``-f`` until its job has ended.

    Raises ``WarmfoldError`` if there is none of that name, or several.
    """
    path = (
        options.state_dir / "server.log"
        if options.job is None
        else _job_log(options.state_dir, options.job)
    )
    if options.follow and path.parent.is_dir():
        follow(path, ending(options.state_dir, path), sys.stdout)
        return
    if not path.is_file():
        raise WarmfoldError(f"there is no log {path}: nothing has been started yet")
    if path.stat().st_size == 0:
        print(f"the log {path} is empty", file=sys.stderr)
    with path.open(encoding="utf-8", errors="replace") as stream:
        sys.stdout.writelines(stream)


def _job_log(state_dir: Path, name: str) -> Path:
    """A whole name comes before a part of one; a job that was just made may have no log yet."""
    known = sorted(path for path in state_dir.glob("jobs/*/*") if path.parent.name != "tuning")
    found = [path for path in known if path.name == name]
    found = found or [path for path in known if name in path.name]
    if len(found) == 1:
        return found[0] / "log.txt"
    listed = "\n".join(f"  {path.name}" for path in found or known) or "  none"
    what = "several jobs are called" if found else "no job is called"
    raise WarmfoldError(f"{what} …{name}…; the jobs with a log are\n{listed}")


def running(state_dir: Path) -> Instance:
    instance = launcher.running(state_dir)
    if instance is None:
        raise no_local_cloud(state_dir)
    return instance


def _is_deployed(instance: Instance) -> bool:
    """Whether it holds a stack of this project's; a bootstrapped account is still empty."""
    stacks = connect_local(instance).client("cloudformation").describe_stacks()["Stacks"]
    return any(stack["StackName"].startswith(f"{Names(LOCAL).prefix}-") for stack in stacks)


def print_how_to_talk(instance: Instance, console: Console, *, deployed: bool) -> None:
    """How boto3, the AWS CLI and the CDK reach this cloud; its secret stays in its file."""
    state_dir = instance.settings.state_dir
    where = [] if state_dir == DEFAULT_STATE_DIR else ["--state-dir", str(state_dir)]
    warmfold = shlex.join([str(Path(sys.executable).parent / "warmfold"), *where])
    lines = [
        f"The local cloud runs at {instance.settings.endpoint_url} (process {instance.pid}).",
        "In a shell, for boto3, the AWS CLI and the CDK:",
        f'  eval "$({warmfold} local env)"',
        *(_asking(warmfold) if deployed else _deploying(instance, warmfold)),
        f"Stop it:           {warmfold} local down",
    ]
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _asking(warmfold: str) -> list[str]:
    # the script `aws` cannot be run in a folder with spaces: its first line does not quote
    python = shlex.quote(sys.executable)
    group = f"{Names(LOCAL).prefix}-german-credit"
    data = REPOSITORY / "examples" / "german_credit" / "data"
    return [
        f"  {python} -m awscli sagemaker list-model-packages --model-package-group-name {group}",
        f"  {python} -c \"import boto3; print(boto3.client('sagemaker').list_endpoints())\"",
        f"Score applicants:  {warmfold} score {shlex.quote(str(data / _SAMPLE))}",
        f"Train again:       {warmfold} run --data {shlex.quote(str(data / _DATA))}",
        f"All commands:      {warmfold} --help",
    ]


def _deploying(instance: Instance, warmfold: str) -> list[str]:
    settings = instance.settings
    target = f"aws://{settings.account}/{settings.region}"
    return [
        "Nothing is deployed to it yet. In the checkout, and in that shell:",
        f"  {warmfold} images build",
        f"  node {_CDK} bootstrap {target} -c env={LOCAL}",
        f"  node {_CDK} deploy --all --require-approval never -c env={LOCAL}",
        f"Then train:        {warmfold} run --data FILE",
    ]
