"""Whether what is saved in a state folder belongs together; looked at before a restart."""

import sqlite3
from contextlib import closing
from pathlib import Path

from warmfold_local.store.database import FILE
from warmfold_local.store.services import STACKS, stack_resources

# A copy of the local cloud's identity, in each folder that ministack keeps data in.
IDENTITY_FILE = ".warmfold-identity"
FOLDERS = ("ministack", "s3")


def mark(state_dir: Path, identity: str) -> None:
    for name in FOLDERS:
        (state_dir / name).mkdir(exist_ok=True)
        (state_dir / name / IDENTITY_FILE).write_text(identity, encoding="utf-8")


def disagreement(state_dir: Path, identity: str) -> str | None:
    """What does not fit together, for the user; ``None`` if all does."""
    for name in FOLDERS:
        if _text(state_dir / name / IDENTITY_FILE) != identity:
            return f"{state_dir / name} is missing, or belongs to another local cloud"
    try:
        with closing(sqlite3.connect(state_dir / FILE, isolation_level=None)) as connection:
            return _inside(connection, state_dir / FILE, identity)
    except (sqlite3.DatabaseError, ValueError, KeyError) as error:
        return f"{state_dir / FILE} cannot be read: {error}"


def holds_something(state_dir: Path) -> bool:
    """Whether anything was ever saved here; a start that was cut off leaves an empty file."""
    path = state_dir / FILE
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            query = "SELECT (SELECT count(*) FROM record) + (SELECT count(*) FROM service)"
            return bool(connection.execute(query).fetchone()[0])
    except sqlite3.OperationalError:  # not even its tables were made
        return False


def _inside(connection: sqlite3.Connection, path: Path, identity: str) -> str | None:
    (check,) = connection.execute("PRAGMA quick_check").fetchone()
    if check != "ok":
        return f"{path} is damaged: {check}"
    saved = connection.execute("SELECT value FROM about WHERE name = 'identity'").fetchone()
    if saved != (identity,):
        return f"{path} belongs to another local cloud"
    row = connection.execute("SELECT state FROM service WHERE name = ?", (STACKS,)).fetchone()
    return None if row is None else _missing(connection, row[0])


def _missing(connection: sqlite3.Connection, stacks: str) -> str | None:
    """A resource that a stack names and SageMaker never had; one deleted by hand is no such."""
    for stack, kind, name in stack_resources(stacks):
        query = "SELECT 1 FROM record WHERE kind = ? AND name = ?"
        if connection.execute(query, (kind, name)).fetchone() is None:
            return f'the stack {stack} names the {kind.lower()} "{name}", which SageMaker lacks'
    return None


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
