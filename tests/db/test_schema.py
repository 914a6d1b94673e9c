import shutil
import subprocess
import sys
from pathlib import Path

import db_fixtures
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from db.processes import finish, start
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import IntegrityError

from authsvc.db import schema
from authsvc.db.engine import Database
from authsvc.db.models import Base, ChangeHead, Role, SchemaVersion, Subject
from authsvc.errors import InvalidSettings, Unavailable

CHECKOUT = Path(schema.__file__).parents[2]
REVISIONS = [
    script.revision
    for script in ScriptDirectory(str(CHECKOUT / "migrations")).walk_revisions("base", "heads")
][::-1]

# What a database of each revision holds before it is upgraded: a row of every table that the
# revision made. A new migration adds its line here.
FILLED = {
    "0001": """
        INSERT INTO keys VALUES ('k', 'LT', 'ES256', 'pem', 'ab', :now, :now, 'active', :now, NULL);
        INSERT INTO authorities VALUES ('ab', 'pem', TRUE, :now);
        INSERT INTO subjects VALUES (11, 'user', 'local', 'alice', '11', TRUE, FALSE, :now, 1);
        INSERT INTO subjects VALUES (12, 'group', '', 'devs', NULL, TRUE, FALSE, :now, 1);
        INSERT INTO passwords VALUES (11, 'hash', :now);
        INSERT INTO memberships VALUES (12, 11);
        INSERT INTO registries VALUES (11, 'r:5000', TRUE, FALSE, 300, 'libtrust', FALSE, 'k', 1);
        INSERT INTO namespaces VALUES (11, 'team', 11, 'public', 1);
        INSERT INTO grants VALUES
            (11, 12, (SELECT id FROM roles WHERE name = 'writer'), 'team', 11, 'allow', :now,
             '["10.0.0.0/8"]', '', 'f', :now, 1);
        INSERT INTO changes VALUES (1, 'changes', 'changes-1', 5, '["base"]', :blob, :blob, :blob);
        INSERT INTO token_records (writer, seq, time, decision_id, body, prev, hash)
            VALUES ('w', 1, 5, 'jti', :blob, :blob, :blob);
        INSERT INTO leases VALUES ('job', 'me', :now)
    """,
    "0002": """
        INSERT INTO answers VALUES ('user:local:alice', 'POST /grants', 'k', :blob, '{}', :now);
        UPDATE token_records SET subject = 'user:local:alice'
    """,
    "0003": "INSERT INTO known_addresses VALUES ('alice', '192.0.2.1', :now)",
    "0004": """
        INSERT INTO subjects VALUES (13, 'robot', '', 'ci', NULL, TRUE, FALSE, :now, 1);
        INSERT INTO grants VALUES
            (13, 13, (SELECT id FROM roles WHERE name = 'writer'), 'team', 11, 'allow', NULL,
             '[]', '', 'g', :now, 1);
        INSERT INTO robots VALUES (13, 13, :now, '["10.0.0.0/8"]', 14);
        INSERT INTO secrets VALUES
            (1, 'rob', :blob, 13, '', :now, :now, NULL, NULL, NULL, FALSE, '')
    """,
    "0005": """
        INSERT INTO audit_keys VALUES ('k', 'pem', 5, NULL, NULL);
        INSERT INTO checkpoints VALUES (1, 5, 1, 9, :blob, :blob, :blob, 'k', :blob);
        INSERT INTO chain_proofs VALUES ('w', 1, 1, 0);
        INSERT INTO cursors VALUES ('syslog', 'w', 1)
    """,
}


def upgrade_to(database, revision, folder=None):
    database.create()
    with database.migrate() as connection:
        config = schema.alembic_config(connection)
        if folder is not None:
            config.set_main_option("script_location", str(folder))
        command.upgrade(config, revision)


def bound(database, statement):
    """A statement with its values, a time as each engine takes it."""
    values = {"now": "2026-01-02 03:04:05.000000", "blob": b"\0\1"}
    used = {name: value for name, value in values.items() if f":{name}" in statement}
    if not database.is_sqlite:
        statement = statement.replace(":now", "CAST(:now AS timestamptz)")
    return text(statement), used


def fill(database, revision):
    """Rows in every table that there is at that revision."""
    with database.write() as session:
        for filled in (FILLED[each] for each in FILLED if each <= revision):
            for statement in filled.split(";"):
                session.execute(*bound(database, statement))


def counts(database):
    with database.read() as session:
        tables = inspect(session.connection()).get_table_names()
        return {
            table: session.scalar(text(f"SELECT count(*) FROM {table}"))
            for table in tables
            if table not in {"alembic_version", "schema_versions"}
        }


def differences(database):
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, Base.metadata)


def checks_of(connection):
    inspector = inspect(connection)
    return {
        check["name"]
        for table in Base.metadata.tables
        for check in inspector.get_check_constraints(table)
    }


