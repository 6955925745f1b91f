"""The server's side of a state that is kept: begin with it, keep it up to date, end with it."""

import asyncio
from pathlib import Path

from warmfold_local.cloud import Cloud
from warmfold_local.ministack_seam import AsgiApp, keep_function_code
from warmfold_local.store.database import FILE, Database
from warmfold_local.store.journal import Journal
from warmfold_local.store.recovery import Announcement, resume, settle
from warmfold_local.store.services import write_services
from warmfold_local.store.snapshots import Snapshots


class Keeper:
    """Made before ministack is loaded, which reads at its start what is written for it here."""

    def __init__(self, state_dir: Path) -> None:
        self._database = Database(state_dir / FILE)
        self._snapshots = Snapshots()
        self._journal: Journal | None = None
        self._announcements: list[Announcement] = []
        folder = state_dir / "ministack"
        for old in folder.glob("*.json"):  # what ministack saved itself, at another moment
            old.unlink()
        write_services(folder, self._database.services())

    def noticing(self, backend: AsgiApp) -> AsgiApp:
        """ministack's application, watched for changes."""
        keep_function_code()
        return self._snapshots.noticing(backend)

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
            cloud.spawn("resume", lambda: resume(cloud, self._announcements))

    def close(self) -> None:
        """The last moment that is kept: what runs now will have been interrupted."""
        if self._journal is not None:
            self._journal.close()
