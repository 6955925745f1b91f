"""Keeps the state file up with the tables: before each answer, and behind the jobs' threads.

Handlers and jobs change records in place, so what changed is found by looking. Members are
replaced rather than changed, so a record whose members are the same objects as before has not
changed: this look costs a microsecond a record, and is taken before every answer. A second, slow
look encodes every record, a few at a time, and finds what was changed deeper inside.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from operator import is_
from typing import Any

from warmfold_local.cloud import Cloud, Record
from warmfold_local.store.database import Database, Row
from warmfold_local.store.encoding import encode_record

logger = logging.getLogger("warmfold_local")

TICK_SECONDS = 0.25
# The slow look takes at most this share of one processor.
_SLOW_SHARE = 0.01
_SLOW_SECONDS = 2.0
# The locks are held while so many records are encoded: about half a millisecond.
_BATCH = 5
_PAUSE_SECONDS = 0.005

# What ministack would lose, by service: only services whose state may have changed. Raises
# ``RuntimeError`` if it changed meanwhile.
Snapshot = Callable[[], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class _Saved:
    """A record as it is in the file: its members' objects, and its text's hash."""

    record: Record
    members: tuple[Any, ...]
    text_hash: int

    def looks_like(self, record: Record) -> bool:
        return (
            self.record is record
            and len(self.members) == len(record)
            and all(map(is_, self.members, record.values()))
        )


class Journal:
    """``commit`` returns once everything that any thread did before is in the file."""

    def __init__(self, cloud: Cloud, database: Database, snapshot: Snapshot) -> None:
        self._cloud = cloud
        self._database = database
        self._snapshot = snapshot
        self._saved: dict[str, dict[str, _Saved]] = {}
        self._services: dict[str, int] = {}
        self._writing = threading.Lock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def restore(self) -> None:
        """Fill the cloud's tables from the file, before anything else uses them."""
        for kind, name, record in self._database.records():
            self._cloud.table(kind).add(name, record)
            text_hash = hash(encode_record(record))
            entry = _Saved(record, tuple(record.values()), text_hash)
            self._saved.setdefault(kind, {})[name] = entry

    def start(self) -> None:
        """Write behind, from now on."""
        self._thread = self._cloud.spawn("journal", self._write_behind)

    def commit(self) -> None:
        """Raises ``sqlite3.Error`` if the file cannot be written, and tries again next time."""
        with self._writing:
            if not self._closed.is_set():
                self._write(self._changed(), {})

    def close(self) -> None:
        """Write everything a last time; what happens afterwards is not kept."""
        with self._writing:
            services = self._changed_services()
            self._write(self._changed(slow=True), services)
            self._closed.set()
            self._database.close()

    def _write_behind(self) -> None:
        slow_in = 0.0
        while not self._closed.wait(TICK_SECONDS):
            slow_in -= TICK_SECONDS
            try:
                self._note_services()
                self.commit()
                if slow_in <= 0:
                    slow_in = max(_SLOW_SECONDS, self._look_slowly() / _SLOW_SHARE)
                    self._database.fold()
            except Exception:
                logger.exception("the state could not be saved: it is tried again")

    def _note_services(self) -> None:
        """ministack first, our records second: what a saved stack names is always saved too."""
        services = self._changed_services()
        if services:
            with self._writing:
                if not self._closed.is_set():
                    self._write(self._changed(), services)

    def _changed_services(self) -> dict[str, str]:
        found = self._snapshot()
        return {
            name: text for name, text in found.items() if self._services.get(name) != hash(text)
        }

    def _changed(self, *, slow: bool = False) -> "list[_Change]":
        changes: list[_Change] = []
        with self._cloud.lock:
            for kind, records in self._cloud.records():
                saved = self._saved.setdefault(kind, {})
                changes += _different(kind, records.items(), saved, slow=slow)
                if len(saved) + sum(c.kind == kind and c.is_new for c in changes) > len(records):
                    gone = saved.keys() - records.keys()
                    changes += [_Change(kind, name, None, None) for name in gone]
        return changes

    def _look_slowly(self) -> float:
        """Encode every record, in batches; the seconds of work that it took."""
        seconds = 0.0
        for kind, records in self._cloud.records():
            with self._cloud.lock:
                names = iter(list(records))
            while batch := list(islice(names, _BATCH)):
                seconds += self._look_at(kind, records, batch)
                if self._closed.wait(_PAUSE_SECONDS):
                    return seconds
        return seconds

    def _look_at(self, kind: str, records: Mapping[str, Record], names: list[str]) -> float:
        began = time.thread_time()
        with self._writing:
            if self._closed.is_set():
                return 0.0
            with self._cloud.lock:
                pairs = [(name, records[name]) for name in names if name in records]
                changes = _different(kind, pairs, self._saved.setdefault(kind, {}), slow=True)
            self._write(changes, {})
        return time.thread_time() - began

    def _write(self, changes: "list[_Change]", services: Mapping[str, str]) -> None:
        if not changes and not services:
            return
        self._database.write([change.row for change in changes], services)
        for change in changes:
            table = self._saved.setdefault(change.kind, {})
            if change.entry is None:
                table.pop(change.name, None)
            else:
                table[change.name] = change.entry
        self._services.update((name, hash(text)) for name, text in services.items())


@dataclass(frozen=True, slots=True)
class _Change:
    """A record to write, or one to mark as deleted (no text)."""

    kind: str
    name: str
    text: str | None
    entry: _Saved | None
    is_new: bool = False

    @property
    def row(self) -> Row:
        return self.kind, self.name, self.text


def _different(
    kind: str,
    pairs: Iterable[tuple[str, Record]],
    saved: dict[str, _Saved],
    *,
    slow: bool,
) -> list[_Change]:
    """The records that are not as saved; call it with the cloud's lock held."""
    changes = []
    for name, record in pairs:
        before = saved.get(name)
        if before is not None and not slow and before.looks_like(record):
            continue
        text = encode_record(record)
        entry = _Saved(record, tuple(record.values()), hash(text))
        if before is not None and before.text_hash == entry.text_hash:
            saved[name] = entry  # the same, said by other objects
            continue
        changes.append(_Change(kind, name, text, entry, before is None))
    return changes
