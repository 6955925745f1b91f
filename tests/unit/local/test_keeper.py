"""When what was saved is taken up again: not before ministack has read its part."""

import asyncio
import threading
from typing import Any

from warmfold_local.store.keeper import telling_when_loaded


async def backend(scope: Any, receive: Any, send: Any) -> None:
    """Says what a server says: of its start, or of a request."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
    else:
        await send({"type": "http.response.start", "status": 200})


def told(kind: str) -> tuple[list[tuple[str, bool]], threading.Event]:
    """What was passed on, each with whether the state counted as loaded before it."""
    loaded, passed = threading.Event(), list[tuple[str, bool]]()

    async def receive() -> dict[str, str]:
        passed.append(("startup", loaded.is_set()))
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        passed.append((message["type"], loaded.is_set()))

    async def serve() -> None:
        await telling_when_loaded(backend, loaded)({"type": kind}, receive, send)

    asyncio.run(serve())
    return passed, loaded


def test_the_state_is_loaded_once_the_backend_has_started() -> None:
    passed, loaded = told("lifespan")
    assert passed == [("startup", False), ("lifespan.startup.complete", False)]
    assert loaded.is_set()


def test_a_request_says_nothing_of_the_state() -> None:
    passed, loaded = told("http")
    assert passed == [("http.response.start", False)]
    assert not loaded.is_set()
