"""Data capture: what endpoints are asked and answer, sampled, written to S3 beside the work.

Sources: developer guide, "Capture data from real-time endpoint" (the records, and their place
``{endpoint}/{variant}/yyyy/mm/dd/hh/``); API reference, DataCaptureConfig. Names of files, and the
places of custom attributes and inference ids, are as seen in files that SageMaker wrote and others
published. AWS does not say whether a refused request is captured: here only answered ones are.
"""

import base64
import json
import logging
import random
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from warmfold_local.cloud import Cloud

logger = logging.getLogger("warmfold_local")

# "The delivery of capture data to Amazon S3 can require a couple of minutes": not on a laptop.
INTERVAL_SECONDS = 2.0

# As AWS stops capturing when a disk fills: what S3 has not taken is kept up to so much.
_KEPT_BYTES = 64 * 1024 * 1024

_BOTH = "InputAndOutput"


@dataclass(frozen=True, kw_only=True)
class Payload:
    """One body as it was sent. ``content_type`` is the whole header."""

    content_type: str
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One answered invocation, at ``time`` (UTC)."""

    time: datetime
    request: Payload
    response: Payload
    custom_attributes: str | None
    inference_id: str | None

    @property
    def size_bytes(self) -> int:
        return len(self.request.body) + len(self.response.body)


@dataclass(frozen=True, kw_only=True)
class CaptureSettings:
    """A DataCaptureConfig; ``modes`` are Input and Output."""

    sampled_percent: int
    uri: str
    key_id: str | None
    modes: frozenset[str]
    json_types: frozenset[str]
    csv_types: frozenset[str]

    @classmethod
    def of(cls, config: Mapping[str, Any] | None) -> "CaptureSettings | None":
        """``None`` if nothing is to be captured."""
        if config is None or not config.get("EnableCapture", True):
            return None
        modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
        types = config.get("CaptureContentTypeHeader") or {}
        return cls(
            sampled_percent=config["InitialSamplingPercentage"],
            uri=config["DestinationS3Uri"].rstrip("/"),
            key_id=config.get("KmsKeyId") or None,
            modes=frozenset({"Input", "Output"} if _BOTH in modes else modes),
            json_types=_lowered(types.get("JsonContentTypes", ())),
            csv_types=_lowered(types.get("CsvContentTypes", ())),
        )


# Puts a body to an S3 URI; raises as boto3 does.
Put = Callable[[bytes, str], None]


@dataclass(eq=False, kw_only=True)
class Capture:
    """One variant of one fleet; ``folder`` is ``{endpoint}/{variant}``.

    Noting an exchange costs its caller a draw from ``chance``; all else is the writer's.
    """

    settings: CaptureSettings
    folder: str
    put: Put
    chance: random.Random = field(default_factory=random.Random)
    retired: bool = False
    _waiting: list[Exchange] = field(default_factory=list)
    _kept_bytes: int = 0
    _lost: int = 0
    _failing: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _writing: threading.Lock = field(default_factory=threading.Lock)

    def note(self, exchange: Exchange) -> None:
        """Sample it, or not."""
        with self._lock:
            if self.chance.random() * 100 >= self.settings.sampled_percent:
                return
            if self._kept_bytes + exchange.size_bytes > _KEPT_BYTES:
                self._lost += 1
                return
            self._kept_bytes += exchange.size_bytes
            self._waiting.append(exchange)

    def flush(self) -> None:
        """Write what waits, a file for each hour. What S3 does not take waits for the next time."""
        with self._writing:
            with self._lock:
                taken, self._waiting, self._kept_bytes = self._waiting, [], 0
                lost, self._lost = self._lost, 0
            if lost:
                self._warn(f"{lost} requests beyond {_KEPT_BYTES} waiting bytes were not captured")
            for _, of_one_hour in groupby(taken, key=lambda exchange: f"{exchange.time:%Y%m%d%H}"):
                self._write(list(of_one_hour))

    def end(self) -> None:
        """Say what was sampled and not written."""
        with self._lock:
            left = len(self._waiting) + self._lost
        if left:
            self._warn(f"{left} captured requests are lost")

    def _write(self, exchanges: list[Exchange]) -> None:
        time = exchanges[0].time
        milliseconds = time.microsecond // 1000
        name = f"{time:%Y/%m/%d/%H/%M-%S}-{milliseconds:03d}-{uuid4()}.jsonl"
        lines = "".join(f"{_line(exchange, self.settings)}\n" for exchange in exchanges)
        try:
            self.put(lines.encode(), f"{self.settings.uri}/{self.folder}/{name}")
        except (BotoCoreError, ClientError) as error:
            self._put_back(exchanges)
            if not self._failing:  # once, until it works again
                self._warn(f"captured requests cannot be written, and wait: {error}")
            self._failing = True
        else:
            self._failing = False

    def _put_back(self, exchanges: list[Exchange]) -> None:
        with self._lock:
            self._waiting = [*exchanges, *self._waiting]
            self._kept_bytes += sum(exchange.size_bytes for exchange in exchanges)

    def _warn(self, text: str) -> None:
        logger.warning("data capture of %s: %s", self.folder, text)


@dataclass
class Captures:
    """One cloud's captures."""

    _open: list[Capture] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, capture: Capture) -> Capture:
        with self._lock:
            self._open.append(capture)
        return capture

    def retire(self, capture: Capture) -> None:
        """Its server has ended. Written at once, and once more: answers may be under way still."""
        capture.flush()
        capture.retired = True

    def flush(self) -> None:
        with self._lock:
            current = list(self._open)
        for capture in current:
            retired = capture.retired  # before it is written: what comes later is written later
            capture.flush()
            if retired:
                capture.end()
                with self._lock:
                    self._open = [other for other in self._open if other is not capture]

    def end(self) -> None:
        """The cloud ends: say what is lost."""
        with self._lock:
            current = list(self._open)
        for capture in current:
            capture.end()


