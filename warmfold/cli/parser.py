"""The commands and their options."""

import argparse
from pathlib import Path

from config.load import environments
from warmfold.cli import (
    cloud_commands,
    demo_commands,
    lineage_command,
    load_test_command,
    model_commands,
    operator_commands,
    plan_command,
)
from warmfold.cli.ci_command import add_ci
from warmfold.cli.cloud_commands import DEFAULT_STATE_DIR
from warmfold.cli.fault_commands import add_faults
from warmfold.cli.iam_command import add_iam_report
from warmfold.cli.overtaken_command import add_overtaken
from warmfold.cli.replay_command import add_replay

_ON_AWS = "Others than local are on AWS, by the usual AWS variables."


def make_parser() -> argparse.ArgumentParser:
    """``options.command`` is the function to call with the options."""
    parser = argparse.ArgumentParser(
        prog="warmfold",
        description="Cross-validated, tuned, governed tabular models on Amazon SageMaker.",
    )
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=DEFAULT_STATE_DIR,
        help="folder of the local cloud (default: %(default)s)",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_demo(commands)
    _add_images(commands)
    _add_local(commands)
    _add_model_commands(commands)
    add_ci(commands)
    add_overtaken(commands)
    checks = commands.add_parser(
        "check-templates", help="synthesize every environment and lint its templates"
    )
    checks.set_defaults(command=demo_commands.check_templates)
    return parser


_Commands = argparse._SubParsersAction


def _add_demo(commands: "_Commands[argparse.ArgumentParser]") -> None:
    demo = commands.add_parser(
        "demo", help="deploy to a local cloud, train, approve, serve, score, report"
    )
    demo.add_argument("--keep", action="store_true", help="leave the local cloud running")
    demo.add_argument(
        "--data", type=Path, help="CSV or Parquet file to train on (default: the example's)"
    )
    demo.add_argument("--report", type=Path, default=None, help="where to write the report")
    _add_engine(demo)
    demo.set_defaults(command=demo_commands.demo)


def _add_images(commands: "_Commands[argparse.ArgumentParser]") -> None:
    images = commands.add_parser("images", help="the images that jobs and endpoints run")
    actions = images.add_subparsers(required=True, metavar="ACTION")
    build = actions.add_parser("build", help="build them for the local cloud")
    _add_environment(build)
    _add_engine(build)
    build.set_defaults(command=demo_commands.build_images)
    uris = actions.add_parser("uris", help="print Dockerfile, project and URI of each image")
    _add_environment(uris)
    uris.set_defaults(command=demo_commands.print_image_uris)


def _add_local(commands: "_Commands[argparse.ArgumentParser]") -> None:
    local = commands.add_parser("local", help="the local cloud")
    actions = local.add_subparsers(required=True, metavar="ACTION")
    up = actions.add_parser("up", help="start it, with what it held before")
    up.add_argument("--fresh", action="store_true", help="start empty: what it held is deleted")
    up.add_argument("--port", type=int, help="port on 127.0.0.1 (default: any free one)")
    up.set_defaults(command=cloud_commands.up)
    for name, help_text, command in (
        ("down", "stop it; what it holds is kept", cloud_commands.down),
        ("reset", "stop it, and delete everything in it", cloud_commands.reset),
        ("status", "say whether one is running, and what is in it", cloud_commands.status),
        ("env", "print the shell's export lines that reach it", cloud_commands.env),
    ):
        actions.add_parser(name, help=help_text).set_defaults(command=command)
    logs = actions.add_parser("logs", help="print the server's log, or a job's")
    logs.add_argument("job", nargs="?", help="name of a job or endpoint, or a part of it")
    logs.add_argument("-f", "--follow", action="store_true", help="go on until the job has ended")
    logs.set_defaults(command=cloud_commands.logs)
    add_faults(actions)
    add_iam_report(actions)
    add_replay(actions)


