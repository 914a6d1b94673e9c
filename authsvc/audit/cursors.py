"""How far each sink has the log: for every writer the number up to which it took all."""

from collections.abc import Mapping

from sqlalchemy import Insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from authsvc.db.models import Cursor


def load(session: Session, sink: str) -> dict[str, int]:
    """The number of each writer; none for writers of which the sink has nothing."""
    query = select(Cursor.writer, Cursor.seq).where(Cursor.sink == sink)
    return {row.writer: row.seq for row in session.execute(query)}


def store(session: Session, sink: str, taken: Mapping[str, int]) -> None:
    """Note the numbers of some writers; a lower one than before counts too."""
    rows = [{"sink": sink, "writer": writer, "seq": seq} for writer, seq in sorted(taken.items())]
    if rows:
        session.execute(_upsert(session), rows)


def _upsert(session: Session) -> Insert:
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert(Cursor) if dialect == "postgresql" else sqlite.insert(Cursor)
    return insert.on_conflict_do_update(
        index_elements=["sink", "writer"], set_={"seq": insert.excluded.seq}
    )
