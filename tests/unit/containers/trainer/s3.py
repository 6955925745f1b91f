"""A small S3 that speaks HTTP: enough of it for one bucket, path-style."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
from botocore.config import Config

from tests.unit.http_server import Quiet, http_server


class Bucket(Quiet, BaseHTTPRequestHandler):
    """GetObject, PutObject and ListObjectsV2 of one bucket, path-style."""

    def __init__(self, objects: dict[str, bytes], broken: list[str], *given: Any) -> None:
        self.objects, self.broken = objects, broken
        super().__init__(*given)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._is_broken("PUT"):
            self.objects[self._key()] = body
            self._answer(200, b"")

    def do_GET(self) -> None:
        if self._is_broken("GET"):
            return
        query = parse_qs(urlsplit(self.path).query)
        if "list-type" not in query:
            self._answer(200, self.objects[self._key()])
            return
        entries = "".join(
            f"<Contents><Key>{key}</Key></Contents>"
            for key in self.objects
            if key.startswith(query["prefix"][0])
        )
        self._answer(200, f"<ListBucketResult>{entries}</ListBucketResult>".encode())

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix("/models/")

    def _is_broken(self, method: str) -> bool:
        if method in self.broken:
            self._answer(403, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
        return method in self.broken

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Storage:
    """The bucket's objects by key, and a client of it; ``broken`` methods are refused."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.broken: list[str] = []
        self.endpoint = ""

    @contextmanager
    def serving(self) -> Iterator["Storage"]:
        handler = partial(Bucket, self.objects, self.broken)
        with http_server(handler) as self.endpoint:
            yield self

    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="eu-west-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )
