"""A folder that is kept in S3 while a container writes to it."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from warmfold_local.cloud import Cloud
from warmfold_local.engine.s3 import delete_object, regular_files, upload_object

logger = logging.getLogger("warmfold_local")

# AWS does not say how often it looks ("continuously"); a laptop can look often.
INTERVAL_SECONDS = 1.0

_Stamp = tuple[int, int]


@dataclass(kw_only=True)
class FolderSync:
    """What of ``folder`` lies under ``uri``: ``known`` is each file's time and size then.

    ``deletes``: whether a file that is removed is removed from S3 too.
    """

    cloud: Cloud
    folder: Path
    uri: str
    deletes: bool
    kms: str | None = None
    known: dict[str, _Stamp] = field(default_factory=dict)

    def note_present(self) -> None:
        """What is there now came from S3, and is not sent back."""
        self.known = self._present()

    def sync(self) -> None:
        """Send what is new or changed; a file that is removed while it is sent is left out."""
        present = self._present()
        for name, stamp in present.items():
            if self.known.get(name) == stamp:
                continue
            try:
                upload_object(self.cloud, self.folder / name, self._uri(name), kms=self.kms)
            except FileNotFoundError:
                continue
            self.known[name] = stamp
        if self.deletes:
            for name in self.known.keys() - present.keys():
                delete_object(self.cloud, self._uri(name))
                del self.known[name]

    def _uri(self, name: str) -> str:
        return f"{self.uri.rstrip('/')}/{name}"

    def _present(self) -> dict[str, _Stamp]:
        present = {}
        for path in regular_files(self.folder):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            name = path.relative_to(self.folder).as_posix()
            present[name] = (status.st_mtime_ns, status.st_size)
        return present


@contextmanager
def kept_in_s3(folders: list[FolderSync]) -> Iterator[None]:
    """Sync again and again on a thread; the caller makes the last sync, and hears its errors."""
    ended = threading.Event()
    thread = threading.Thread(target=_repeat, args=(folders, ended), daemon=True)
    if folders:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        if folders:
            thread.join()


def _repeat(folders: list[FolderSync], ended: threading.Event) -> None:
    while not ended.wait(INTERVAL_SECONDS):
        for folder in folders:
            try:
                folder.sync()
            except (ClientError, BotoCoreError, OSError):  # the next round tries again
                logger.warning("%s could not be sent to S3 yet", folder.folder, exc_info=True)
