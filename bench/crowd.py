"""A policy of any size, written into a database of SQLite at once: a million grants in seconds.

The rows are those that the command line would have written one by one, but for their audit
records.
"""

import datetime as dt
import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from authsvc.changes.grants import GrantSpec

ALICE = "alice"
EACH = 10  # grants of one subject
SOURCE = "file"


def person(number: int) -> str:
    """The name of one of the crowd."""
    return f"u{number}"


def fill(database: Path, grants: int, *, to_alice: int = EACH) -> None:
    """Store that many grants, the first `to_alice` of them to her and EACH to any other."""
    check_fingerprint()
    people = -(-(grants - to_alice) // EACH)
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -400000")
        (head,) = connection.execute("SELECT seq FROM change_head").fetchone()
        (writer,) = connection.execute("SELECT id FROM roles WHERE name = 'writer'").fetchone()
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
        connection.executemany(
            "INSERT INTO subjects (kind, source, name, enabled, retired, created_at, changed_in)"
            " VALUES ('user', ?, ?, 1, 0, ?, ?)",
            ((SOURCE, name, now, head) for name in (ALICE, *map(person, range(people)))),
        )
        ids = dict(connection.execute("SELECT name, id FROM subjects WHERE source = ?", (SOURCE,)))
        connection.executemany(
            "INSERT INTO grants (subject_id, role_id, pattern, effect, cidrs, reason, fingerprint,"
            " created_at, changed_in) VALUES (?, ?, ?, 'allow', '[]', '', ?, ?, ?)",
            (
                (ids[name], writer, pattern, fingerprint(name, pattern), now, head)
                for name, pattern in places(grants, to_alice)
            ),
        )
    connection.close()


def places(grants: int, to_alice: int) -> Iterator[tuple[str, str]]:
    """Who may write where. Paths, and for a tenth of what is hers beyond EACH globs."""
    for number in range(to_alice):
        beyond = number >= EACH and number % 10 == 0
        yield ALICE, glob(number) if beyond else f"own{number % 977}/p{number}"
    for number in range(grants - to_alice):
        yield person(number // EACH), f"team{number % 977}/p{number}"


def glob(number: int) -> str:
    """Globs of several kinds, no two alike."""
    kinds = ("team{}/*", "team{}/**", "*/lib{}", "team{}/app-*", "**/x{}", "t{}*/**", "a/*/c{}")
    return kinds[number // 10 % len(kinds)].format(number)


def fingerprint(name: str, pattern: str) -> str:
    """As `GrantSpec` makes it, which for a million would take longer than all the rest."""
    said = (
        f'{{"cidrs": [], "effect": "allow", "expires_at": null, "on": "{pattern}", '
        f'"registry": null, "role": "writer", "subject": "user:{SOURCE}:{name}"}}'
    )
    return hashlib.sha256(said.encode()).hexdigest()


def check_fingerprint() -> None:
    """A database that the service could not have written would be no measure of it."""
    spec = GrantSpec(subject=f"user:{SOURCE}:{ALICE}", role="writer", on="a/b")
    assert fingerprint(ALICE, "a/b") == spec.fingerprint
