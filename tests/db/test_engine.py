import os
import stat
import threading

import pytest
from db.processes import finish, start
from factories import NOW, user
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from authsvc.db import schema, sidelock
from authsvc.db.engine import Database
from authsvc.db.models import Lease, Subject
from authsvc.errors import InvalidSettings, Unavailable


@pytest.mark.parametrize(
    "url",
    [
        "",
        "authsvc.db",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///a.db?mode=ro",
        "sqlite+aiosqlite:///a.db",
        "postgresql://me@host/db",
        "postgresql+psycopg2://me@host/db",
        "postgresql+asyncpg://me:hidden-word@host/db",
        "mysql://me@host/db",
    ],
)
def test_an_address_that_we_cannot_work_with_is_refused_with_what_to_write(url):
    with pytest.raises(InvalidSettings, match=r"postgresql\+psycopg://") as refused:
        Database(url)
    assert refused.value.faults[0][0] == "database_url"
    assert "hidden-word" not in str(refused.value)


def test_the_embedded_default_is_made_private_with_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    database = Database("sqlite:///data/deep/authsvc.db")
    assert not (tmp_path / "data").exists()
    schema.upgrade(database)
    with database.write() as session:
        user(session)
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").rglob("*")
    }
    assert modes == {
        "deep": 0o700,
        "authsvc.db": 0o600,
        "authsvc.db-wal": 0o600,
        "authsvc.db-shm": 0o600,
        "authsvc.db.lock": 0o600,
    }
    database.dispose()


