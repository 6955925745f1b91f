"""From a checkout to deployed stacks: images, bootstrap, deployment."""

from pathlib import Path

from rich.console import Console

from config.images import Kind, content_tag
from config.names import Names
from config.settings import Settings
from warmfold.container_images import ContainerEngine
from warmfold.demo.cdk import Cdk, cdk_environment
from warmfold.images import ImageSpec, Progress, build_images
from warmfold_local.launcher import Instance


def image_specs(root: Path, settings: Settings) -> list[ImageSpec]:
    """Trainer and server of each model of an environment, under the names that synth gives them."""
    names = Names(settings.name)
    repositories: dict[Kind, str] = {
        "trainer": names.trainer_repository,
        "server": names.server_repository,
    }
    return [
        ImageSpec(
            repository=repository,
            tag=content_tag(root, kind, model.name, root / model.project),
            kind=kind,
            project_dir=root / model.project,
        )
        for model in settings.models
        for kind, repository in repositories.items()
    ]


def build(
    root: Path,
    images_dir: Path,
    settings: Settings,
    progress: Progress,
    engine: ContainerEngine | None = None,
) -> list[Path]:
    """The folders of the environment's images, built where they are missing."""
    specs = image_specs(root, settings)
    return build_images(root, images_dir, specs, engine=engine, progress=progress)


def deploy(root: Path, instance: Instance, console: Console) -> list[str]:
    """Bootstrap and deploy every stack to a local cloud; their names.

    The output goes to ``cdk.log`` in the state folder.
    """
    settings = instance.settings
    cdk = Cdk(
        root=root,
        state_dir=settings.state_dir,
        environment=cdk_environment(settings, root),
    )
    cdk.log_path.unlink(missing_ok=True)
    try:
        with console.status("cdk bootstrap") as status:

            def show(line: str) -> None:
                status.update(_short(line))

            cdk.bootstrap(settings.account, settings.region, show)
            return cdk.deploy(show)
    finally:
        cdk.remove_output()


def _short(line: str) -> str:
    return "cdk: " + line.strip().replace("[", "\\[")[:90]