def references_of(connection):
    inspector = inspect(connection)
    return {
        (key["name"], key["options"].get("ondelete"))
        for table in Base.metadata.tables
        for key in inspector.get_foreign_keys(table)
    }


def test_there_is_one_head_and_it_is_the_number_that_this_release_was_made_for():
    heads = ScriptDirectory(str(CHECKOUT / "migrations")).get_heads()
    assert heads == [f"{schema.SCHEMA:04}"]


def test_an_upgrade_makes_everything_and_a_second_one_nothing(empty_database):
    assert schema.current(empty_database) is None
    schema.upgrade(empty_database)
    before = counts(empty_database)
    schema.upgrade(empty_database)
    assert schema.current(empty_database) == schema.SCHEMA
    assert counts(empty_database) == before
    schema.check(empty_database)


def test_models_and_migrations_agree(database):
    assert differences(database) == []


def test_models_and_migrations_agree_on_checks_and_on_what_a_deletion_takes_along(database):
    naming = Base.metadata.naming_convention["ck"]
    expected_checks = {
        naming % {"table_name": table.name, "constraint_name": check.name}
        if not str(check.name).startswith("ck_")
        else str(check.name)
        for table in Base.metadata.tables.values()
        for check in table.constraints
        if isinstance(check, sa.CheckConstraint)
    }
    expected_references = {
        (f"fk_{table.name}_{key.parent.name}_{key.column.table.name}", key.ondelete)
        for table in Base.metadata.tables.values()
        for key in table.foreign_keys
    }
    with database.engine.connect() as connection:
        assert checks_of(connection) == expected_checks
        assert references_of(connection) == expected_references


def test_the_rows_that_are_always_there(database):
    with database.read() as session:
        head = session.scalars(select(ChangeHead)).one()
        assert (head.id, head.seq, head.hash) == (1, 0, bytes(32))
        roles = {role.name: role.allow for role in session.scalars(select(Role))}
        assert roles == {
            "reader": ["repository:pull"],
            "writer": ["repository:pull", "repository:push"],
            "maintainer": ["repository:pull", "repository:push", "repository:delete"],
            "owner": ["repository:pull", "repository:push", "repository:delete"],
            "catalog-reader": ["registry:catalog:*"],
            "auditor": [],
            "admin": [
                "repository:pull",
                "repository:push",
                "repository:delete",
                "registry:catalog:*",
            ],
        }
        audiences = {(row.kind, row.source, row.name) for row in session.scalars(select(Subject))}
        assert audiences == {
            ("everyone", "", "everyone"),
            ("authenticated", "", "authenticated"),
        }


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("INSERT INTO passwords VALUES (999, 'h', :now)", id="nobody's password"),
        pytest.param("UPDATE subjects SET kind = 'king'", id="no such kind"),
        pytest.param("UPDATE subjects SET kind = 'user'", id="a user without source"),
        pytest.param("UPDATE subjects SET name = ''", id="no name"),
        pytest.param("UPDATE registries SET name = ''", id="a registry without name"),
        pytest.param("UPDATE registries SET ttl = 59", id="too short a life"),
        pytest.param("UPDATE registries SET libtrust_kid = 'none'", id="no such key"),
        pytest.param("DELETE FROM keys", id="a key in use"),
        pytest.param("DELETE FROM roles", id="a role in use"),
        pytest.param("UPDATE memberships SET member_id = group_id", id="a group in itself"),
        pytest.param("UPDATE grants SET effect = 'perhaps'", id="no such effect"),
        pytest.param("UPDATE grants SET pattern = ''", id="a grant on nothing"),
        pytest.param("INSERT INTO change_head VALUES (2, 0, :blob)", id="a second head"),
        pytest.param(
            "INSERT INTO namespaces VALUES (21, 'team', 11, 'public', 1)", id="a path twice"
        ),
        pytest.param(
            "INSERT INTO token_records (writer, seq, time, body, prev, hash)"
            " VALUES ('w', 1, 5, :blob, :blob, :blob)",
            id="a record's number twice",
        ),
    ],
)
def test_the_schema_itself_refuses(database, statement):
    fill(database, "0001")
    with pytest.raises(IntegrityError), database.write() as session:
        session.execute(*bound(database, statement))


def test_a_path_is_registered_once_for_all_registries(database):
    with database.write() as session:
        session.execute(text("INSERT INTO namespaces VALUES (1, 'team', NULL, 'public', 1)"))
    with pytest.raises(IntegrityError), database.write() as session:
        session.execute(text("INSERT INTO namespaces VALUES (2, 'team', NULL, 'private', 1)"))


def test_an_id_is_never_given_out_twice(database):
    ids = []
    for _ in range(2):
        with database.write() as session:
            row = Role(name="short-lived", builtin=False, allow=[], changed_in=1)
            session.add(row)
            session.flush()
            ids.append(row.id)
        with database.write() as session:
            session.execute(text("DELETE FROM roles WHERE name = 'short-lived'"))
    assert ids[0] < ids[1]


