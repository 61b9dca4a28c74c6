"""The SQLite file behind the store.

It lies on a tmpfs and goes with the machine, so nothing waits for a disk: a commit that the kernel
has taken survives the death of the process, which is all that is asked of it.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from netlab.errors import LabError
from netlab.kube.objects import Key, Object

_LAYOUT = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
CREATE TABLE IF NOT EXISTS objects (
    resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, json TEXT NOT NULL,
    PRIMARY KEY (resource, namespace, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS version (only INTEGER PRIMARY KEY CHECK (only = 1), value INTEGER);
INSERT OR IGNORE INTO version VALUES (1, 0);
"""


class StoreFile:
    """Objects in a file, each under its key."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            # The store has one user at a time, but tests serve it from another thread.
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._connection.executescript(_LAYOUT)
        except sqlite3.Error as error:
            raise LabError(f"{path}: cannot open the lab's store: {error}") from error

    def read_version(self) -> int:
        """Return the version of the last commit, 0 for a new file."""
        (version,) = self._connection.execute("SELECT value FROM version").fetchone()
        return int(version)

    def read_objects(self) -> Iterator[tuple[Key, object]]:
        """Return what is kept under each key; None for what is no JSON."""
        rows = self._connection.execute("SELECT resource, namespace, name, json FROM objects")
        for resource, namespace, name, text in rows:
            try:
                value = json.loads(text)
            except (ValueError, RecursionError):
                value = None
            yield Key(resource, namespace, name), value

    def remove(self, keys: Iterable[Key]) -> None:
        """Take away what is kept under some keys."""
        self._connection.executemany(
            "DELETE FROM objects WHERE (resource, namespace, name) = (?, ?, ?)", keys
        )

    def commit(self, version: int, states: Iterable[tuple[Key, Object | None]]) -> dict[Key, int]:
        """Write the new states in one commit, None removes; return how many bytes each has."""
        run = self._connection.execute
        sizes: dict[Key, int] = {}
        try:
            run("BEGIN")
            for key, obj in states:
                sizes[key] = 0
                if obj is None:
                    run("DELETE FROM objects WHERE (resource, namespace, name) = (?, ?, ?)", key)
                else:
                    text = json.dumps(obj, separators=(",", ":"))
                    sizes[key] = len(text)
                    run("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)", (*key, text))
            run("UPDATE version SET value = ?", (version,))
            run("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                run("ROLLBACK")
            raise LabError(f"{self._path}: cannot write the lab's store: {error}") from error
        return sizes

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
