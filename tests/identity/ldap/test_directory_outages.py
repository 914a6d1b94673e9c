"""Directories that are down, hang, talk nonsense or refuse: never a "no", and back by itself."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from identity.parts import NOW
from real import hostile_ldap
from real.company import PASSWORDS, dn_of, settle
from real.process import free_port, wait_for
from real.slapd import PEOPLE, READER, READERS_PASSWORD, Slapd, entry

from authsvc.errors import Unavailable
from authsvc.identity.ldap.pool import IDLE_FOR
from authsvc.identity.ldap.servers import DOWN_FOR
from authsvc.identity.provider import Rejected, Verified

LANAS = PASSWORDS["lana"]


class Ticks:
    """A timer that is the machine's, put forward by hand."""

    def __init__(self):
        self.ahead = 0.0

    def __call__(self):
        return time.monotonic() + self.ahead


@pytest.fixture
def ticks():
    return Ticks()


@pytest.fixture
def second(rt):
    server = settle(Slapd(rt / f"second-{free_port()}").start())
    yield server
    server.stop()


def is_lana(corp):
    return isinstance(corp.verify("lana", LANAS, NOW), Verified)


def test_a_directory_that_is_down_at_the_start_comes_by_itself(slapd_of_its_own, sources, ticks):
    """LD-09: also without anybody who asks."""
    slapd_of_its_own.stop()
    corp = sources(slapd_of_its_own.url, timer=ticks)
    with pytest.raises(Unavailable) as refused:
        corp.verify("lana", LANAS, NOW)
    assert (refused.value.what, refused.value.retry_after) == ("source corp", 5)
    assert corp.state() == "degraded"
    slapd_of_its_own.start()
    with pytest.raises(Unavailable):  # it is left alone for a while
        corp.knows("lana")
    ticks.ahead += DOWN_FOR
    corp.refresh()
    assert corp.state() == "ok"
    assert is_lana(corp)


def test_one_that_goes_while_it_is_used_is_noticed_without_anybody_who_asks(
    slapd_of_its_own, sources, ticks, capsys
):
    corp = sources(slapd_of_its_own.url, timer=ticks)
    assert is_lana(corp)
    slapd_of_its_own.stop()
    ticks.ahead += 60
    for _ in range(3):
        corp.refresh()
        ticks.ahead += DOWN_FOR
    assert corp.state() == "degraded"
    assert capsys.readouterr().err.count("directory server not usable") == 1
    slapd_of_its_own.start()
    assert is_lana(corp)
    assert "usable again" in capsys.readouterr().err


def test_the_next_server_takes_over_and_the_first_comes_back(
    slapd_of_its_own, second, sources, ticks
):
    first = slapd_of_its_own
    corp = sources(first.url, second.url, timer=ticks)
    assert is_lana(corp)
    assert not [line for line in second.said() if " BIND " in line and "uid=lana" in line]
    first.process.stop()
    assert is_lana(corp)
    assert [line for line in second.said() if " BIND " in line and "uid=lana" in line]
    assert corp.state() == "ok"
    first.start()
    ticks.ahead += DOWN_FOR
    corp.refresh()
    second.stop()
    assert is_lana(corp)


def test_a_server_that_hangs_costs_one_call_its_time_and_the_next_one_nothing(
    slapd_of_its_own, second, sources, ticks
):
    corp = sources(slapd_of_its_own.url, second.url, timer=ticks, timeout=0.3)
    assert is_lana(corp)
    slapd_of_its_own.freeze()
    assert is_lana(corp)
    accepted = len(second.said())
    assert is_lana(corp)
    assert len(second.said()) > accepted
    assert corp.state() == "ok"
    slapd_of_its_own.thaw()
    ticks.ahead += DOWN_FOR
    corp.refresh()
    second.stop()
    assert is_lana(corp)


def test_all_servers_down_is_unavailable_and_any_one_of_them_ends_it(
    slapd_of_its_own, second, sources, ticks
):
    corp = sources(slapd_of_its_own.url, second.url, timer=ticks)
    slapd_of_its_own.stop()
    second.stop()
    with pytest.raises(Unavailable):
        corp.verify("lana", LANAS, NOW)
    second.start()
    ticks.ahead += DOWN_FOR
    assert is_lana(corp)