def test_what_root_makes_is_left_to_the_owner_of_the_folder(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    owner = 12345 if os.geteuid() == 0 else os.geteuid()  # only root can give files away
    os.chown(folder, owner, -1)
    database = Database(f"sqlite:///{folder / 'deep' / 'a.db'}")
    schema.upgrade(database)
    with database.write() as session:
        user(session)
    owners = {path.stat().st_uid for path in folder.rglob("*")}
    assert owners == {owner}
    database.dispose()


def test_what_is_written_is_there_and_what_failed_is_not(database):
    with database.write() as session:
        user(session, "alice")

    def fail():
        with database.write() as session:
            user(session, "bob")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with database.read() as session:
        people = session.scalars(select(Subject.name).where(Subject.kind == "user")).all()
    assert people == ["alice"]


def test_a_row_read_stays_usable_and_its_times_are_utc(database):
    with database.write() as session:
        row = user(session)
    assert row.name == "alice"
    with database.read() as session:
        found = session.scalars(select(Subject).where(Subject.id == row.id)).one()
    assert found.created_at == NOW
    assert found.created_at.utcoffset().total_seconds() == 0


def test_a_time_without_zone_never_reaches_the_database(database):
    with pytest.raises(Exception, match="without zone"), database.write() as session:
        session.add(Lease(name="a", holder="b", until=NOW.replace(tzinfo=None)))


def test_reading_sees_one_state_while_others_write(database):
    with database.read() as session:
        count = select(Subject.id)
        before = len(session.scalars(count).all())
        with database.write() as other:
            user(other)
        assert len(session.scalars(count).all()) == before
    with database.read() as session:
        assert len(session.scalars(count).all()) == before + 1


def test_a_rule_of_the_schema_passes_through_as_what_it_is(database):
    with database.write() as session:
        user(session)
    with pytest.raises(IntegrityError), database.write() as session:
        user(session)


def test_a_fault_of_ours_is_not_taken_for_a_database_that_is_away(database):
    with pytest.raises(Exception, match="no_such_table") as fault, database.read() as session:
        session.execute(text("SELECT 1 FROM no_such_table"))
    assert not isinstance(fault.value, Unavailable)


def test_errors_hold_no_bound_values(database):
    with pytest.raises(IntegrityError) as fault, database.write() as session:
        session.execute(
            text("INSERT INTO passwords VALUES (999, :hash, :now)"),
            {"hash": "a-hash-to-hide", "now": str(NOW) if database.is_sqlite else NOW},
        )
    assert "a-hash-to-hide" not in str(fault.value)


CHANGE = """
import sys
from authsvc.db.engine import Database
from sqlalchemy import text
database = Database(sys.argv[1])
for _ in range(40):
    with database.write() as session:
        lock = "" if database.is_sqlite else " FOR UPDATE"
        seq = session.scalar(text("SELECT seq FROM change_head" + lock))
        session.execute(text("UPDATE change_head SET seq = :seq"), {"seq": seq + 1})
database.dispose()
"""


def test_no_write_is_lost_between_processes(database, database_url):
    finish(*[start(CHANGE, database_url) for _ in range(3)])
    with database.read() as session:
        assert session.scalar(text("SELECT seq FROM change_head")) == 120


def test_no_write_is_lost_between_threads(database):
    def change():
        for _ in range(20):
            with database.write() as session:
                lock = "" if database.is_sqlite else " FOR UPDATE"
                seq = session.scalar(text("SELECT seq FROM change_head" + lock))
                session.execute(text("UPDATE change_head SET seq = :seq"), {"seq": seq + 1})

    threads = [threading.Thread(target=change) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert session.scalar(text("SELECT seq FROM change_head")) == 100


# SQLite


HOLD = """
import sys
from authsvc.db.engine import Database
database = Database(sys.argv[1])
with database.write() as session:
    session.connection()
    print("held", flush=True)
    import time
    time.sleep(600)
"""


def test_a_writer_that_does_not_end_is_unavailability_and_then_over(sqlite_url, monkeypatch):
    database = Database(sqlite_url)
    monkeypatch.setattr("authsvc.db.engine.PATIENCE", 0.1)
    holder = start(HOLD, sqlite_url)
    assert holder.stdout.readline() == "held\n"
    for _ in range(2):
        with pytest.raises(Unavailable) as fault, database.write():
            pass
        assert (fault.value.what, fault.value.retry_after) == ("database", 1)
    with database.read() as session:
        assert session.scalar(text("SELECT 1")) == 1
    holder.kill()
    holder.communicate()
    monkeypatch.setattr("authsvc.db.engine.PATIENCE", sidelock.PATIENCE)
    with database.write() as session:
        user(session)
    database.dispose()


def test_a_turn_that_came_too_late_is_passed_on(tmp_path):
    mine, others = (sidelock.SideLock(tmp_path / "lock") for _ in range(2))
    with others.held():
        with pytest.raises(Unavailable), mine.held(0.05):
            pass
        with pytest.raises(Unavailable), mine.held(0.05):
            pass
    with others.held(), pytest.raises(Unavailable), mine.held(0.05):
        pass
    with mine.held():
        pass
    with others.held():
        pass


def test_threads_wait_for_each_other_and_not_for_ever(tmp_path):
    lock = sidelock.SideLock(tmp_path / "lock")
    faults = []

    def want():
        try:
            with lock.held(0.05):
                pass
        except Unavailable as fault:
            faults.append(fault)

    with lock.held():
        thread = threading.Thread(target=want)
        thread.start()
        thread.join()
    assert len(faults) == 1


def test_a_commit_is_durable_and_never_waits_for_a_checkpoint(sqlite_url):
    database = Database(sqlite_url)
    with database.read() as session:
        values = [
            session.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint")
        ]
    assert values == ["wal", 2, 1, 0]
    database.dispose()


def test_a_checkpoint_moves_the_log_into_the_file_and_empties_a_long_one(sqlite_url):
    database = Database(sqlite_url)
    log = database.path.with_name("test.db-wal")
    for number in range(3):
        with database.write() as session:
            session.execute(
                text("INSERT INTO token_records VALUES ('w', :seq, 1, NULL, :body, '', '', NULL)"),
                {"seq": number, "body": bytes(2 << 20)},
            )
    assert log.stat().st_size > 4 << 20
    database.checkpoint()
    assert log.stat().st_size == 0
    with database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM token_records")) == 3
    database.dispose()


def test_a_checkpoint_beside_a_reader_does_without(sqlite_url):
    database = Database(sqlite_url)
    with database.read() as session:
        session.scalar(text("SELECT count(*) FROM token_records"))
        with database.write() as other:
            other.execute(
                text("INSERT INTO token_records VALUES ('w', 1, 1, NULL, :body, '', '', NULL)"),
                {"body": bytes(5 << 20)},
            )
        database.checkpoint()
    with database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM token_records")) == 1
    database.dispose()


def test_a_file_that_went_away_is_unavailable_and_not_made_anew(sqlite_url):
    database = Database(sqlite_url)
    database.path.unlink()
    with pytest.raises(Unavailable), database.read() as session:
        session.scalar(text("SELECT 1"))
    assert not database.path.exists()


def test_a_damaged_file_is_unavailable(sqlite_url):
    database = Database(sqlite_url)
    database.path.write_bytes(b"not a database" * 1000)
    with pytest.raises(Unavailable), database.read() as session:
        session.scalar(text("SELECT count(*) FROM subjects"))


def test_a_full_disk_is_unavailable_and_nothing_of_it_stays(sqlite_url):
    database = Database(sqlite_url)
    with database.engine.connect() as connection:  # the pool gives it out again
        connection.exec_driver_sql("PRAGMA max_page_count = 100")
    with pytest.raises(Unavailable, match="full"), database.write() as session:
        session.execute(
            text("INSERT INTO token_records VALUES ('w', 1, 1, NULL, :body, '', '', NULL)"),
            {"body": bytes(1 << 20)},
        )
    with database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM token_records")) == 0
    database.dispose()


# PostgreSQL


def test_a_stopped_server_is_unavailable_and_recovers_by_itself(postgres_of_its_own):
    database = Database(postgres_of_its_own.url("test"))
    with database.write() as session:
        user(session)
    postgres_of_its_own.stop()
    for way in (database.read, database.write):
        with pytest.raises(Unavailable), way() as session:
            session.scalar(text("SELECT 1"))
    postgres_of_its_own.start()
    with database.read() as session:
        assert session.scalars(select(Subject.name).where(Subject.kind == "user")).all() == [
            "alice"
        ]
    database.dispose()


def test_connections_that_were_cut_are_made_anew_unnoticed(postgres, postgres_url):
    database = Database(postgres_url)
    for _ in range(2):
        with database.read() as session:
            assert session.scalar(text("SELECT 1")) == 1
        postgres.cut(postgres_url.rpartition("/")[2])
    database.dispose()


def test_a_connection_cut_within_a_transaction_is_unavailable(postgres, postgres_url):
    database = Database(postgres_url)

    def interrupted():
        with database.write() as session:
            user(session)
            postgres.cut(postgres_url.rpartition("/")[2])
            user(session, "bob")

    with pytest.raises(Unavailable):
        interrupted()
    with database.read() as session:
        assert session.scalars(select(Subject).where(Subject.kind == "user")).all() == []
    database.dispose()


@pytest.mark.parametrize("case", [pytest.param("pg_sleep(30)", id="HA-22")])
def test_a_read_is_bounded_and_its_bound_stays_in_its_transaction(postgres_url, case):
    database = Database(postgres_url)
    with pytest.raises(Unavailable), database.read() as session:
        session.execute(text(f"SELECT {case}"))
    with database.engine.connect() as connection:
        assert connection.scalar(text("SHOW statement_timeout")) == "0"
        assert connection.scalar(text("SHOW lock_timeout")) == "0"
    database.dispose()


def test_a_row_locked_by_another_for_too_long_is_unavailable(postgres_url):
    database = Database(postgres_url)
    lock = text("SELECT * FROM change_head FOR UPDATE")
    with database.write() as session:
        session.execute(lock)
        with pytest.raises(Unavailable), database.write() as other:
            other.execute(lock)
    database.dispose()


def test_a_standby_that_takes_no_writes_is_unavailable(postgres_url):
    database = Database(postgres_url)
    with pytest.raises(Unavailable), database.read() as session:
        user(session)
    database.dispose()


def test_no_statement_is_prepared(postgres_url):
    """HA-06: a pooler gives the next transaction another connection, which knows none."""
    database = Database(postgres_url)
    with database.write() as session:
        for _ in range(20):
            session.scalar(text("SELECT 1"))
        assert session.scalar(text("SELECT count(*) FROM pg_prepared_statements")) == 0
    database.dispose()
