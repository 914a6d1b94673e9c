"""HA-06. Behind pgbouncer in transaction pooling all is as before it, and nothing leaks."""

import json

import psycopg
import pytest
from real.load import Load
from real.people import ONE, READER, WRITER, introduce
from real.pgbouncer import SESSIONS, Pgbouncer
from real.process import wait_for
from real.service import ADMIN, Service
from real.wire import ask_token, basic, call, claims

SCOPE = "repository:team/app:pull"
SETTINGS_OF_A_SESSION = (
    "statement_timeout", "lock_timeout", "timezone", "transaction_isolation",
    "transaction_read_only", "default_transaction_read_only",
)  # fmt: skip


@pytest.fixture(scope="module")
def name(postgres):
    return postgres.make("template0")


@pytest.fixture(scope="module")
def pooler(rt, postgres):
    made = Pgbouncer(rt / "pgbouncer", postgres)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def service(rt, pooler, name):
    """Two workers; made, upgraded and filled with a policy through the pooler too."""
    made = Service(rt / "pooled", database_url=pooler.url(name), settings="workers = 2\n")
    introduce(made)
    made.start()
    yield made
    made.stop()


def test_tokens_under_load_and_each_has_its_record(service):
    with Load(service.port, ONE, [READER, WRITER, None, None] * 2, name="open/app") as load:
        wait_for(lambda: len(load.acknowledged) > 500, "tokens")
    assert load.refused == []
    records = [each for each in service.audit() if each["event"] == "token"]
    assert {each["decision_id"] for each in records} >= load.acknowledged


def test_both_workers_answer(service):
    def writers():
        for _ in range(10):  # which worker takes a connection is the kernel's choice
            assert ask_token(f"{service.url}/token", ONE, SCOPE, account=READER).status == 200
        return {each["writer"] for each in service.audit() if each["event"] == "token"}

    wait_for(lambda: len(writers()) == 2, "tokens of both")


def test_the_admin_api_and_its_lists(service):
    headers = basic(ADMIN) | {"Content-Type": "application/json"}
    for number in range(20):
        body = json.dumps({"name": f"pooled{number}"}).encode()
        answer = call("POST", f"{service.url}/api/v1/groups", body=body, headers=headers)
        assert answer.status == 201, answer.body
    for _ in range(20):
        for path in ("groups", "users", "grants", "audit", "policy/export"):
            answer = call("GET", f"{service.url}/api/v1/{path}", headers=headers)
            assert answer.status == 200, answer.body


def test_a_large_policy_and_a_change_that_every_worker_sees(service, tmp_path):
    grants = [{"subject": "user:rita", "role": "reader", "on": f"large/a{n}"} for n in range(3_000)]
    file = tmp_path / "large.json"
    file.write_text(json.dumps({"grants": grants}))
    service.cli("policy", "apply", str(file))

    def seen():
        scope = "repository:large/a2999:pull"
        answers = [ask_token(f"{service.url}/token", ONE, scope, account=READER) for _ in range(8)]
        return all(claims(str(each.json()["token"]))["access"] for each in answers)

    wait_for(seen, "both workers to know it")


def test_commands_that_read_long_and_the_copy_of_all(service, tmp_path):
    for words in (("audit", "list"), ("audit", "verify"), ("db", "current"), ("grant", "list")):
        service.cli(*words)
    service.stop()
    copied = service.cli("db", "copy", "--to", f"sqlite:///{tmp_path}/copy.db", "--json")
    service.start()
    assert json.loads(copied)["tables"]["grants"] > 3_000


def test_no_setting_of_ours_stays_on_a_session(service, pooler, postgres, name):
    """Every session of the pool is looked at, by as many transactions at once."""
    ask_token(f"{service.url}/token", ONE, SCOPE, account=READER)
    direct = {"host": "127.0.0.1", "port": postgres.port, "user": "postgres", "dbname": name}
    with psycopg.connect(**direct) as connection:
        fresh = settings(connection)
    service.stop()
    through = [
        psycopg.connect(**direct | {"port": pooler.port}, prepare_threshold=None)
        for _ in range(SESSIONS)
    ]
    found = [settings(each) for each in through]
    sessions = {each.execute("SELECT pg_backend_pid()").fetchone() for each in through}
    left = [
        each.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() for each in through
    ]
    for each in through:
        each.close()
    service.start()
    assert len(sessions) == SESSIONS
    assert found == [fresh] * SESSIONS
    assert left == [(0,)] * SESSIONS


def settings(connection):
    return {name: connection.execute(f"SHOW {name}").fetchone() for name in SETTINGS_OF_A_SESSION}


def test_no_statement_failed_at_the_pooler_or_in_the_log(service, pooler, postgres):
    said = (service.folder / "serve.log").read_text() + (postgres.folder / "log").read_text()
    assert "prepared statement" not in said
    assert '"level":"error"' not in said
    assert "query_wait_timeout" not in pooler.process.log.read_text()
