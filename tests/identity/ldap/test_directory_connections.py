"""Connections to a directory: kept, closed, never mixed up, and none left behind."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from identity.parts import NOW
from real.company import PASSWORDS, dn_of
from real.process import free_port
from real.slapd import READER

from authsvc.errors import Unavailable
from authsvc.identity.ldap.pool import IDLE_FOR
from authsvc.identity.ldap.servers import DOWN_FOR
from authsvc.identity.provider import Rejected, Verified

LANAS = PASSWORDS["lana"]


def is_lana(corp):
    return isinstance(corp.verify("lana", LANAS, NOW), Verified)


def test_connections_that_the_server_closed_while_idle_are_made_anew(
    slapd_of_its_own, sources, capsys
):
    corp = sources(slapd_of_its_own.url)
    assert is_lana(corp)
    slapd_of_its_own.process.stop()
    slapd_of_its_own.start()
    assert is_lana(corp)
    assert "not usable" not in capsys.readouterr().err


def test_connections_idle_for_long_are_not_trusted(slapd, sources, running):
    corp = sources(slapd.url, timer=running)
    assert is_lana(corp)
    before = open_files()
    running.ahead += IDLE_FOR
    corp.refresh()  # closes two, and opens one to see how the server is
    assert open_files() == before - 1
    assert is_lana(corp)


def test_connections_in_use_are_kept(slapd, sources, running):
    corp = sources(slapd.url, timer=running)
    assert is_lana(corp)
    accepted = connections(slapd)
    for _ in range(3):
        running.ahead += IDLE_FOR - 5
        assert is_lana(corp)
        corp.refresh()
    assert connections(slapd) == accepted


def test_failed_logins_leave_no_connection_behind(slapd, sources):
    """LD-18, scaled down."""
    corp = sources(slapd.url)
    corp.verify("lana", "wrong", NOW)
    files, accepted = open_files(), connections(slapd)
    for number in range(300):
        assert corp.verify("lana", f"wrong {number}", NOW) == Rejected("wrong_password")
    assert open_files() == files
    assert connections(slapd) == accepted


def test_failed_connections_leave_no_file_open(slapd, sources, running):
    down = sources(f"ldap://127.0.0.1:{free_port()}", f"ldap://localhost:{free_port()}",
                   timer=running)  # fmt: skip
    untrusted = sources(slapd.tls_url, timer=running)
    refused = sources(slapd.url, bind_password="wrong", timer=running)
    before = None
    for _ in range(20):
        for source in (down, untrusted, refused):
            with pytest.raises(Unavailable):
                source.verify("lana", LANAS, NOW)
        before = before or open_files()
        running.ahead += DOWN_FOR
    assert open_files() == before


def test_a_closed_source_holds_nothing_open(slapd, sources):
    before = open_files()
    corp = sources(slapd.url)
    assert is_lana(corp)
    assert open_files() == before + 2
    corp.close()
    assert open_files() == before
    assert is_lana(corp)  # a call that is still under way ends well, and closes after itself
    assert open_files() == before


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize("known", [False, True], ids=["connecting", "asking"])
def test_a_closed_source_waits_for_nobody(slapd_of_its_own, sources, encrypted, known):
    """Whatever its timeouts are: a stop would last as long."""
    server = slapd_of_its_own
    corp = sources(
        server.tls_url if encrypted else server.url, ca_file=str(server.authority.ca),
        connect_timeout=55.0, timeout=55.0,
    )  # fmt: skip
    assert not known or is_lana(corp)
    server.freeze()
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(corp.verify, "lana", LANAS, NOW)
        corp.close()
        assert isinstance(waiting.exception(timeout=20), Unavailable)


def test_the_service_account_s_connection_is_never_bound_again(slapd_of_its_own, sources):
    """LD-20: searches run as the service account after any number of logins."""
    corp = sources(slapd_of_its_own.url)
    for name in ("lana", "bob", "lana"):
        corp.verify(name, PASSWORDS[name], NOW)
        corp.verify(name, "wrong", NOW)
    said = slapd_of_its_own.said()
    searching = {line.split()[0] for line in said if " SRCH base=" in line}
    binding = {line.split()[0] for line in said if f'BIND dn="{dn_of("lana")}"' in line}
    assert (len(searching), len(binding)) == (1, 1)
    assert not searching & binding
    binds = [line for line in said if line.split()[0] in searching and " method=" in line]
    assert [READER in line for line in binds] == [True]


def open_files():
    return len(list(Path(f"/proc/{os.getpid()}/fd").iterdir()))


def connections(server):
    return len([line for line in server.said() if " ACCEPT from" in line])
