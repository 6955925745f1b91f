"""A local cloud's state folder: claimed, locked, emptied, and rid of what a kill left running."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from warmfold_local.engine import leftovers
from warmfold_local.store.agreement import disagreement, holds_something, mark
from warmfold_local.store.database import FILE, Database

# Marks a folder as a local cloud's, so that no other folder is ever emptied.
MARKER = ".warmfold-local"
# What a run needs only while it lasts.
SCRATCH = (
    "aws",
    "children",
    "home",
    "instance.json",
    "isolation.json",
    "owner.json",
    "pools",
    "server",
    "tmp",
)
# What survives a restart, besides the logs.
STATE = ("identity.json", "ministack", "s3", "state.db", "state.db-shm", "state.db-wal")
# What a person may want to read after a run; `cdk.log` is written by the demo's deployment.
LOGS = ("cdk.log", "jobs", "server.log")
OWN_ENTRIES = (*SCRATCH, *STATE, *LOGS)
# What a deployment that was killed leaves behind.
_SYNTHESIZED = "cdk.out*"

_IDENTITY = "identity.json"


class LocalCloudError(Exception):
    """The local cloud cannot be started or stopped; the message is for the user."""


def claim(state_dir: Path) -> None:
    """Make the folder, or check that it is one of ours: it is going to be emptied."""
    marker = state_dir / MARKER
    if state_dir.is_dir() and not marker.is_file() and any(state_dir.iterdir()):
        raise LocalCloudError(
            f"{state_dir} is not a local cloud's folder and is not empty: name a new folder"
        )
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        state_dir.chmod(0o700)
        marker.touch()
    except OSError as error:
        raise LocalCloudError(f"cannot use {state_dir}: {error.strerror}") from error


@contextmanager
def locked(state_dir: Path) -> Iterator[None]:
    """One start at a time in a folder."""
    with (state_dir / MARKER).open("r") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LocalCloudError(f"a local cloud is being started in {state_dir}") from error
        yield


def clean(state_dir: Path, *, restore: bool = False) -> None:
    """Empty the folder, but for what is to be restored, and make what a new server needs."""
    end_leftovers(state_dir)
    forget_all(state_dir, but=(*STATE, *LOGS) if restore else ())
    for name in ("home", "server", "tmp"):
        (state_dir / name).mkdir()


def end_leftovers(state_dir: Path) -> None:
    """SIGKILL what is still there of a server of this folder: its group, its children's groups.

    Groups are on record with their leader's start time, so that nobody else's are touched.
    """
    for name in ("server", "children"):
        folder = state_dir / name
        if folder.is_dir():
            leftovers.kill_leftovers(folder)


def forget_all(state_dir: Path, but: tuple[str, ...] = ()) -> None:
    for name in OWN_ENTRIES:
        if name not in but:
            remove(state_dir / name)


def remove_synthesized(state_dir: Path) -> None:
    for folder in state_dir.glob(_SYNTHESIZED):
        remove(folder)


def was_used(state_dir: Path) -> bool:
    """Whether a local cloud was ever started in this folder."""
    return (state_dir / MARKER).is_file()


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What clients know a local cloud by, and what is kept of it was saved under (``id``)."""

    id: str
    secret: str
    port: int


def saved_identity(state_dir: Path) -> Identity | None:
    """Of the local cloud whose state is kept here; ``None`` if there is none.

    Raises ``LocalCloudError`` if the folder's parts do not belong together.
    """
    try:
        text = (state_dir / _IDENTITY).read_text(encoding="utf-8")
        identity = Identity(**json.loads(text))
    except FileNotFoundError as error:
        if holds_something(state_dir):
            raise _disagreeing(state_dir, f"{state_dir / _IDENTITY} is missing") from error
        return None
    except (OSError, ValueError, TypeError) as error:
        raise _disagreeing(state_dir, f"{state_dir / _IDENTITY} cannot be read") from error
    found = disagreement(state_dir, identity.id)
    if found is not None:
        raise _disagreeing(state_dir, found)
    return identity


def save_identity(state_dir: Path, identity: Identity) -> None:
    """Written last, and at once: a folder without it has no state to restore."""
    with closing(Database(state_dir / FILE)) as database:
        database.identify(identity.id)
    mark(state_dir, identity.id)
    fresh = state_dir / f"{_IDENTITY}.new"
    remove(fresh)
    write_private(fresh, asdict(identity))
    fresh.replace(state_dir / _IDENTITY)


def _disagreeing(state_dir: Path, what: str) -> LocalCloudError:
    return LocalCloudError(
        f"the state kept in {state_dir} does not fit together: {what}. Start without it by "
        "`warmfold local reset` (or `warmfold local up --fresh`), which deletes it"
    )


def write_private(path: Path, values: dict[str, Any]) -> None:
    """Mode 0600 from the first byte on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(values, stream)