def keep_capturing(cloud: Cloud) -> None:
    """Until the cloud stops; what is wrong once is logged, and tried again."""
    captures = cloud.part(Captures)
    while not cloud.stopping.wait(INTERVAL_SECONDS):
        try:
            captures.flush()
        except Exception:
            logger.exception("captured requests could not be written")


def _lowered(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


def _line(exchange: Exchange, settings: CaptureSettings) -> str:
    captured = {}
    if "Input" in settings.modes:
        captured["endpointInput"] = _part("INPUT", exchange.request, settings)
    if "Output" in settings.modes:
        captured["endpointOutput"] = _part("OUTPUT", exchange.response, settings)
    record = {"captureData": captured, "eventMetadata": _metadata(exchange), "eventVersion": "0"}
    return json.dumps(record, separators=(",", ":"))


def _metadata(exchange: Exchange) -> dict[str, Any]:
    metadata: dict[str, Any] = {"eventId": str(uuid4())}
    if exchange.custom_attributes is not None:
        metadata["customAttributes"] = [exchange.custom_attributes]
    if exchange.inference_id is not None:
        metadata["inferenceId"] = exchange.inference_id
    return {**metadata, "inferenceTime": f"{exchange.time:%Y-%m-%dT%H:%M:%SZ}"}


def _part(mode: str, payload: Payload, settings: CaptureSettings) -> dict[str, str]:
    encoding, data = _encoded(payload, settings)
    content_type = payload.content_type
    return {"observedContentType": content_type, "mode": mode, "data": data, "encoding": encoding}


def _encoded(payload: Payload, settings: CaptureSettings) -> tuple[str, str]:
    """JSON and CSV as they are, if the configuration names the type; all else in base64."""
    kind = payload.content_type.partition(";")[0].strip().lower()
    for encoding, types in (("JSON", settings.json_types), ("CSV", settings.csv_types)):
        if kind in types:
            try:
                return encoding, payload.body.decode("utf-8")
            except UnicodeDecodeError:
                break
    return "BASE64", base64.b64encode(payload.body).decode("ascii")
