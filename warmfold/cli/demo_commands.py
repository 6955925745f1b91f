"""``demo``, ``images build``, ``images uris`` and ``check-templates``."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from config.load import REPOSITORY, environments, load_settings
from warmfold.cli.cloud_commands import print_how_to_talk
from warmfold.container_images import ContainerEngine
from warmfold.demo.deploy import build, image_specs
from warmfold.demo.flow import Options, run_demo
from warmfold.demo.preflight import folder_fault
from warmfold.errors import RunFailedError, WarmfoldError
from warmfold.templates import check_templates as check_environments
from warmfold_local import launcher

IMAGES_DIR = REPOSITORY / "build" / "images"
REPORTS_DIR = REPOSITORY / "build" / "reports"


def make_console() -> Console:
    """As wide as the terminal; 100 columns where there is none, such as in a CI log."""
    return Console(width=None if sys.stdout.isatty() else 100)


def demo(options: argparse.Namespace) -> None:
    """Run the demo; with ``--keep``, say how to talk to what it leaves running."""
    console = make_console()
    report: Path = options.report or REPORTS_DIR / "german-credit.html"
    wanted = Options(
        root=REPOSITORY,
        state_dir=options.state_dir,
        images_dir=IMAGES_DIR,
        report=report.resolve(),
        data=options.data,
        keep=options.keep,
        engine=_engine(options),
    )
    try:
        run_demo(wanted, console)
    except RunFailedError as error:
        kept = ", although it was to be kept" if options.keep else ""
        error.add_note(f"  the local cloud was stopped{kept}: only its logs are left")
        raise
    instance = launcher.running(options.state_dir) if options.keep else None
    if instance is None:
        console.print("Everything that was started is stopped. Keep it with: make demo KEEP=1")
    else:
        print_how_to_talk(instance, console, deployed=True)


def build_images(options: argparse.Namespace) -> None:
    """Build an environment's images for the local cloud; prints their folders."""
    settings = load_settings(options.env)
    for fault in folder_fault(IMAGES_DIR, "images"):
        raise WarmfoldError(fault)
    for folder in build(REPOSITORY, IMAGES_DIR, settings, print, _engine(options)):
        print(folder)


def _engine(options: argparse.Namespace) -> ContainerEngine | None:
    return None if options.engine == "process" else options.engine


def print_image_uris(options: argparse.Namespace) -> None:
    """A line for each image that an environment's templates name: Dockerfile, project, URI."""
    settings = load_settings(options.env)
    environment = settings.environment
    registry = f"{environment.account}.dkr.ecr.{environment.region}.amazonaws.com"
    for spec in image_specs(REPOSITORY, settings):
        dockerfile = f"containers/{spec.kind}/Dockerfile"
        project = spec.project_dir.relative_to(REPOSITORY)
        print(f"{dockerfile} {project} {registry}/{spec.repository}:{spec.tag}")


def check_templates(_options: argparse.Namespace) -> None:
    """Synthesize and lint every environment."""
    check_environments(REPOSITORY, environments())