@pytest.mark.parametrize("scheme", ["ldap", "ldaps", "StartTLS"])
@pytest.mark.parametrize("name", ["tarpit", "drip", "nonsense", "http"])
def test_what_is_no_directory_is_unavailable_in_bounded_time(slapd, sources, scheme, name):
    with hostile_ldap.serving(getattr(hostile_ldap, name)) as port:
        corp = sources(
            f"{'ldaps' if scheme == 'ldaps' else 'ldap'}://127.0.0.1:{port}",
            start_tls=scheme == "StartTLS", ca_file=str(slapd.authority.ca),
            connect_timeout=0.3, timeout=0.3,
        )  # fmt: skip
        began = time.monotonic()
        with pytest.raises(Unavailable):
            corp.verify("lana", LANAS, NOW)
        assert time.monotonic() - began < corp.patience + 5  # a drip would go on for ever
        with pytest.raises(Unavailable):
            corp.knows("lana")


def test_a_name_that_is_not_resolved_is_a_server_that_is_down(slapd, sources, monkeypatch):
    corp = sources("ldap://no-such-host.invalid", slapd.url)
    assert is_lana(corp)


def test_connections_that_the_server_closed_while_idle_are_made_anew(
    slapd_of_its_own, sources, capsys
):
    corp = sources(slapd_of_its_own.url)
    assert is_lana(corp)
    slapd_of_its_own.process.stop()
    slapd_of_its_own.start()
    assert is_lana(corp)
    assert "not usable" not in capsys.readouterr().err


def test_connections_idle_for_long_are_not_trusted(slapd, sources, ticks):
    corp = sources(slapd.url, timer=ticks)
    assert is_lana(corp)
    before = open_files()
    ticks.ahead += IDLE_FOR
    corp.refresh()  # closes two, and opens one to see how the server is
    assert open_files() == before - 1
    assert is_lana(corp)


def test_connections_in_use_are_kept(slapd, sources, ticks):
    corp = sources(slapd.url, timer=ticks)
    assert is_lana(corp)
    accepted = connections(slapd)
    for _ in range(3):
        ticks.ahead += IDLE_FOR - 5
        assert is_lana(corp)
        corp.refresh()
    assert connections(slapd) == accepted


def test_one_caller_alone_finds_out_whether_a_directory_is_back(sources, ticks):
    """Or all threads would wait for one that hangs, again and again."""
    accepted = []
    with hostile_ldap.serving(hostile_ldap.counting(accepted)) as port:
        corp = sources(f"ldap://127.0.0.1:{port}", timer=ticks, timeout=0.5)
        with pytest.raises(Unavailable):
            corp.knows("lana")
        ticks.ahead += DOWN_FOR
        with ThreadPoolExecutor(1) as thread:
            waiting = thread.submit(corp.knows, "lana")
            wait_for(lambda: len(accepted) == 2, "the second connection")
            for _ in range(5):
                with pytest.raises(Unavailable):
                    corp.knows("bob")
            assert len(accepted) == 2
            assert isinstance(waiting.exception(), Unavailable)


@pytest.mark.parametrize("code", [1, 2, 3, 8, 10, 11, 13, 51, 52, 80])
def test_a_bind_that_is_not_decided_is_no_wrong_password(slapd, second, sources, code):
    with hostile_ldap.serving(hostile_ldap.between(slapd.port, "uid=lana", code)) as port:
        corp = sources(f"ldap://127.0.0.1:{port}")
        with pytest.raises(Unavailable):
            corp.verify("lana", LANAS, NOW)
        assert isinstance(corp.verify("bob", PASSWORDS["bob"], NOW), Verified)
        assert corp.state() == "ok"
        assert is_lana(sources(f"ldap://127.0.0.1:{port}", second.url))


@pytest.mark.parametrize(
    ("code", "text", "reason"),
    [
        (49, "", "wrong_password"),
        (49, "80090308: LdapErr: DSID-0C09, comment: x, data 52e, v4f7c", "wrong_password"),
        (49, "80090308: LdapErr: DSID-0C09, comment: x, data 533, v4f7c", "disabled"),
        (49, "80090308: LdapErr: DSID-0C09, comment: x, data 775, v4f7c", "locked"),
        (49, "80090308: LdapErr: DSID-0C09, comment: x, data 532, v4f7c", "password_expired"),
        (49, "80090308: LdapErr: DSID-0C09, comment: x, data 773, v4f7c", "must_change_password"),
        (19, "", "wrong_password"),
        (32, "", "wrong_password"),
        (48, "", "wrong_password"),
        (53, "", "wrong_password"),
    ],
)
def test_a_bind_that_is_refused_is_a_no_with_its_reason(slapd, sources, code, text, reason):
    relay = hostile_ldap.between(slapd.port, "uid=lana", code, text)
    with hostile_ldap.serving(relay) as port:
        corp = sources(f"ldap://127.0.0.1:{port}")
        assert corp.verify("lana", LANAS, NOW) == Rejected(reason)


