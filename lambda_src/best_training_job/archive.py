"""One JSON document out of a job's ``model.tar.gz``, in memory and within limits.

A function's asset holds no package of the images: ``warmfold_contract.trials`` does the same for
the report.
"""

import gzip
import io
import json
import tarfile
import zlib
from pathlib import PurePosixPath
from typing import Any

from warmfold_lambda.errors import LambdaError

# A thousand trials are about 1 MB of JSON; a trial's or a search's archive holds little else.
MAX_OBJECT_BYTES = 8 * 1024**2
MAX_UNPACKED_BYTES = 32 * 1024**2


def json_object(content: bytes, name: str, place: str) -> dict[str, Any]:
    """Raises ``LambdaError`` for anything else than a JSON object."""
    try:
        values = json.loads(content)
    except ValueError as error:
        raise LambdaError(f"{name} in {place} is not JSON") from error
    if not isinstance(values, dict):
        raise LambdaError(f"{name} in {place} is not a JSON object")
    return values


def member(archive: bytes, name: str, place: str) -> bytes:
    """One file of a gzip tar; raises ``LambdaError`` if it is damaged, too big or has no such."""
    try:
        with gzip.open(io.BytesIO(archive)) as stream:
            unpacked = stream.read(MAX_UNPACKED_BYTES + 1)
        if len(unpacked) > MAX_UNPACKED_BYTES:
            raise LambdaError(f"{place} is above {MAX_UNPACKED_BYTES} bytes when unpacked")
        with tarfile.open(fileobj=io.BytesIO(unpacked), mode="r:") as tar:
            for entry in tar:
                source = tar.extractfile(entry) if entry.isreg() else None
                if source is not None and PurePosixPath(entry.name) == PurePosixPath(name):
                    return source.read()
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise LambdaError(f"{place} is not a readable gzip tar ({error})") from error
    raise LambdaError(f"{place} holds no {name}: deploy Lambdas and images from the same commit")
