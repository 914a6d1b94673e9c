"""A whole database copied into an empty one, of the same engine or the other.

All of it is one transaction of the target, tables included: a copy that is cut short leaves what
was there before, which is nothing. Rows are read and written some at a time.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Column, Connection, Table, func, select, text
from sqlalchemy.orm import Session

from authsvc.errors import Conflict, InvalidSettings

from . import bulk, schema
from .engine import Database
from .models import Base, Change, ChangeHead, TokenRecord

ROWS = 1_000  # read at a time; the body of a record has a few KiB

Told: TypeAlias = Callable[[str, int, int], None]
"""Is told the table, how many of its rows are copied, and how many there are."""

_State: TypeAlias = tuple[Any, ...]
_ANYTHING = {
    "sqlite": "SELECT count(*) FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'",
    "postgresql": "SELECT count(*) FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace"
    " WHERE nspname NOT IN ('pg_catalog', 'information_schema')"
    " AND nspname NOT LIKE 'pg_toast%' AND nspname NOT LIKE 'pg_temp%'",
}


def copy(source: Database, target: Database, told: Told) -> dict[str, int]:
    """Copy everything; how many rows each table has.

    Numbers that were given out are not given out again. Raises Conflict when the target holds
    anything, or when changes or records came meanwhile, which would be missing in it;
    InvalidSettings when the source is not of this release's schema; Unavailable.
    """
    schema.check(source)
    if schema.current(source) != schema.SCHEMA:
        raise InvalidSettings(
            "the database's schema is newer than this release's",
            advice="copy it with the newer release",
        )
    target.create()
    with source.snapshot() as reading, target.migrate() as writing:
        _refuse_anything(writing)
        schema.migrate(writing)
        before = _state(reading)
        counts = _copy_tables(reading, writing, told)
        _copy_sequences(reading, writing)
        with source.snapshot() as now:
            _refuse_late(before, _state(now))
    target.checkpoint()
    return counts


def _refuse_anything(connection: Connection) -> None:
    if connection.scalar(text(_ANYTHING[connection.dialect.name])):
        raise Conflict(
            "the database to copy to is not empty",
            advice="give the address of a new one, or empty it",
        )


def _state(connection: Connection) -> _State:
    """What differs when something was recorded; bookkeeping beside the log does not count."""
    return (
        connection.execute(select(ChangeHead.seq, ChangeHead.hash)).one(),
        connection.scalar(select(func.count()).select_from(Change)),
        connection.execute(select(func.count(), func.max(TokenRecord.time))).one(),
    )


def _refuse_late(before: _State, after: _State) -> None:
    if before != after:
        raise Conflict(
            "changes or records were made meanwhile and would be missing; nothing was copied",
            advice="stop every replica and copy again",
        )


def _copy_tables(reading: Connection, writing: Connection, told: Told) -> dict[str, int]:
    """Rows that the migrations made are replaced by those of the source, like all others."""
    tables = Base.metadata.sorted_tables
    for table in reversed(tables):
        writing.execute(table.delete())
    with bulk.roomy(Session(writing)):
        return {table.name: _copy_table(table, reading, writing, told) for table in tables}


def _copy_table(table: Table, reading: Connection, writing: Connection, told: Told) -> int:
    count = select(func.count()).select_from(table)
    total, copied = reading.scalar(count) or 0, 0
    told(table.name, 0, total)
    for rows in _read(table, reading):
        bulk.insert_rows(writing, table, _bound(writing, table, rows))
        copied += len(rows)
        told(table.name, copied, total)
    if not copied == total == writing.scalar(count):
        raise RuntimeError(f"{copied} of {total} rows of {table.name} were copied")
    return copied


def _read(table: Table, connection: Connection) -> Iterator[Sequence[Any]]:
    """All rows, some at a time, by a cursor of the server where there is one."""
    streamed = {"stream_results": True, "yield_per": ROWS}
    with connection.execute(select(table), execution_options=streamed) as result:
        yield from result.partitions()


def _bound(connection: Connection, table: Table, rows: Sequence[Any]) -> dict[str, Sequence[Any]]:
    """Column by column, the values as the driver of the target takes them."""
    columns = zip(table.columns, zip(*rows, strict=True), strict=True)
    return {column.name: _bound_column(connection, column, each) for column, each in columns}


def _bound_column(connection: Connection, column: Column[Any], values: Sequence[Any]) -> list[Any]:
    dialect = connection.dialect
    process = column.type.dialect_impl(dialect).bind_processor(dialect)
    return list(values) if process is None else [process(value) for value in values]


def _copy_sequences(reading: Connection, writing: Connection) -> None:
    """Set which numbers were given out, those of rows that are gone among them."""
    for table in Base.metadata.sorted_tables:
        if table.dialect_options["sqlite"]["autoincrement"]:
            _set_last(writing, table, _last(reading, table))


def _last(connection: Connection, table: Table) -> int:
    """The highest number given out for a row of the table, 0 for none."""
    if connection.dialect.name == "sqlite":
        query = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        return connection.scalar(query, {"name": table.name}) or 0
    sequence = connection.scalar(select(func.pg_get_serial_sequence(table.name, "id")))
    given = f"SELECT last_value FROM {sequence} WHERE is_called"  # noqa: S608 - the server's own name
    return connection.scalar(text(given)) or 0


def _set_last(connection: Connection, table: Table, last: int) -> None:
    if connection.dialect.name == "sqlite":
        row = {"name": table.name, "seq": last}
        connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), row)
        connection.execute(text("INSERT INTO sqlite_sequence VALUES (:name, :seq)"), row)
        return
    sequence = func.pg_get_serial_sequence(table.name, "id")
    connection.execute(select(func.setval(sequence, max(last, 1), last > 0)))
