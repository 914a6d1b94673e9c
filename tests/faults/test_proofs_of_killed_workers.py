"""Killed at any moment, the log still verifies; so it does while several replicas write.

KILLS in the environment says how often for `make soak`.
"""

import json
import os
import re
import subprocess

import pytest
from real import replicas as several
from real.load import Load
from real.people import ONE
from real.process import wait_for
from real.service import Service
from real.wire import call

KILLS = int(os.environ.get("KILLS", "3"))


def verified(service, *words):
    """What `audit verify` says; fails when the log is not sound."""
    return json.loads(service.cli("audit", "verify", "--json", *words))


def is_covered(service):
    """Whether the newest checkpoint covers all records."""
    return not re.match(r"\d+ records? since", verified(service)["not_covered"])


def audit_state(service):
    return call("GET", f"{service.url}/readyz").json()["dependencies"]["audit"]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.all)])
def service(request, folder):
    url = ""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        url = server.url(server.make("template0"))
    made = Service(folder, database_url=url, settings="workers = 2\n")
    made.init(ONE)
    made.cli("namespace", "add", "open", "--visibility", "public")
    yield made
    made.stop()


@pytest.mark.timeout(120 + 30 * KILLS)
def test_the_log_verifies_after_every_kill_and_each_start_signs_the_dead(service):
    anchor = ()
    with Load(service.port, ONE, [None, None, None]) as load:
        for _ in range(KILLS):
            service.start()
            wanted = len(load.acknowledged) + 25
            wait_for(lambda n=wanted: len(load.acknowledged) >= n, f"{wanted} tokens in all")
            assert verified(service, *anchor)["ok"]  # while they write
            service.process.kill()
            service.process = None
            (newest,) = json.loads(service.cli("audit", "list", "--limit", "1", "--json"))
            anchor = ("--anchor", newest["hash"])
            assert verified(service, *anchor)["records"] >= len(load.acknowledged)
    service.start()
    wait_for(lambda: is_covered(service), "a checkpoint over the dead")
    service.stop()
    assert is_covered(service)
    verified(service, *anchor)


def test_replicas_and_workers_make_one_chain_of_checkpoints(postgres, rt):
    url = postgres.url(postgres.make("template0"))
    replicas = several.started(rt / "proofs", url)
    first, second, _ = replicas.all
    try:
        with (
            Load(first.port, several.AT, [None]) as one,
            Load(second.port, several.AT, [None]) as two,
        ):
            wait_for(lambda: min(len(one.acknowledged), len(two.acknowledged)) > 50, "tokens")
            assert verified(first)["ok"]
            second.process.kill()
            second.process = None
            assert verified(first)["ok"]
        assert audit_state(first) == "ok"
    finally:
        several.stop(replicas)
    found = verified(first)
    assert is_covered(first)
    assert found["checkpoint"]["number"] > 1
    writers = {record["writer"] for record in first.audit() if record["event"] == "token"}
    assert len(writers) >= 2


def test_records_older_than_the_retention_go_at_the_next_start(service):
    service.start()
    with Load(service.port, ONE, [None]) as load:
        wait_for(lambda: len(load.acknowledged) >= 30, "tokens")
    service.stop()
    file = service.folder / "authsvc.toml"
    file.write_text(file.read_text() + '\n[audit]\nretention = "1s"\n')
    service.start()
    wait_for(lambda: not load.acknowledged & tokens_of(service), "old records to go")
    found = verified(service)
    assert "were removed as audit.retention" in found["covered"]
    with Load(service.port, ONE, [None]) as load:
        wait_for(lambda: len(load.acknowledged) >= 30, "tokens")
    assert load.acknowledged <= tokens_of(service)
    verified(service)


def tokens_of(service):
    return {record["decision_id"] for record in service.audit() if record["event"] == "token"}


def test_without_its_key_the_service_gives_tokens_and_says_so(service):
    key = service.folder / "certs" / "audit.key"
    key.rename(key.with_name("away"))
    service.start()
    with Load(service.port, ONE, [None]) as load:
        wait_for(lambda: len(load.acknowledged) >= 5, "tokens")
    wait_for(lambda: audit_state(service) == "degraded", "the state of the log")
    assert json.loads(service.cli("audit", "verify", "--json"))["checkpoint"] is None
    key.with_name("away").rename(key)
    wait_for(lambda: audit_state(service) == "ok", "the key to be found")
    wait_for(lambda: is_covered(service), "a checkpoint")


def test_certs_dir_of_a_stranger_trusts_nothing_of_this_log(service, tmp_path):
    service.start()
    service.stop()
    key = service.folder / "certs" / "audit.key"
    key.unlink()
    words = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(key)]
    subprocess.run(words, check=True, capture_output=True)
    key.chmod(0o600)
    with pytest.raises(AssertionError, match="by no key that is trusted"):
        verified(service)
