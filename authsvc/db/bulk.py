"""Very many rows of one table at once, in a transaction that others wait for.

Rows are given column by column. PostgreSQL is given them by COPY: a statement a row takes it three
times as long. SQLite takes statements, and is quick while its cache holds all that they write.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from sqlalchemy import Connection, FromClause, exc
from sqlalchemy.orm import DeclarativeBase, Session

Columns: TypeAlias = Mapping[str, Sequence[Any]]
Model: TypeAlias = type[DeclarativeBase]

ROOM = 64 << 10  # KiB that SQLite may keep until the commit; 100,000 grants are 40 MB


def bound(session: Session, model: Model, columns: Columns) -> dict[str, list[Any]]:
    """The values as the driver takes them: most are equal to one before, and are made once.

    They may be written in another transaction of the same database.
    """
    connection, table = session.connection(), model.__table__
    return {name: _bound(connection, table, name, values) for name, values in columns.items()}


def insert_all(session: Session, model: Model, columns: Columns) -> None:
    """Insert rows of values that are `bound`, straight through the driver.

    SQLAlchemy's own statement takes 29 µs a grant on SQLite.
    """
    insert_rows(session.connection(), model.__table__, columns)


def insert_rows(connection: Connection, table: FromClause, columns: Columns) -> None:
    """As `insert_all`, for who has a connection and a table."""
    names = ", ".join(columns)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        text = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - all ours
        _execute_each(connection, text, list(columns.values()))
    else:
        rows = zip(*columns.values(), strict=True)
        _copy(connection, f"COPY {table} ({names}) FROM STDIN", rows)


def _execute_each(connection: Connection, text: str, columns: Sequence[Sequence[Any]]) -> None:
    rows = list(zip(*columns, strict=True))
    if rows:
        connection.exec_driver_sql(text, rows)


def _copy(connection: Connection, text: str, rows: Iterable[Sequence[Any]]) -> None:
    """Below SQLAlchemy, which has no COPY; errors are raised as it would raise them."""
    raw: Any = connection.connection.driver_connection
    error = connection.dialect.loaded_dbapi.Error
    try:
        with raw.cursor() as cursor, cursor.copy(text) as copy:
            for row in rows:
                copy.write_row(row)
    except error as fault:
        wrapped = exc.DBAPIError.instance(text, None, fault, error, hide_parameters=True)
        raise wrapped from fault


def update_all(session: Session, model: Model, columns: Columns) -> None:
    """Set the columns after the first in the rows that have the first, which is the key."""
    connection, table, (key, *names) = session.connection(), model.__table__, columns
    if connection.dialect.name == "sqlite":
        said = ", ".join(f"{name} = ?" for name in names)
        text = f"UPDATE {table} SET {said} WHERE {key} = ?"  # noqa: S608 - all ours
        _execute_each(connection, text, [*(columns[name] for name in names), columns[key]])
    elif columns[key]:
        said = ", ".join(f"{name} = given.{name}" for name in names)
        text = f"UPDATE {table} SET {said} FROM {_given(connection, table, columns, [key])}"  # noqa: S608 - all ours
        connection.exec_driver_sql(text, tuple(columns.values()))


def delete_all(session: Session, model: Model, keys: Columns) -> None:
    """Delete the rows that have all of these values, given column by column."""
    connection, table = session.connection(), model.__table__
    if connection.dialect.name == "sqlite":
        said = " AND ".join(f"{name} = ?" for name in keys)
        text = f"DELETE FROM {table} WHERE {said}"  # noqa: S608 - all ours
        _execute_each(connection, text, list(keys.values()))
    elif any(keys.values()):
        text = f"DELETE FROM {table} USING {_given(connection, table, keys, [*keys])}"  # noqa: S608 - all ours
        connection.exec_driver_sql(text, tuple(keys.values()))


@contextmanager
def roomy(session: Session) -> Iterator[None]:
    """Let SQLite keep all that is written in memory until the commit.

    Writing it out before, and reading it again, is a third of the time of very many rows.
    """
    connection = session.connection()
    if connection.dialect.name != "sqlite":
        yield
        return
    raw: Any = connection.connection.driver_connection  # works also after a failed statement
    (before,) = raw.execute("PRAGMA cache_size").fetchone()
    raw.execute(f"PRAGMA cache_size = -{ROOM}")
    try:
        yield
    finally:
        raw.execute(f"PRAGMA cache_size = {before}")


def _given(connection: Connection, table: FromClause, columns: Columns, keys: Sequence[str]) -> str:
    """The columns as a table, each of which comes as one array, joined by the keys."""
    kinds = (table.c[name].type.compile(connection.dialect) for name in columns)
    arrays = ", ".join(f"%s::{kind}[]" for kind in kinds)
    same = " AND ".join(f"{table}.{key} = given.{key}" for key in keys)
    return f"unnest({arrays}) AS given ({', '.join(columns)}) WHERE {same}"


def _bound(
    connection: Connection, table: FromClause, name: str, values: Sequence[Any]
) -> list[Any]:
    process: Callable[[Any], Any] | None = (
        table.c[name].type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    )
    if process is None:
        return list(values)
    known: dict[str, Any] = {}
    for value in values:
        said = repr(value)
        if said not in known:
            known[said] = process(value)
    return [known[repr(value)] for value in values]
