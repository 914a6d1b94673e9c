"""All records in the order of their chains, in pages of plain rows: a million in a few seconds.

Below SQLAlchemy, whose rows take longer than all that is done with them here.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy import Connection, exc
from sqlalchemy.orm import Session

PAGE = 10_000  # rows; as PostgreSQL sends them, far within the time that a read may take

# The last column is the one that only this table has.
_TOKENS = (
    "SELECT writer, seq, body, prev, hash, time, decision_id, subject FROM token_records"
    " WHERE (writer, seq) > ({0}, {0}) ORDER BY writer, seq LIMIT {1}"
)
_CHANGES = (
    "SELECT writer, seq, body, prev, hash, time, NULL, id FROM changes"
    " WHERE seq > {0} ORDER BY seq LIMIT {1}"
)

Row = tuple[str, int, bytes, bytes, bytes, int, str | None, str | None]
"""(writer, seq, body, prev, hash, time in ms, decision_id, subject or id)."""


def token_records(session: Session) -> Iterator[list[Row]]:
    """The token log, by writer and number."""
    connection = session.connection()
    place: tuple[Any, ...] = ("", 0)
    while page := _rows(connection, _TOKENS, place):
        yield page
        place = page[-1][:2]


def changes(session: Session) -> Iterator[list[Row]]:
    """The edits, by number."""
    connection = session.connection()
    place: tuple[Any, ...] = (-1,)
    while page := _rows(connection, _CHANGES, place):
        yield page
        place = (page[-1][1],)


def _rows(connection: Connection, query: str, place: Sequence[Any]) -> list[Row]:
    raw: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        found: list[Row] = raw.execute(query.format("?", PAGE), place).fetchall()
        return found
    # As binary: the text of a bytea is twice as long as the bytes.
    with _errors(connection), closing(raw.cursor(binary=True)) as cursor:
        sent: list[Row] = cursor.execute(query.format("%s", PAGE), place).fetchall()
    return sent


@contextmanager
def _errors(connection: Connection) -> Iterator[None]:
    """Errors of the driver are raised as SQLAlchemy would raise them."""
    error = connection.dialect.loaded_dbapi.Error
    try:
        yield
    except error as fault:
        raise exc.DBAPIError.instance("", None, fault, error, hide_parameters=True) from fault
