"""The server's side of a state that is kept: begin with it, keep it up to date, end with it."""

import asyncio
import threading
from pathlib import Path
from typing import Any

from warmfold_local.cloud import Cloud
from warmfold_local.ministack_seam import AsgiApp, keep_function_code
from warmfold_local.store.database import FILE, Database
from warmfold_local.store.journal import Journal
from warmfold_local.store.recovery import Announcement, resume, settle
from warmfold_local.store.services import write_services
from warmfold_local.store.snapshots import Snapshots

_LOOK_AGAIN_SECONDS = 0.5


def telling_when_loaded(backend: AsgiApp, loaded: threading.Event) -> AsgiApp:
    """``backend``, which reads its saved state when it starts; then ``loaded`` is set."""

    async def told(scope: Any, receive: Any, send: Any) -> None:
        async def sent(message: Any) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                loaded.set()

        await backend(scope, receive, sent if scope["type"] == "lifespan" else send)

    return told


class Keeper:
    """Made before ministack is loaded, which reads at its start what is written for it here."""

    def __init__(self, state_dir: Path) -> None:
        self._database = Database(state_dir / FILE)
        self._snapshots = Snapshots()
        self._journal: Journal | None = None
        self._announcements: list[Announcement] = []
        self._loaded = threading.Event()
        folder = state_dir / "ministack"
        for old in folder.glob("*.json"):  # what ministack saved itself, at another moment
            old.unlink()
        write_services(folder, self._database.services())

    def noticing(self, backend: AsgiApp) -> AsgiApp:
        """ministack's application, watched for changes."""
        keep_function_code()
        return self._snapshots.noticing(telling_when_loaded(backend, self._loaded))

    def restore(self, cloud: Cloud) -> None:
        """Fill the tables and bring them to rest; from now on answers wait for the file."""
        self._journal = Journal(cloud, self._database, self._snapshots)
        self._journal.restore()
        self._announcements = settle(cloud)
        self._journal.commit()
        cloud.commit = self._journal.commit

    def start(self, cloud: Cloud, loop: asyncio.AbstractEventLoop) -> None:
        """Write behind, and start endpoints' servers, which ask this cloud for their models."""
        self._snapshots.attach(loop)
        if self._journal is not None:
            self._journal.start()
            cloud.spawn("resume", lambda: self._resume(cloud))

    def _resume(self, cloud: Cloud) -> None:
        """Roles and objects are asked for: not before ministack has read them."""
        while not self._loaded.wait(_LOOK_AGAIN_SECONDS):
            if cloud.stopping.is_set():
                return
        resume(cloud, self._announcements)

    def close(self) -> None:
        """The last moment that is kept: what runs now will have been interrupted."""
        if self._journal is not None:
            self._journal.close()
