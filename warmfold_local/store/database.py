"""The state file: SQLite in WAL mode, one row per record, every write one transaction.

A killed process loses nothing that was written: the data is the operating system's by then
(``synchronous=NORMAL``: only a power cut may lose the last transactions, never half of one).
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from warmfold_local.cloud import Record
from warmfold_local.store.encoding import decode_record

FILE = "state.db"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, body TEXT, UNIQUE (kind, name)
);
CREATE TABLE IF NOT EXISTS service (name TEXT PRIMARY KEY, state TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_WRITE_RECORD = """
INSERT INTO record (kind, name, body) VALUES (?, ?, ?)
ON CONFLICT (kind, name) DO UPDATE SET body = excluded.body
"""
_WRITE_SERVICE = """
INSERT INTO service (name, state) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET state = excluded.state
"""

# Kind, name, and the encoded record; ``None`` for one that was deleted.
Row = tuple[str, str, str | None]


class Database:
    """One connection; the caller sees to it that one thread at a time uses it."""

    def __init__(self, path: Path) -> None:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite's own files follow its mode
        self._connection = _connect(path)
        self._folding = _connect(path)
        self._connection.executescript(_SCHEMA)

    def identify(self, identity: str) -> None:
        """Say whose it is, once; a file of another local cloud is refused by ``agreement``."""
        self._connection.execute(
            "INSERT OR IGNORE INTO about (name, value) VALUES ('identity', ?)", (identity,)
        )

    def write(self, rows: Iterable[Row], services: Mapping[str, str]) -> None:
        """All of it or, if the process dies or the disk is full, nothing."""
        with self._transaction() as connection:
            connection.executemany(_WRITE_RECORD, rows)
            connection.executemany(_WRITE_SERVICE, services.items())

    def records(self) -> Iterator[tuple[str, str, Record]]:
        """Kind, name and record, in the order in which they were made."""
        query = "SELECT kind, name, body FROM record WHERE body IS NOT NULL ORDER BY seq"
        for kind, name, body in self._connection.execute(query):
            yield kind, name, decode_record(body)

    def services(self) -> dict[str, str]:
        """The last snapshot of ministack's services."""
        return dict(self._connection.execute("SELECT name, state FROM service"))

    def fold(self) -> None:
        """Move the write-ahead log's pages into the file, which waits for the disk.

        It has a connection of its own: any thread may call it, and writes go on meanwhile.
        """
        self._folding.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """The last one to close folds the write-ahead log into the file."""
        self._folding.close()
        self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


def _connect(path: Path) -> sqlite3.Connection:
    """In WAL mode; the log is folded by ``fold`` alone, so that no write waits for the disk."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    return connection
