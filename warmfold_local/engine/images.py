"""Image URIs, resolved to the same code laid out as folders instead of layers."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warmfold_local.errors import ValidationError

_URI = re.compile(
    r"[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[a-z0-9]+(?:[._/-][a-z0-9]+)*):(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127})"
)


class ImageNotFound(ValidationError):
    """No built image stands for the URI; the message says what to do.

    SageMaker refuses a job or model whose image it cannot find when it is created.
    """


@dataclass(frozen=True, kw_only=True)
class Engine:
    """The container engine that holds an image. ``environment`` is all that its client needs."""

    program: str
    image_id: str
    environment: Mapping[str, str]

    @property
    def is_podman(self) -> bool:
        return Path(self.program).name == "podman"


@dataclass(frozen=True)
class Image:
    """What a container runtime reads from an image's configuration.

    ``environment`` holds the image's own ``PATH``: the entry point's program is looked up there.
    An ``engine``'s image has its variables in itself.
    """

    uri: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    environment: Mapping[str, str]
    engine: Engine | None = None


def resolve_image(images_dir: Path, uri: str) -> Image:
    """The image that ``images_dir/{repository}/{tag}/image.json`` describes.

    Raises ``ImageNotFound`` for a URI that is not an ECR tag, or that nothing was built for.
    """
    match = _URI.fullmatch(uri)
    if match is None:
        raise ImageNotFound(
            f"{uri!r} is not an image of this cloud: expected "
            "{account}.dkr.ecr.{region}.amazonaws.com/{repository}:{tag}"
        )
    path = images_dir / match["repository"] / match["tag"] / "image.json"
    if not path.is_file():
        raise ImageNotFound(
            f"image {match['repository']}:{match['tag']} has not been built: "
            "run `warmfold images build`, then deploy again"
        )
    values = json.loads(path.read_text(encoding="utf-8"))
    return Image(
        uri=uri,
        entrypoint=tuple(values["Entrypoint"]),
        command=tuple(values["Cmd"]),
        environment=dict(values.get("Env", {})),
        engine=_engine(values.get("Engine")),
    )


def _engine(values: dict[str, Any] | None) -> Engine | None:
    if values is None:
        return None
    return Engine(
        program=values["Program"],
        image_id=values["ImageId"],
        environment=dict(values["Environment"]),
    )
