"""Starting, finding and stopping a local cloud: one server process for one state folder.

    instance = launcher.start(Path(".warmfold/demo"), Path("build/images"))
    boto3.client("s3", endpoint_url=instance.settings.endpoint_url, …)

The state folder holds ``instance.json`` (how to reach the server; its secret: mode 0600),
``server.log``, ``jobs/`` with one folder and log per job, and scratch folders.
"""

import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warmfold_local.cloud import HEALTH_PATH, Settings
from warmfold_local.engine import leftovers
from warmfold_local.listening import listening_socket
from warmfold_local.owner import exists
from warmfold_local.state_folder import (
    LOGS,
    STATE,
    Identity,
    claim,
    clean,
    end_leftovers,
    forget_all,
    locked,
    remove,
    remove_synthesized,
    save_identity,
    saved_identity,
    was_used,
    write_private,
)
from warmfold_local.state_folder import LocalCloudError as LocalCloudError

ACCOUNT = "000000000000"
REGION = "us-east-1"

START_TIMEOUT_SECONDS = 30.0
STOP_TIMEOUT_SECONDS = 20.0
_POLL_SECONDS = 0.05
_TAIL_LINES = 15
_LAST_PORT = 65535

# Servers that this very process started: a zombie stays until its parent has asked for it.
_started: "dict[int, subprocess.Popen[bytes]]" = {}


@dataclass(frozen=True)
class Instance:
    """A running local cloud."""

    settings: Settings
    pid: int
    log_path: Path


def start(
    state_dir: Path,
    images_dir: Path,
    *,
    port: int | None = None,
    owner_pid: int | None = None,
    restore: bool = False,
) -> Instance:
    """Start a local cloud on 127.0.0.1, fresh or, with ``restore``, with the state kept there.

    ``port`` defaults to the one that the restored cloud had, if it is free, else to any free one.
    What a killed predecessor left running or lying about in ``state_dir`` is removed first. With
    ``owner_pid`` the server keeps no state, stops everything and exits when that process is gone.
    Raises ``LocalCloudError``: one is running there already, no port, a state that does not fit
    together, or not ready within 30 seconds.
    """
    if port is not None and not 1 <= port <= _LAST_PORT:
        raise LocalCloudError(f"{port} is no port: a port is 1 to {_LAST_PORT}")
    state_dir = state_dir.resolve()
    claim(state_dir)
    with locked(state_dir):
        _check_none_runs(state_dir)
        end_leftovers(state_dir)  # before its files are read
        known = saved_identity(state_dir) if restore else None
        clean(state_dir, restore=known is not None)
        with listening_socket(port, None if known is None else known.port) as listener:
            settings = Settings(
                account=ACCOUNT,
                region=REGION,
                port=listener.getsockname()[1],
                secret=secrets.token_urlsafe(32) if known is None else known.secret,
                state_dir=state_dir,
                images_dir=images_dir.resolve(),
            )
            if owner_pid is None:
                _identify(settings, known)
            server = _spawn(settings, listener.fileno(), owner_pid)
        _wait_healthy_or_kill(settings, server)
    return Instance(settings, server.pid, state_dir / "server.log")


def _check_none_runs(state_dir: Path) -> None:
    found = running(state_dir)
    if found is not None:
        raise LocalCloudError(
            f"a local cloud is already running in {state_dir} (port {found.settings.port}, "
            f"process {found.pid}); stop it with `warmfold local down`"
        )


def running(state_dir: Path) -> Instance | None:
    """The local cloud of this folder, if it runs and answers."""
    path = state_dir.resolve() / "instance.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        instance = _instance(path.parent, values)
    except (FileNotFoundError, ValueError, KeyError):  # none, or cut off by a kill
        return None
    return instance if _healthy_pid(instance.settings.port) == instance.pid else None


