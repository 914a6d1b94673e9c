"""Limits of `authsvc serve --workers 2` on one Redis, asked from several addresses at once."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from real.process import wait_for
from real.service import ADMIN, Account, Service
from real.wire import basic, call

AT = "limits.test:5000"
HOME, ATTACKED = "192.0.2.1", "198.51.100.7"


@pytest.fixture
def service(folder, redis_server):
    settings = f'trusted_proxies = ["127.0.0.1"]\n[redis]\nurl = "{redis_server.url}"\n'
    made = Service(folder, settings="workers = 2\n" + settings)
    made.init(AT)
    made.start()
    yield made
    made.stop()


def statuses(service, address, accounts):
    """How each of these sign-ins from one address is answered, on a connection of its own."""
    url = f"{service.url}/token?{urlencode({'service': AT})}"

    def ask(account):
        headers = basic(account) | {"X-Forwarded-For": address}
        return call("GET", url, headers=headers).status

    with ThreadPoolExecutor(16) as threads:
        return list(threads.map(ask, accounts))


def writers(service):
    return {record["writer"] for record in service.audit() if record["event"] == "token"}


def remember(service):
    """Let every worker remember the password, at one address."""
    for _ in range(30):  # which worker takes a connection is the kernel's choice
        assert set(statuses(service, HOME, [ADMIN] * 32)) == {200}
        if len(writers(service)) == 2:
            return
    raise AssertionError("one worker took all connections")


def known(service):
    with sqlite3.connect(service.folder / "data" / "authsvc.db") as database:
        return {address for (address,) in database.execute("SELECT address FROM known_addresses")}


def test_no_worker_serves_from_memory_what_another_has_limited(service):
    """Contract section 2: a limited (account, address) answers 429, a right password included."""
    remember(service)
    guesses = [Account(ADMIN.name, f"guess {number}") for number in range(10)]
    assert statuses(service, ATTACKED, guesses) == [401] * 10
    statuses(service, ATTACKED, [ADMIN] * 32)  # some are remembered still: the news take a moment
    wait_for(
        lambda: set(statuses(service, ATTACKED, [ADMIN] * 32)) == {429},
        "every worker to hear of the limit",
        patience=20,
    )
    assert set(statuses(service, ATTACKED, [ADMIN] * 128)) == {429}
    assert set(statuses(service, HOME, [ADMIN] * 32)) == {200}
    wait_for(lambda: HOME in known(service), "what is known to be written")
    assert known(service) == {HOME}
    service.cli("limits", "clear", "--account", ADMIN.name)
    wait_for(
        lambda: set(statuses(service, ATTACKED, [ADMIN] * 32)) == {200},
        "every worker to hear that it was cleared",
        patience=20,
    )
    assert set(statuses(service, ATTACKED, [ADMIN] * 128)) == {200}