def test_referrals_lead_nowhere(slapd_of_its_own, sources):
    """Whoever may write one would be shown the service account's password."""
    accepted = []
    with hostile_ldap.serving(hostile_ldap.counting(accepted)) as port:
        elsewhere = f"ldap://127.0.0.1:{port}/{PEOPLE}"
        slapd_of_its_own.add([
            entry(f"ou=away,{PEOPLE}", ["referral", "extensibleObject"], ou="away", ref=elsewhere)
        ])  # fmt: skip
        assert is_lana(sources(slapd_of_its_own.url))
        corp = sources(slapd_of_its_own.url, user_base=f"ou=away,{PEOPLE}")
        with pytest.raises(Unavailable):
            corp.verify("lana", LANAS, NOW)
    assert accepted == []


@pytest.mark.parametrize(
    "settings",
    [
        {"user_filter": "(uid={username}"},
        {"user_filter": "uid={username}"},
        {"active_filter": "(!(x=y)"},
        {"group_filter": "nonsense"},
    ],
)
def test_a_filter_that_does_not_parse_lets_nobody_in(slapd, sources, settings):
    corp = sources(slapd.url, **settings)
    with pytest.raises(Unavailable):
        corp.verify("lana", LANAS, NOW)


def test_a_wrong_service_account_is_unavailable_and_said_once(
    slapd_of_its_own, sources, ticks, capsys
):
    """LD-22: also for a person who is right, and only until the account is mended."""
    corp = sources(slapd_of_its_own.url, timer=ticks)
    slapd_of_its_own.set_password(READER, "changed by somebody")
    for _ in range(3):
        with pytest.raises(Unavailable):
            corp.verify("lana", LANAS, NOW)
        ticks.ahead += DOWN_FOR
    assert corp.state() == "degraded"
    said = capsys.readouterr().err
    assert said.count("refuses the service account") == 1
    assert READERS_PASSWORD not in said
    slapd_of_its_own.set_password(READER, READERS_PASSWORD)
    assert is_lana(corp)
    assert corp.state() == "ok"


def test_a_refused_service_account_is_not_tried_for_every_caller(slapd_of_its_own, sources, ticks):
    """Or the directory would lock it."""
    corp = sources(slapd_of_its_own.url, timer=ticks)
    slapd_of_its_own.set_password(READER, "changed by somebody")
    for _ in range(20):
        with pytest.raises(Unavailable):
            corp.verify("lana", LANAS, NOW)
    tried = [line for line in slapd_of_its_own.said() if f'BIND dn="{READER}" method' in line]
    assert len(tried) == 1


def test_a_base_that_is_not_there_is_a_source_that_cannot_be_asked(slapd, sources):
    corp = sources(slapd.url, user_base=f"ou=nowhere,{PEOPLE}")
    for _ in range(2):
        with pytest.raises(Unavailable):
            corp.verify("lana", LANAS, NOW)
    corp.refresh()
    assert corp.state() == "degraded"


def test_failed_logins_leave_no_connection_behind(slapd, sources):
    """LD-18, scaled down."""
    corp = sources(slapd.url)
    corp.verify("lana", "wrong", NOW)
    files, accepted = open_files(), connections(slapd)
    for number in range(300):
        assert corp.verify("lana", f"wrong {number}", NOW) == Rejected("wrong_password")
    assert open_files() == files
    assert connections(slapd) == accepted


def test_failed_connections_leave_no_file_open(slapd, sources, ticks):
    down = sources(f"ldap://127.0.0.1:{free_port()}", f"ldap://localhost:{free_port()}",
                   timer=ticks)  # fmt: skip
    untrusted = sources(slapd.tls_url, timer=ticks)
    refused = sources(slapd.url, bind_password="wrong", timer=ticks)
    before = None
    for _ in range(20):
        for source in (down, untrusted, refused):
            with pytest.raises(Unavailable):
                source.verify("lana", LANAS, NOW)
        before = before or open_files()
        ticks.ahead += DOWN_FOR
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
