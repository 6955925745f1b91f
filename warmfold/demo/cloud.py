"""The demo's local cloud: started for it, and stopped whatever happens, unless it is kept."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warmfold.errors import WarmfoldError
from warmfold_local import launcher
from warmfold_local.owner import exists
from warmfold_local.state_folder import MARKER, LocalCloudError

_OWNER_FILE = "owner.json"


@contextmanager
def demo_cloud(state_dir: Path, images_dir: Path, *, keep: bool) -> Iterator[launcher.Instance]:
    """A fresh local cloud for the block; ``keep`` leaves it running if the block succeeds.

    Raises ``WarmfoldError`` if one is there that somebody uses or has kept, running or stopped.
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
    """Stop a cloud whose demo was killed. Raises ``WarmfoldError`` for a ``state_faults``."""
    faults = list(state_faults(state_dir))
    if faults:
        raise WarmfoldError("\n".join(faults))
    if launcher.running(state_dir) is not None:
        launcher.stop(state_dir)


def state_faults(state_dir: Path) -> Iterator[str]:
    """Whose cloud, or kept state, a demo would end or delete here; nothing is touched.

    What a killed demo left behind, running or not, is nobody's.
    """
    # not Path.is_file, which raises where a folder above must not be looked into
    if not os.access(state_dir / MARKER, os.R_OK):
        return
    instance = launcher.running(state_dir)
    owner, cloud_pid = _owner(state_dir)
    if instance is None:
        # what ended without its demo saying that it is kept is that demo's own
        yield from _kept(state_dir) if owner is None else ()
    elif owner is None or cloud_pid != instance.pid:
        yield (
            f"a local cloud is already running in {state_dir} (process {instance.pid}): use it, "
            "or stop it with `warmfold local down`"
        )
    elif exists(owner):
        yield f"process {owner} is using the local cloud in {state_dir}: wait until it has ended"


def _kept(state_dir: Path) -> Iterator[str]:
    try:
        kept = launcher.kept(state_dir)
    except LocalCloudError as error:
        yield str(error)
        return
    if kept is not None:
        yield (
            f"the state of a stopped local cloud is kept in {state_dir}, and a demo would delete "
            "it: go on with it by `warmfold local up`, delete it by `warmfold local reset`, or "
            "name another folder: `warmfold --state-dir FOLDER demo`"
        )


def _owner(state_dir: Path) -> tuple[int | None, int | None]:
    """The owner on record, and of which cloud; one without a record is somebody's."""
    try:
        values = json.loads((state_dir / _OWNER_FILE).read_text(encoding="utf-8"))
        return values["owner_pid"], values["cloud_pid"]
    except (FileNotFoundError, ValueError):  # none, or cut off by a kill
        return None, None
