"""The demo's local cloud: started for it, and stopped whatever happens, unless it is kept."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warmfold.errors import WarmfoldError
from warmfold_local import launcher
from warmfold_local.owner import exists

_OWNER_FILE = "owner.json"


@contextmanager
def demo_cloud(state_dir: Path, images_dir: Path, *, keep: bool) -> Iterator[launcher.Instance]:
    """A fresh local cloud for the block; ``keep`` leaves it running if the block succeeds.

    Raises ``WarmfoldError`` if one is running there that somebody uses or has kept.
    """
    stop_orphan(state_dir)
    owner = os.getpid()
    instance = launcher.start(state_dir, images_dir, owner_pid=None if keep else owner)
    try:
        note_owner(state_dir, instance, owner)
        yield instance
        if keep:
            note_owner(state_dir, instance, None)
    except BaseException:
        launcher.stop(state_dir)
        raise
    if not keep:
        launcher.stop(state_dir)


def note_owner(state_dir: Path, instance: launcher.Instance, owner_pid: int | None) -> None:
    """Write down who the cloud is for: a process, or ``None`` for whoever wants it."""
    values = {"cloud_pid": instance.pid, "owner_pid": owner_pid}
    (state_dir / _OWNER_FILE).write_text(json.dumps(values), encoding="utf-8")


def stop_orphan(state_dir: Path) -> None:
    """Stop a cloud whose demo was killed. Raises ``WarmfoldError`` if it is nobody's orphan."""
    instance = launcher.running(state_dir)
    if instance is None:
        return
    owner = _owner(state_dir, instance)
    if owner is None:
        raise WarmfoldError(
            f"a local cloud is already running in {state_dir} (process {instance.pid}): use it, "
            "or stop it with `warmfold local down`"
        )
    if exists(owner):
        raise WarmfoldError(
            f"process {owner} is using the local cloud in {state_dir}: wait until it has ended"
        )
    launcher.stop(state_dir)


def _owner(state_dir: Path, instance: launcher.Instance) -> int | None:
    """The owner on record for this very cloud; one without a record is somebody's."""
    path = state_dir / _OWNER_FILE
    if not path.is_file():
        return None
    values = json.loads(path.read_text(encoding="utf-8"))
    owner: int | None = values["owner_pid"]
    return owner if values["cloud_pid"] == instance.pid else None