def stop(state_dir: Path, *, keep_state: bool = False) -> bool:
    """Stop the folder's local cloud, its jobs and servers; false if none was running.

    Logs and job folders stay. Afterwards no process and no scratch file of it is left, and with
    ``keep_state`` what ``start(…, restore=True)`` needs.
    """
    state_dir = state_dir.resolve()
    if not was_used(state_dir):
        return False
    instance = running(state_dir)
    if instance is not None:
        os.kill(instance.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        while not _gone(instance.pid) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
    end_leftovers(state_dir)
    forget_all(state_dir, but=(*LOGS, *(STATE if keep_state else ())))
    return instance is not None


def kept(state_dir: Path) -> Identity | None:
    """Whose state would be restored here. Raises ``LocalCloudError`` as ``start`` does.

    A running local cloud's own state is none of that.
    """
    return None if running(state_dir) is not None else saved_identity(state_dir.resolve())


def reset(state_dir: Path) -> bool:
    """Stop the folder's local cloud and delete everything of it, logs too; false if there was
    none. Raises ``LocalCloudError`` if one is being started."""
    state_dir = state_dir.resolve()
    if not was_used(state_dir):
        return False
    with locked(state_dir):
        stop(state_dir)
        forget_all(state_dir)
        remove_synthesized(state_dir)
    return True


def _identify(settings: Settings, known: Identity | None) -> None:
    """Whoever restores this state gets the same secret and, if it can be had, the same port."""
    identity = Identity(
        id=secrets.token_hex(16) if known is None else known.id,
        secret=settings.secret,
        port=settings.port,
    )
    save_identity(settings.state_dir, identity)


def _spawn(
    settings: Settings, socket_number: int, owner_pid: int | None
) -> "subprocess.Popen[bytes]":
    state = settings.state_dir
    with (state / "server.log").open("ab") as log:
        server = subprocess.Popen(
            [sys.executable, "-I", "-m", "warmfold_local.server", str(state)],
            env={
                "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
                "HOME": str(state / "home"),
                "TMPDIR": str(state / "tmp"),
                "LANG": "C.UTF-8",
            },
            cwd=state,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(socket_number,),
            start_new_session=True,
        )
    _started[server.pid] = server
    leftovers.record(state / "server", server.pid)
    shared = {
        "account": settings.account,
        "region": settings.region,
        "port": settings.port,
        "secret": settings.secret,
        "images_dir": str(settings.images_dir),
    }
    write_private(state / "instance.json", {**shared, "pid": server.pid})
    message = {**shared, "socket": socket_number, "owner_pid": owner_pid}
    _tell(server, json.dumps(message))
    return server


def _tell(server: "subprocess.Popen[bytes]", message: str) -> None:
    if server.stdin is None:
        raise RuntimeError("the server was started without a pipe")
    try:
        with server.stdin as pipe:
            pipe.write(message.encode())
    except BrokenPipeError:
        return  # it died at once: waiting for it to be healthy says why


def _instance(state_dir: Path, values: dict[str, Any]) -> Instance:
    settings = Settings.from_values(values, state_dir)
    return Instance(settings, values["pid"], state_dir / "server.log")


def _wait_healthy_or_kill(settings: Settings, server: "subprocess.Popen[bytes]") -> None:
    try:
        _wait_healthy(settings, server)
    except BaseException:
        _kill(settings.state_dir, server.pid)
        raise


def _wait_healthy(settings: Settings, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if _healthy_pid(settings.port) == server.pid:
            return
        if server.poll() is not None:
            raise LocalCloudError(
                f"the local cloud ended at its start (exit code {server.returncode}). The end of "
                f"its log, {settings.state_dir / 'server.log'}:\n{_tail(settings.state_dir)}"
            )
        time.sleep(_POLL_SECONDS)
    raise LocalCloudError(
        f"the local cloud was not ready within {START_TIMEOUT_SECONDS:.0f} seconds. The end of "
        f"its log, {settings.state_dir / 'server.log'}:\n{_tail(settings.state_dir)}"
    )


def _healthy_pid(port: int) -> int | None:
    """The process id that the server at this port states, if there is one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", HEALTH_PATH)
        response = connection.getresponse()
        values = json.loads(response.read(4096)) if response.status == 200 else {}
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    pid = values.get("pid") if isinstance(values, dict) else None
    return pid if isinstance(pid, int) else None


def _tail(state_dir: Path) -> str:
    text = (state_dir / "server.log").read_text(encoding="utf-8", errors="replace")
    return "\n".join(text.splitlines()[-_TAIL_LINES:])


def _gone(pid: int) -> bool:
    server = _started.get(pid)
    return server.poll() is not None if server is not None else not exists(pid)


def _kill(state_dir: Path, pid: int) -> None:
    end_leftovers(state_dir)
    _started[pid].wait()
    remove(state_dir / "instance.json")
