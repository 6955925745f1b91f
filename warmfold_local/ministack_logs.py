"""Log events of jobs and endpoints, put into ministack's CloudWatch Logs.

Beside `ministack_seam`, and under the same rule: its private interface, of a pinned version.
"""

import asyncio
import contextvars
import logging
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from warmfold_local.cloud import Settings
from warmfold_local.job_logs import Batch

logger = logging.getLogger("warmfold_local")

_PREFIX = "/aws/sagemaker/"

# So many events of a stream are kept, and of all streams together; the latest. The files have all.
STREAM_EVENTS = 5_000
ALL_EVENTS = 100_000


class LogWriter:
    """A `job_logs.Sink`. ministack's logs belong to its event loop, so batches are handed to it."""

    def __init__(self, settings: Settings, loop: asyncio.AbstractEventLoop) -> None:
        self._settings = settings
        self._loop = loop
        self._sizes: OrderedDict[tuple[str, str], int] = OrderedDict()

    def __call__(self, batches: list[Batch]) -> None:
        self._loop.call_soon_threadsafe(self._put, batches, context=contextvars.Context())

    def _put(self, batches: Iterable[Batch]) -> None:
        from ministack.core import responses

        responses.set_request_account_id(self._settings.account)
        responses.set_request_region(self._settings.region)
        for batch in batches:
            try:
                self._append(batch)
            except Exception:
                logger.exception("log events of %s could not be stored", batch.stream)

    def _append(self, batch: Batch) -> None:
        from ministack.services import cloudwatch_logs as logs

        stream = _stream(batch.group, batch.stream)
        now = int(time.time() * 1000)
        events = [
            {
                "timestamp": batch.timestamp,
                "message": message,
                "ingestionTime": now,
                "eventId": uuid.uuid4().hex,
            }
            for message in batch.messages
        ]
        logs._append_log_events(stream, events)
        logs._fanout_to_subscription_filters(batch.group, batch.stream, events)
        logs._fanout_to_live_tail_sessions(batch.group, batch.stream, events)
        del stream["events"][:-STREAM_EVENTS]
        self._sizes[batch.group, batch.stream] = len(stream["events"])
        self._sizes.move_to_end((batch.group, batch.stream))
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        """Empty the streams that were written longest ago, until all is within the limit."""
        total = sum(self._sizes.values())
        while total > ALL_EVENTS and len(self._sizes) > 1:
            (group, name), size = self._sizes.popitem(last=False)
            _stream(group, name)["events"].clear()
            total -= size


def _stream(group: str, name: str) -> dict[str, Any]:
    """Made on first use, with its group, as SageMaker makes them."""
    from ministack.services import cloudwatch_logs as logs

    if group not in logs._log_groups:
        logs._create_log_group({"logGroupName": group})
    streams: dict[str, dict[str, Any]] = logs._log_groups[group]["streams"]
    if name not in streams:
        logs._create_log_stream({"logGroupName": group, "logStreamName": name})
    return streams[name]


def without_job_logs(getter: Callable[[], Any]) -> Callable[[], Any]:
    """What is saved of CloudWatch Logs: the jobs' streams are not, their files survive anyway.

    A snapshot is taken after nearly every request, and copies every event.
    """

    def saved() -> Any:
        from ministack.services import cloudwatch_logs as logs

        held = [
            (group, group["streams"])
            for (_, _, name), group in list(logs._log_groups._data.items())
            if name.startswith(_PREFIX)
        ]
        try:
            for group, _ in held:
                group["streams"] = {}
            return getter()
        finally:
            for group, streams in held:
                group["streams"] = streams

    return saved
