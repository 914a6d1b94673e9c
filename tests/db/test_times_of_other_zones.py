"""A server may be in any zone: every time that can be stored is read again."""

import factories
import pytest
from sqlalchemy import select, text

from authsvc.changes.when import parse_time, print_time
from authsvc.db.engine import Database
from authsvc.db.models import Grant


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "UTC"])
@pytest.mark.parametrize("end", ["9999-12-31T23:59:59.999999Z", "2030-06-01T00:00:00Z"])
def test_an_end_is_read_as_it_was_written(postgres_url, zone, end):
    database = Database(postgres_url)
    with database.write() as session:
        name = session.scalar(text("SELECT current_database()"))
        session.execute(text(f"ALTER DATABASE {name} SET timezone = '{zone}'"))
    database.dispose()
    with database.write() as session:
        grant = factories.grant(session, factories.user(session), expires_at=parse_time(end))
        session.refresh(grant)
        assert print_time(grant.expires_at) == end
    with database.read() as session:
        assert print_time(session.scalars(select(Grant.expires_at)).one()) == end
    database.dispose()
