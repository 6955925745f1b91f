"""Copies of ministack's state, taken while it runs.

Of itself ministack saves at a clean end only, so a kill would lose everything but S3's objects.
"""

import asyncio
import threading
import time
from typing import Any

from warmfold_local.ministack_seam import AsgiApp, state_getters, state_text

# Without any request, what services do on their own (timers, queues) is found this late.
QUIET_SECONDS = 10.0


class Snapshots:
    """Call it for what changed; ``noticing`` wraps ministack's application, to know when to look.

    A request that may have changed something makes the next snapshot due.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._due = threading.Event()
        self._taken_at = time.monotonic()

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def noticing(self, application: AsgiApp) -> AsgiApp:
        async def noticed(scope: Any, receive: Any, send: Any) -> None:
            try:
                await application(scope, receive, send)
            finally:
                if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD"):
                    self._due.set()

        return noticed

    def __call__(self) -> dict[str, str]:
        """Saved states by service, in ministack's format; empty if nothing is due.

        Raises ``RuntimeError`` if a service changed its state meanwhile: ask again.
        """
        due = self._due.is_set() or time.monotonic() - self._taken_at > QUIET_SECONDS
        if self._loop is None or not due:
            return {}
        self._due.clear()
        try:
            states = asyncio.run_coroutine_threadsafe(_states(), self._loop).result()
            texts = {name: state_text(name, state) for name, state in states.items()}
        except BaseException:
            self._due.set()
            raise
        self._taken_at = time.monotonic()
        return texts


async def _states() -> dict[str, Any]:
    """Service by service; other requests are answered in between."""
    states = {}
    for name, getter in state_getters().items():
        state = getter()
        if state is not None:
            states[name] = state
        await asyncio.sleep(0)
    return states
