"""The SageMaker container contract on a laptop: folders under a moved base, a clean environment."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from warmfold_local.cloud import Cloud
from warmfold_local.engine.images import Image
from warmfold_local.errors import ValidationError

BASE_DIR = PurePosixPath("/opt/ml")
BASE_DIR_VARIABLE = "SAGEMAKER_BASE_DIR"

# What an isolated container may not have: with network isolation SageMaker makes no credentials
# available to the container, and nothing can be called.
_ACCESS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL",
)


def container_environment(
    cloud: Cloud,
    image: Image,
    *,
    base_dir: Path,
    extra: Mapping[str, str],
    isolated: bool,
    inside: Path | None = None,
) -> dict[str, str]:
    """The whole environment of a container; nothing of the server's own is passed on.

    The image's variables, then ``extra``, then what the platform sets. ``HOME`` and ``TMPDIR`` are
    folders inside ``base_dir``, made here. An isolated container gets no credentials and no
    endpoint; taking its network is the sandbox's work. ``inside``: where the container finds
    ``base_dir``, if elsewhere.
    """
    access = cloud.settings.client_environment(cloud.identity)
    if isolated:
        access = {key: value for key, value in access.items() if key not in _ACCESS}
    for name in ("home", "tmp"):
        (base_dir / name).mkdir(parents=True, exist_ok=True)
    seen = base_dir if inside is None else inside
    own = {BASE_DIR_VARIABLE: str(seen), "HOME": str(seen / "home"), "TMPDIR": str(seen / "tmp")}
    return {**image.environment, **extra, **access, **own}


def check_local_path(local_path: str | None) -> None:
    """Raises ``ValidationError`` for a path of a request that is not below ``/opt/ml``."""
    if local_path is None:
        return
    path = PurePosixPath(local_path)
    if not path.is_relative_to(BASE_DIR) or ".." in path.parts or path == BASE_DIR:
        raise ValidationError(f"LocalPath {local_path!r} must be a path below {BASE_DIR}")


def relocate(base_dir: Path, local_path: str) -> Path:
    """Where a path of the contract (``/opt/ml/processing/input/raw``) lies below ``base_dir``.

    Raises ``ValidationError`` for a path outside ``/opt/ml``.
    """
    check_local_path(local_path)
    return base_dir.joinpath(*PurePosixPath(local_path).relative_to(BASE_DIR).parts)


def command_line(
    image: Image,
    *,
    entrypoint: Sequence[str] = (),
    arguments: Sequence[str] = (),
    default: Sequence[str] | None = None,
) -> list[str]:
    """The argument vector of ``docker run [--entrypoint E] image [arguments]``.

    ``default`` stands in for the image's own command where the platform names one (``train``,
    ``serve``). An entry point given here takes the place of the image's, and of its command.
    """
    if entrypoint:
        return [*entrypoint, *arguments]
    if arguments:
        return [*image.entrypoint, *arguments]
    return [*image.entrypoint, *(image.command if default is None else default)]
