"""Which S3 objects a data source names, and which of them each host of a job gets."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from warmfold_local.cloud import Cloud
from warmfold_local.engine.s3 import (
    StoredObject,
    TransferError,
    download_object,
    download_objects,
    list_keys,
    split_uri,
)

SHARDED = "ShardedByS3Key"
KINDS = ("S3Prefix", "ManifestFile")


def named_objects(cloud: Cloud, source: Mapping[str, Any], scratch: Path) -> list[StoredObject]:
    """The objects of a source (``S3DataType``, ``S3Uri``), in key order or the manifest's.

    Raises ``TransferError`` (with SageMaker's text) if a prefix names nothing, and for a manifest
    that is none. A manifest is read by way of the file ``scratch``.
    """
    uri = source["S3Uri"]
    if source["S3DataType"] == "ManifestFile":
        return _listed(uri, download_object(cloud, uri, scratch))
    objects = list_keys(cloud, uri)
    if not objects:
        raise TransferError(
            f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure '
            f"that the bucket exists in the selected region ({cloud.settings.region}), and that "
            "objects exist under that S3 prefix."
        )
    return objects


def fetch(
    cloud: Cloud,
    source: Mapping[str, Any],
    folders: Sequence[Path],
) -> list[list[Path]]:
    """Bring a source to every host's folder: all of it, or with ShardedByS3Key a share.

    A share is every n-th object; a host without any gets an empty folder ("some nodes won't get
    any data", API reference, S3DataSource). Returns each host's files.
    """
    scratch = folders[0].with_name(f".{folders[0].name}.manifest")
    objects = named_objects(cloud, source, scratch)
    scratch.unlink(missing_ok=True)
    step = len(folders) if source.get("S3DataDistributionType") == SHARDED else 1
    return [
        download_objects(cloud, objects[number % step :: step], folder)
        for number, folder in enumerate(folders)
    ]


def _listed(uri: str, path: Path) -> list[StoredObject]:
    """``[{"prefix": "s3://…/"}, "relative/key", …]`` (API reference, S3DataSource.S3Uri)."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TransferError(f"the manifest {uri} is not JSON") from error
    if not isinstance(values, list) or len(values) < 2 or not isinstance(values[0], dict):
        raise TransferError(f'the manifest {uri} is not a list [{{"prefix": …}}, "key", …]')
    bucket, prefix = split_uri(str(values[0].get("prefix", "")))
    return [_entry(uri, bucket, prefix, number, key) for number, key in enumerate(values[1:], 2)]


def _entry(uri: str, bucket: str, prefix: str, number: int, key: object) -> StoredObject:
    path = PurePosixPath(key if isinstance(key, str) else "")
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in str(path):
        raise TransferError(f"entry {number} of the manifest {uri} is not a relative key")
    return StoredObject(bucket, f"{prefix}{key}", str(path))