def test_every_revision_has_its_rows_to_be_upgraded_with():
    assert list(FILLED) == REVISIONS


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_filled_database_of_each_revision_is_upgraded_with_nothing_lost(empty_database, revision):
    upgrade_to(empty_database, revision)
    fill(empty_database, revision)
    before = counts(empty_database)
    assert all(before.values()), "a table has no row to be upgraded"
    schema.upgrade(empty_database)
    assert {table: counts(empty_database)[table] for table in before} == before
    assert differences(empty_database) == []


NEXT = '''
"""A next migration that makes a table anew and adds a column."""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("subjects", recreate="{recreate}") as batch:
        batch.add_column(sa.Column("note", sa.String(), nullable=False, server_default=""))
    op.execute("INSERT INTO schema_versions VALUES (9999, {oldest}, CURRENT_TIMESTAMP)")
'''


@pytest.fixture
def next_folder(tmp_path):
    """Our migrations and one more; a function that writes it."""

    def write(oldest, recreate="auto"):
        folder = tmp_path / "next"
        shutil.copytree(CHECKOUT / "migrations", folder)
        source = NEXT.format(head=REVISIONS[-1], oldest=oldest, recreate=recreate)
        (folder / "versions" / "9999_next.py").write_text(source)
        return folder

    return write


def test_a_table_that_is_made_anew_takes_nothing_along_that_refers_to_it(database, next_folder):
    fill(database, "0001")
    before = counts(database)
    recreate = "always" if database.is_sqlite else "auto"
    upgrade_to(database, "head", next_folder(oldest=1, recreate=recreate))
    assert counts(database) == before
    with pytest.raises(IntegrityError), database.write() as session:
        session.execute(text("UPDATE passwords SET subject_id = 999"))


def test_a_newer_schema_that_this_release_can_run_on_is_served_and_left_alone(
    database, next_folder
):
    upgrade_to(database, "head", next_folder(oldest=schema.SCHEMA))
    schema.check(database)
    schema.upgrade(database)
    assert schema.current(database) == 9999


def test_a_newer_schema_that_this_release_cannot_run_on_is_refused(database, next_folder):
    upgrade_to(database, "head", next_folder(oldest=schema.SCHEMA + 1))
    with pytest.raises(InvalidSettings, match="newer release"):
        schema.check(database)
    with pytest.raises(InvalidSettings, match="newer release"):
        schema.upgrade(database)


def test_no_schema_at_all_names_init_and_nothing_is_made(empty_database):
    with pytest.raises(InvalidSettings, match="authsvc init"):
        schema.check(empty_database)
    if empty_database.is_sqlite:
        assert not empty_database.exists


def test_an_older_schema_names_the_upgrade_and_nothing_is_changed(database):
    with database.write() as session:
        session.execute(text(f"UPDATE schema_versions SET number = number - {schema.SCHEMA}"))
    with pytest.raises(InvalidSettings, match="authsvc db upgrade"):
        schema.check(database)
    assert schema.current(database) == 0


def test_a_database_that_does_not_answer_is_neither_old_nor_new():
    nobody = Database(f"postgresql+psycopg://me@127.0.0.1:{db_fixtures.free_port()}/x")
    with pytest.raises(Unavailable):
        schema.check(nobody)


UPGRADE = """
import sys
from authsvc.db import schema
from authsvc.db.engine import Database
database = Database(sys.argv[1])
schema.upgrade(database)
print(schema.current(database))
database.dispose()
"""


@pytest.mark.parametrize("processes", [pytest.param(3, id="HA-13")])
def test_of_upgrades_at_once_one_works_and_the_others_wait(empty_url, processes):
    outputs = finish(*[start(UPGRADE, empty_url) for _ in range(processes)])
    assert outputs == [f"{schema.SCHEMA}\n"] * processes
    database = Database(empty_url)
    with database.read() as session:
        assert len(session.scalars(select(SchemaVersion)).all()) == schema.SCHEMA
    database.dispose()


def test_an_upgrade_that_fails_leaves_nothing_behind(database, next_folder):
    folder = next_folder(oldest=1)
    script = folder / "versions" / "9999_next.py"
    script.write_text(script.read_text() + "    op.execute('SELECT * FROM nowhere')\n")
    with pytest.raises(sa.exc.DBAPIError):
        upgrade_to(database, "head", folder)
    assert schema.current(database) == schema.SCHEMA
    assert differences(database) == []


def test_the_migrations_travel_inside_the_installed_package(tmp_path):
    shutil.copytree(CHECKOUT / "authsvc", tmp_path / "authsvc")
    shutil.copytree(CHECKOUT / "migrations", tmp_path / "authsvc" / "_migrations")
    source = (
        "from authsvc.db import schema; from authsvc.db.engine import Database\n"
        "database = Database('sqlite:///new/a.db'); schema.upgrade(database)\n"
        "print(schema.current(database), schema.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [
        str(schema.SCHEMA),
        str(tmp_path / "authsvc" / "db" / "schema.py"),
    ]
