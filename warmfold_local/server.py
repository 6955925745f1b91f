"""The local cloud's process: ``python -m warmfold_local.server STATE_DIR``, started by `launcher`.

Everything else it needs comes as one JSON object on standard input, so that the secret stands
neither in an argument nor in the environment that other programs can list.
"""

import asyncio
import json
import logging
import os
import shutil
import signal
import sys
import threading
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

from warmfold_local import sagemaker
from warmfold_local.access.enforcement import enforce
from warmfold_local.cfn_types import resource_types
from warmfold_local.cloud import Cloud, Settings
from warmfold_local.data_capture import Captures, keep_capturing
from warmfold_local.engine import process, sandbox
from warmfold_local.faults.hooks import disturbed
from warmfold_local.faults.registry import Faults
from warmfold_local.front import Front
from warmfold_local.job_logs import JobLogs, keep_shipping
from warmfold_local.ministack_alarms import keep_measuring, lead_alarms
from warmfold_local.ministack_cloudformation import announce_stacks
from warmfold_local.ministack_keys import guard_keys
from warmfold_local.ministack_logs import LogWriter
from warmfold_local.ministack_schedules import lead_schedules
from warmfold_local.ministack_seam import (
    EventPublisher,
    load,
    register_resource_types,
    stop_lambda_workers,
)
from warmfold_local.owner import when_gone
from warmfold_local.state_folder import STATE
from warmfold_local.store.keeper import Keeper

logger = logging.getLogger("warmfold_local")

# What is running when the cloud is told to stop gets this long for its own clean end.
CHILD_GRACE_SECONDS = 5.0

# What is removed at a clean end in any case; the records of processes are the launcher's to read.
_SCRATCH = ("tmp", "home", "aws", "instance.json", "isolation.json", "pools")


def main() -> None:
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    state_dir = Path(sys.argv[1])
    values = json.load(sys.stdin)
    settings = Settings.from_values(values, state_dir)
    process.supervise(state_dir)
    sandbox.write_report(state_dir)
    publisher = EventPublisher(settings)
    faults = Faults()
    cloud = Cloud(settings, disturbed(publisher, faults), faults=faults)
    keeper = Keeper(state_dir) if values["owner_pid"] is None else None
    backend = load(settings, keep_state=keeper is not None)
    enforce(cloud)
    register_resource_types(resource_types(cloud))
    announce_stacks(cloud.publish)
    lead_alarms()
    lead_schedules()
    guard_keys()
    for module in walk_packages(sagemaker.__path__, f"{sagemaker.__name__}."):
        import_module(module.name)  # operations register themselves
    if keeper is not None:
        backend = keeper.noticing(backend)
        keeper.restore(cloud)
    front = Front(cloud, backend, os.getpid())
    asyncio.run(_run(cloud, publisher, front, values, keeper))


async def _run(
    cloud: Cloud,
    publisher: EventPublisher,
    front: Front,
    values: dict[str, Any],
    keeper: Keeper | None,
) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if values["owner_pid"] is not None:
        when_gone(values["owner_pid"], lambda: loop.call_soon_threadsafe(stop.set))
    publisher.attach(loop)
    cloud.part(JobLogs).sink = LogWriter(cloud.settings, loop)
    cloud.spawn("job logs", lambda: keep_shipping(cloud))
    cloud.spawn("data capture", lambda: keep_capturing(cloud))
    cloud.spawn("metrics", lambda: keep_measuring(cloud, loop))
    if keeper is not None:
        keeper.start(cloud, loop)

    async def stopped() -> None:
        """Ends what runs while the cloud still answers: a stopped job may want to upload."""
        await stop.wait()
        await asyncio.to_thread(cloud.part(Captures).flush)
        if keeper is not None:
            await asyncio.to_thread(keeper.close)
        cloud.stopping.set()
        await asyncio.to_thread(process.stop_all, CHILD_GRACE_SECONDS)
        cloud.part(Captures).end()

    application: Any = front  # hypercorn's type names its own scope classes
    await serve(application, _hypercorn(values["socket"]), shutdown_trigger=stopped)
    _end(cloud.settings.state_dir, keep_state=keeper is not None)


def _hypercorn(socket_number: int) -> Config:
    """Serves the listening socket that the launcher bound to 127.0.0.1, and no other."""
    config = Config()
    config.bind = [f"fd://{socket_number}"]
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    config.graceful_timeout = 2.0
    config.keep_alive_timeout = 75.0
    return config


def _end(state_dir: Path, *, keep_state: bool) -> None:
    """Leave nothing behind but logs, and the state if it is kept. Threads may still be blocked on
    what was just ended: no waiting."""
    process.stop_all(0)
    stop_lambda_workers()
    for name in (*_SCRATCH, *(() if keep_state else STATE)):
        path = state_dir / name
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    logging.shutdown()
    threads = threading.active_count()
    sys.stderr.write(f"stopped ({threads} threads)\n")
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
