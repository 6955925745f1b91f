"""Data in and out of jobs, the way SageMaker moves it: by prefix, relative paths kept."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from warmfold_local.cloud import Cloud

_PARALLEL_TRANSFERS = 8

Item = TypeVar("Item")


class TransferError(Exception):
    """Data that cannot be moved; the message is fit for a job's failure reason."""


@dataclass(frozen=True)
class StoredObject:
    """One object: its key, and its path relative to the prefix it was found by."""

    bucket: str
    key: str
    relative: str

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of ``s3://bucket/key``; the key may be empty.

    Raises ``TransferError`` for anything else.
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket:
        raise TransferError(f"{uri!r} is not an S3 URI (s3://bucket/key)")
    return bucket, key


def list_keys(cloud: Cloud, uri: str) -> list[StoredObject]:
    """Every object whose key starts with the URI's key, in key order, but not folder markers.

    Raises ``TransferError`` for a key that would leave the folder it is downloaded to.
    """
    bucket, prefix = split_uri(uri)
    pages = cloud.client("s3").get_paginator("list_objects_v2")
    found = []
    for page in pages.paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            key = item["Key"]
            if not key.endswith("/"):
                found.append(StoredObject(bucket, key, _relative(prefix, key)))
    return sorted(found, key=lambda stored: stored.key)


def download_prefix(cloud: Cloud, uri: str, folder: Path) -> list[Path]:
    """Download what an S3 prefix names into ``folder``, if anything; the files, in key order."""
    return download_objects(cloud, list_keys(cloud, uri), folder)


def download_objects(cloud: Cloud, objects: list[StoredObject], folder: Path) -> list[Path]:
    """Download objects under their relative names into ``folder``, which is made.

    Raises ``TransferError`` if one of them is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    targets = [folder / stored.relative for stored in objects]

    def fetch(pair: tuple[StoredObject, Path]) -> None:
        download_object(cloud, pair[0].uri, pair[1])

    _in_parallel(fetch, list(zip(objects, targets, strict=True)))
    return targets


def download_object(cloud: Cloud, uri: str, target: Path) -> Path:
    """Download one object to the file ``target``.

    Raises ``TransferError`` if there is none, or if it cannot be read to its end.
    """
    bucket, key = split_uri(uri)
    client = cloud.client("s3")
    try:
        _download(cloud, bucket, key, target)
    except client.exceptions.NoSuchKey as error:
        raise TransferError(f"Could not find S3 object {uri}.") from error
    except (ClientError, BotoCoreError) as error:
        raise TransferError(f"Could not read S3 object {uri}: {error}") from error
    return target


def upload_object(cloud: Cloud, source: Path, uri: str, *, kms: str | None = None) -> None:
    """Upload one file to ``uri``; ``kms`` is the key's id or ARN, else the bucket's default."""
    bucket, key = split_uri(uri)
    cloud.client("s3").upload_file(str(source), bucket, key, ExtraArgs=_encryption(kms) or None)


def upload_bytes(cloud: Cloud, body: bytes, uri: str, *, kms: str | None = None) -> None:
    """The same for what is in memory."""
    bucket, key = split_uri(uri)
    cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=body, **_encryption(kms))


def delete_object(cloud: Cloud, uri: str) -> None:
    """Delete one object; nothing if there is none."""
    bucket, key = split_uri(uri)
    cloud.client("s3").delete_object(Bucket=bucket, Key=key)


def upload_tree(cloud: Cloud, folder: Path, uri: str, *, kms: str | None = None) -> int:
    """Upload every regular file below ``folder`` under ``uri``; returns how many there were."""
    files = list(regular_files(folder))

    def send(path: Path) -> None:
        relative = path.relative_to(folder).as_posix()
        upload_object(cloud, path, f"{uri.rstrip('/')}/{relative}", kms=kms)

    _in_parallel(send, files)
    return len(files)


def regular_files(folder: Path) -> Iterator[Path]:
    """Files below ``folder`` in path order; links and special files are left out."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path


def _encryption(kms: str | None) -> dict[str, str]:
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms} if kms else {}


def _download(cloud: Cloud, bucket: str, key: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    body = cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"]
    with target.open("wb") as stream:
        shutil.copyfileobj(body, stream, 1024 * 1024)


def _in_parallel(work: Callable[[Item], None], items: list[Item]) -> None:
    if len(items) <= 1:
        for item in items:
            work(item)
        return
    with ThreadPoolExecutor(min(_PARALLEL_TRANSFERS, len(items))) as pool:
        for _ in pool.map(work, items):
            pass


def _relative(prefix: str, key: str) -> str:
    """``key`` relative to a prefix that is a folder, an object, or the beginning of a name."""
    folder = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
    relative = key[len(folder) :] if key.startswith(folder) else key[prefix.rfind("/") + 1 :]
    path = PurePosixPath(relative)
    if path.is_absolute() or ".." in path.parts or "\0" in relative:
        raise TransferError(f"the S3 key {key!r} cannot be a file below a folder")
    return relative
