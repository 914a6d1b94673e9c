"""Two services on one PostgreSQL, one of which forwards: it is killed, and the other goes on."""

import json
import urllib.request

import pytest
from real.process import wait_for
from real.service import Service
from real.wire import ask_token
from syslog_receiver import Receiver, in_order

AT = "forwarded.test:5000"
PATIENCE = 60  # seconds; a lease of the dead lasts 12


@pytest.fixture
def receiver():
    started = Receiver()
    yield started
    started.kill()


@pytest.fixture
def pair(rt, postgres, receiver):
    folder = rt / "forwarding"
    folder.mkdir()
    url = postgres.url(postgres.make("template0"))
    sink = f'\n[[audit.sinks]]\ntype = "syslog"\nurl = "tcp://127.0.0.1:{receiver.port}"\n'
    both = []
    for number in range(2):
        one = Service(folder / f"replica{number}", database_url=url, settings=sink)
        file = one.folder / "authsvc.toml"
        file.write_text(f'certs_dir = "{folder}/replica0/certs"\n' + file.read_text())
        if number == 0:
            one.init(AT)
        both.append(one)
        one.start()
    yield both
    for one in both:
        one.stop()


def tokens(service, count):
    """So many records by this service."""
    for _ in range(count):
        ask_token(f"{service.url}/token", AT, "repository:any/thing:pull")


def forwarded_by(service):
    """How many records this service has forwarded."""
    with urllib.request.urlopen(f"http://127.0.0.1:{service.port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    name = 'authsvc_audit_forwarded_total{sink="syslog"} '
    return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))


def state(service):
    with urllib.request.urlopen(f"http://127.0.0.1:{service.port}/readyz", timeout=5) as answer:
        return json.dumps(json.load(answer))


def all_there(service, receiver):
    """Whether every record that is stored has arrived."""
    return {each["id"] for each in service.audit()} <= {each["id"] for each in receiver.records}


def test_when_the_one_that_forwards_is_killed_the_other_goes_on(pair, receiver):
    for one in pair:
        tokens(one, 20)
    wait_for(lambda: all_there(pair[0], receiver), "all records", patience=PATIENCE)
    assert len({each["id"] for each in receiver.records}) == len(receiver.records)
    counts = [forwarded_by(one) for one in pair]
    assert sorted(count > 0 for count in counts) == [False, True]
    first, other = pair if counts[0] else pair[::-1]
    assert "sink syslog" in state(other)

    tokens(first, 50)
    first.process.kill()
    tokens(other, 50)
    wait_for(lambda: all_there(other, receiver), "the rest", patience=PATIENCE)
    for seqs in in_order(receiver.records).values():
        assert seqs == list(range(1, len(seqs) + 1))
    assert forwarded_by(other) > 0
