"""Directories that are down, hang or talk nonsense: never a "no", and back by themselves."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from identity.parts import NOW
from real import hostile_ldap
from real.company import PASSWORDS
from real.process import wait_for

from authsvc.errors import Unavailable
from authsvc.identity.ldap.servers import DOWN_FOR
from authsvc.identity.provider import Verified

LANAS = PASSWORDS["lana"]


def is_lana(corp):
    return isinstance(corp.verify("lana", LANAS, NOW), Verified)


def test_a_directory_that_is_down_at_the_start_comes_by_itself(slapd_of_its_own, sources, running):
    """LD-09: also without anybody who asks."""
    slapd_of_its_own.stop()
    corp = sources(slapd_of_its_own.url, timer=running)
    with pytest.raises(Unavailable) as refused:
        corp.verify("lana", LANAS, NOW)
    assert (refused.value.what, refused.value.retry_after) == ("source corp", 5)
    assert corp.state() == "degraded"
    slapd_of_its_own.start()
    with pytest.raises(Unavailable):  # it is left alone for a while
        corp.knows("lana")
    running.ahead += DOWN_FOR
    corp.refresh()
    assert corp.state() == "ok"
    assert is_lana(corp)


def test_one_that_goes_while_it_is_used_is_noticed_without_anybody_who_asks(
    slapd_of_its_own, sources, running, capsys
):
    corp = sources(slapd_of_its_own.url, timer=running)
    assert is_lana(corp)
    slapd_of_its_own.stop()
    running.ahead += 60
    for _ in range(3):
        corp.refresh()
        running.ahead += DOWN_FOR
    assert corp.state() == "degraded"
    assert capsys.readouterr().err.count("directory server not usable") == 1
    slapd_of_its_own.start()
    assert is_lana(corp)
    assert "usable again" in capsys.readouterr().err


def test_the_next_server_takes_over_and_the_first_comes_back(
    slapd_of_its_own, second, sources, running
):
    first = slapd_of_its_own
    corp = sources(first.url, second.url, timer=running)
    assert is_lana(corp)
    assert not [line for line in second.said() if " BIND " in line and "uid=lana" in line]
    first.process.stop()
    assert is_lana(corp)
    assert [line for line in second.said() if " BIND " in line and "uid=lana" in line]
    assert corp.state() == "ok"
    first.start()
    running.ahead += DOWN_FOR
    corp.refresh()
    second.stop()
    assert is_lana(corp)


def test_a_server_that_hangs_costs_one_call_its_time_and_the_next_one_nothing(
    slapd_of_its_own, second, sources, running
):
    corp = sources(slapd_of_its_own.url, second.url, timer=running, timeout=0.3)
    assert is_lana(corp)
    slapd_of_its_own.freeze()
    assert is_lana(corp)
    accepted = len(second.said())
    assert is_lana(corp)
    assert len(second.said()) > accepted
    assert corp.state() == "ok"
    slapd_of_its_own.thaw()
    running.ahead += DOWN_FOR
    corp.refresh()
    second.stop()
    assert is_lana(corp)


def test_an_account_whose_password_is_not_answered_takes_nothing_from_the_others(slapd, sources):
    with hostile_ldap.serving(hostile_ldap.withholding(slapd.port, "uid=bob")) as port:
        corp = sources(f"ldap://127.0.0.1:{port}", timeout=0.3)
        for _ in range(2):
            with pytest.raises(Unavailable):
                corp.verify("bob", "guessed", NOW)
            assert corp.state() == "ok"
            assert is_lana(corp)
            corp.refresh()
            assert corp.state() == "ok"


def test_the_next_server_is_shown_a_password_that_the_first_one_does_not_answer(
    slapd, second, sources
):
    with hostile_ldap.serving(hostile_ldap.withholding(slapd.port, "uid=bob")) as port:
        corp = sources(f"ldap://127.0.0.1:{port}", second.url, timeout=0.3)
        assert isinstance(corp.verify("bob", PASSWORDS["bob"], NOW), Verified)
        assert is_lana(corp)
        assert not [line for line in second.said() if " BIND " in line and "uid=lana" in line]


def test_a_server_that_does_not_answer_a_password_is_asked_at_once_how_it_is(
    slapd_of_its_own, sources
):
    """And not only after it has been quiet for long."""
    relay = hostile_ldap.withholding(slapd_of_its_own.port, "uid=bob")
    with hostile_ldap.serving(relay) as port:
        corp = sources(f"ldap://127.0.0.1:{port}", timeout=0.3)
        with pytest.raises(Unavailable):
            corp.verify("bob", "guessed", NOW)
        slapd_of_its_own.freeze()
        corp.refresh()
        assert corp.state() == "degraded"


def test_all_servers_down_is_unavailable_and_any_one_of_them_ends_it(
    slapd_of_its_own, second, sources, running
):
    corp = sources(slapd_of_its_own.url, second.url, timer=running)
    slapd_of_its_own.stop()
    second.stop()
    with pytest.raises(Unavailable):
        corp.verify("lana", LANAS, NOW)
    second.start()
    running.ahead += DOWN_FOR
    assert is_lana(corp)


@pytest.mark.parametrize("scheme", ["ldap", "ldaps", "StartTLS"])
@pytest.mark.parametrize("name", ["tarpit", "drip", "nonsense", "http"])
def test_what_is_no_directory_is_unavailable_in_bounded_time(slapd, sources, scheme, name):
    """The drip would go on for ever."""
    with hostile_ldap.serving(getattr(hostile_ldap, name)) as port:
        corp = sources(
            f"{'ldaps' if scheme == 'ldaps' else 'ldap'}://127.0.0.1:{port}",
            start_tls=scheme == "StartTLS", ca_file=str(slapd.authority.ca),
            connect_timeout=0.3, timeout=0.3,
        )  # fmt: skip
        with pytest.raises(Unavailable):
            corp.verify("lana", LANAS, NOW)
        with pytest.raises(Unavailable):
            corp.knows("lana")


def test_a_name_that_cannot_be_resolved_is_a_server_that_is_down(slapd, sources):
    corp = sources("ldap://no..name", slapd.url)
    assert is_lana(corp)


def test_one_caller_alone_finds_out_whether_a_directory_is_back(sources, running):
    """Or all threads would wait for one that hangs, again and again."""
    accepted = []
    with hostile_ldap.serving(hostile_ldap.counting(accepted)) as port:
        corp = sources(f"ldap://127.0.0.1:{port}", timer=running, timeout=0.5)
        with pytest.raises(Unavailable):
            corp.knows("lana")
        running.ahead += DOWN_FOR
        with ThreadPoolExecutor(1) as thread:
            waiting = thread.submit(corp.knows, "lana")
            wait_for(lambda: len(accepted) == 2, "the second connection")
            for _ in range(5):
                with pytest.raises(Unavailable):
                    corp.knows("bob")
            assert len(accepted) == 2
            assert isinstance(waiting.exception(), Unavailable)
