"""Records of a batch transform: split from an object, packed into payloads, put together again.

Pure: no S3, no container. A mini-batch never spans objects, and outputs keep the input's order.
"""

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warmfold_local.sagemaker.transform_filters import (
    Filter,
    Format,
    RecordError,
    decode_record,
    encode_record,
    join,
)


@dataclass(frozen=True, kw_only=True)
class Processing:
    """``DataProcessing`` of a job, with the formats of its input and its output."""

    input_filter: Filter
    output_filter: Filter
    joined: bool
    input_format: Format
    output_format: Format


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How an object is cut up; ``payload_bytes`` bounds one request's body."""

    by_line: bool
    one_by_one: bool
    payload_bytes: int
    assemble_lines: bool
    compressed: bool
    processing: Processing | None


@dataclass(frozen=True, kw_only=True)
class MiniBatch:
    """One request: its body, and the original records; ``first`` counts from 1."""

    first: int
    records: tuple[bytes, ...]
    body: bytes

    @property
    def place(self) -> str:
        last = self.first + len(self.records) - 1
        return f"record {self.first}" if last == self.first else f"records {self.first} to {last}"


def mini_batches(path: Path, plan: Plan) -> Iterator[MiniBatch]:
    """The requests that one downloaded object becomes. Raises ``RecordError``."""
    open_ = gzip.open if plan.compressed else open
    with open_(path, "rb") as stream:
        if not plan.by_line:
            yield _whole(stream.read(plan.payload_bytes + 1), plan)
            return
        lines = (line.rstrip(b"\r\n") for line in stream)
        yield from _packed((line for line in lines if line.strip()), plan)


def assemble(batch: MiniBatch, reply: bytes, plan: Plan) -> bytes:
    """The output of one mini-batch. Raises ``RecordError`` if it does not fit its records."""
    processing = plan.processing
    if processing is None:
        return _lines(reply.splitlines()) if plan.assemble_lines else reply
    outputs = [reply.strip()] if len(batch.records) == 1 else reply.splitlines()
    if len(outputs) != len(batch.records):
        raise RecordError(
            f"{batch.place}: the container answered {len(outputs)} lines for "
            f"{len(batch.records)} records"
        )
    processed = [
        _output(given, output, processing)
        for given, output in zip(batch.records, outputs, strict=True)
    ]
    return _lines(processed) if plan.assemble_lines else b"".join(processed)


def _whole(body: bytes, plan: Plan) -> MiniBatch:
    _check_size(body, plan, place="the object")
    sent = body if plan.processing is None else _filtered(body, plan.processing)
    return MiniBatch(first=1, records=(body,), body=sent)


def _packed(lines: Iterable[bytes], plan: Plan) -> Iterator[MiniBatch]:
    pending: list[tuple[bytes, bytes]] = []
    size, first = 0, 1
    for number, line in enumerate(lines, start=1):
        sent = line if plan.processing is None else _filtered(line, plan.processing)
        _check_size(sent, plan, place=f"record {number}")
        full = size + len(sent) + 1 > plan.payload_bytes
        if pending and (plan.one_by_one or full):
            yield _batch(first, pending, plan)
            pending, size, first = [], 0, number
        pending.append((line, sent))
        size += len(sent) + 1
    if pending:
        yield _batch(first, pending, plan)


def _batch(first: int, pending: list[tuple[bytes, bytes]], plan: Plan) -> MiniBatch:
    body = pending[0][1] if plan.one_by_one else _lines(sent for _, sent in pending)
    return MiniBatch(first=first, records=tuple(line for line, _ in pending), body=body)


def _check_size(body: bytes, plan: Plan, *, place: str) -> None:
    if len(body) + 1 > plan.payload_bytes:
        raise RecordError(f"{place} is larger than MaxPayloadInMB ({plan.payload_bytes} bytes)")


def _filtered(line: bytes, processing: Processing) -> bytes:
    if processing.input_filter.path == "$":
        return line
    kind = processing.input_format
    return encode_record(processing.input_filter.apply(decode_record(line, kind)), kind)


def _output(given: bytes, output: bytes, processing: Processing) -> bytes:
    kind = processing.output_format
    value: Any = decode_record(output, kind)
    if processing.joined:
        value = join(decode_record(given, processing.input_format), value, kind)
    return encode_record(processing.output_filter.apply(value), kind)


def _lines(lines: Iterable[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)
