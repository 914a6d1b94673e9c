"""HA-14. The next release's first step on the schema, under the running version and its callers."""

import shutil
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from real.load import Load
from real.people import ONE, READER, WRITER, introduce
from real.process import wait_for
from real.service import Service
from real.wire import ask_token, claims

from authsvc.db import schema
from authsvc.db.engine import Database

CHECKOUT = Path(schema.__file__).parents[2]
HEAD = ScriptDirectory(str(CHECKOUT / "migrations")).get_current_head()
EXPAND = f'''
"""Columns, an index and a table that this release knows nothing of."""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{HEAD}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("token_records", "changes", "subjects", "secrets", "grants"):
        op.add_column(table, sa.Column("later", sa.String()))
    op.add_column("registries", sa.Column("kind", sa.String(), nullable=False, server_default="x"))
    op.create_index("ix_subjects_later", "subjects", ["later"])
    op.create_table("later", sa.Column("id", sa.Integer(), primary_key=True))
    op.execute("INSERT INTO schema_versions VALUES (9999, {schema.SCHEMA}, CURRENT_TIMESTAMP)")
'''


@pytest.fixture
def folder_of_migrations(tmp_path):
    copied = tmp_path / "migrations"
    shutil.copytree(CHECKOUT / "migrations", copied)
    (copied / "versions" / "9999_next.py").write_text(EXPAND)
    return copied


@pytest.fixture(params=["sqlite", "postgresql"])
def replicas(request, folder, postgres):
    """Two on one database and with one folder of keys."""
    folder.mkdir()
    url = f"sqlite:///{folder}/both.db"
    if request.param == "postgresql":
        url = postgres.url(postgres.make("template0"))
    made = [Service(folder / f"replica{number}", database_url=url) for number in range(2)]
    for one in made:
        file = one.folder / "authsvc.toml"
        file.write_text(f'certs_dir = "{made[0].folder}/certs"\n' + file.read_text())
    introduce(made[0])
    for one in made:
        one.start()
    yield made, url
    for one in made:
        one.stop()


def expand(url, migrations):
    """What `authsvc db upgrade` of the next release does."""
    database = Database(url)
    with database.migrate() as connection:
        config = schema.alembic_config(connection)
        config.set_main_option("script_location", str(migrations))
        command.upgrade(config, "head")
    assert schema.current(database) == 9999
    database.dispose()


def more(load, count=50):
    seen = len(load.acknowledged)
    wait_for(lambda: len(load.acknowledged) > seen + count, "callers to be served")


def actions(service, account, name):
    """What somebody gets of all that they ask for."""
    scope = f"repository:{name}:delete,pull,push"
    answer = ask_token(f"{service.url}/token", ONE, scope, account=account)
    assert answer.status == 200
    return [each["actions"] for each in claims(str(answer.json()["token"]))["access"]]


def test_no_request_fails_while_the_schema_grows_and_replicas_are_restarted(
    replicas, folder_of_migrations
):
    (first, second), url = replicas
    before = [actions(first, who, "team/app") for who in (READER, WRITER)]
    with (
        Load(first.port, ONE, [READER, None]) as at_first,
        Load(second.port, ONE, [WRITER]) as at_second,
    ):
        more(at_first)
        more(at_second)
        expand(url, folder_of_migrations)
        more(at_first)
        more(at_second)
        first.cli("group", "add", "made-over-the-newer-schema")
        first.cli("robot", "add", "ci", "--namespace", "team", "--role", "reader")
        more(at_first)
    assert (at_first.refused, at_second.refused) == ([], [])
    with Load(second.port, ONE, [READER, WRITER, None]) as load:
        more(load)
        assert first.process.stop() == 0
        first.start()
        more(load)
    assert load.refused == []
    assert [actions(first, who, "team/app") for who in (READER, WRITER)] == before
    given = at_first.acknowledged | at_second.acknowledged | load.acknowledged
    assert {each["decision_id"] for each in second.audit()} >= given
    second.cli("audit", "verify")