def _add_model_commands(commands: "_Commands[argparse.ArgumentParser]") -> None:
    run = _model_parser(commands, "run", "start the training pipeline and follow it")
    run.add_argument(
        "--data", type=Path, help="CSV or Parquet file to upload, and to train this run alone on"
    )
    run.add_argument(
        "--minimum-score", type=float, help="the gate of this run (default: the deployed one)"
    )
    run.set_defaults(command=model_commands.run)
    approve = _model_parser(commands, "approve", "approve a model version, which deploys it")
    approve.add_argument(
        "version", nargs="?", type=int, help="default: the newest that awaits approval"
    )
    approve.set_defaults(command=model_commands.approve)
    _add_operator_commands(commands)
    _add_lineage(commands)
    score = _model_parser(commands, "score", "score applicants at the endpoint")
    score.add_argument("file", help="JSON object, list or JSON Lines; - for standard input")
    score.set_defaults(command=model_commands.score)
    _add_load_test(commands)
    planned = _model_parser(
        commands, "plan", "model time and cost of each way to search", "Only its file is read."
    )
    planned.add_argument("--data", type=Path, help="CSV file (default: the project's)")
    planned.add_argument("--rows", type=int, help="size of data that is not at hand")
    planned.add_argument("--columns", type=int, help="its columns, without the target")
    planned.add_argument(
        "--write", action="store_true", help="put the choice in the place of `auto` in the file"
    )
    planned.set_defaults(command=plan_command.plan)
    report = _model_parser(commands, "report", "write the report of a run")
    report.add_argument("--execution", help="execution ARN (default: the newest run with a model)")
    report.add_argument("--day", help="include this day's batch (YYYY-MM-DD)")
    report.add_argument("--output", type=Path, help="where to write it")
    report.set_defaults(command=model_commands.report)


def _add_load_test(commands: "_Commands[argparse.ArgumentParser]") -> None:
    load = _model_parser(
        commands, "load-test", "measure what an endpoint bears, and what its scaling should keep"
    )
    load.add_argument("file", help="applicants to ask about, as for `score`")
    load.add_argument(
        "--seconds", type=float, default=10.0, help="of each stage (default: %(default)s)"
    )
    load.add_argument(
        "--safety",
        type=float,
        default=0.5,
        help="share of what one instance bears that scaling is to keep (default: %(default)s)",
    )
    load.set_defaults(command=load_test_command.load_test)


def _add_lineage(commands: "_Commands[argparse.ArgumentParser]") -> None:
    lineage = _model_parser(commands, "lineage", "print what a version was made of, and from where")
    lineage.add_argument("version", type=int, help="a version of the model's registry")
    lineage.set_defaults(command=lineage_command.lineage)


def _add_operator_commands(commands: "_Commands[argparse.ArgumentParser]") -> None:
    pin = _model_parser(commands, "pin", "keep the endpoint at a version, whatever is approved")
    pin.add_argument(
        "version",
        type=operator_commands.version_or_latest,
        help="an approved version, or `latest` to follow approvals again",
    )
    pin.set_defaults(command=operator_commands.pin)
    shadow = _model_parser(commands, "shadow", "copy requests to a second version, or end that")
    shadow.add_argument(
        "version",
        type=operator_commands.version_or_off,
        help="an approved version that answers nobody, or `off`",
    )
    shadow.set_defaults(command=operator_commands.shadow)
    for name, help_text, command in (
        (
            "rollback",
            "pin the approved version before the deployed one",
            operator_commands.rollback,
        ),
        ("freeze", "deploy nothing, whatever is approved", operator_commands.freeze),
        ("unfreeze", "deploy what is wanted again", operator_commands.unfreeze),
    ):
        _model_parser(commands, name, help_text).set_defaults(command=command)


def _model_parser(
    commands: "_Commands[argparse.ArgumentParser]",
    name: str,
    help_text: str,
    where: str = _ON_AWS,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=help_text)
    _add_environment(parser, where)
    parser.add_argument("--model", help="name of the model (default: the environment's first)")
    return parser


def _add_environment(parser: argparse.ArgumentParser, where: str = _ON_AWS) -> None:
    parser.add_argument(
        "--env",
        default="local",
        help=f"environment: {', '.join(environments())} (default: %(default)s). {where}",
    )


def _add_engine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--engine",
        choices=("process", "docker", "podman"),
        default="process",
        help="what runs jobs and endpoints: child processes, which need nothing else, or real "
        "containers of the Dockerfiles (default: %(default)s)",
    )
