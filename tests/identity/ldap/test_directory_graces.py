"""Who has a grace is looked at for as long as the directory answers, though nobody asks."""

import pytest
from identity.parts import NOW
from real.company import PASSWORDS, dn_of, group_dn, person

from authsvc.errors import Unavailable
from authsvc.identity.ldap import provider
from authsvc.identity.provider import Verified

GRACE, TTL = 600, 60
LANAS = PASSWORDS["lana"]


@pytest.fixture
def server(slapd_of_its_own):
    return slapd_of_its_own


@pytest.fixture
def worker(server, sources, standing):
    """Makes sources, as each worker has one. The timer stands, so nothing takes any time."""

    def make(**settings):
        return sources(
            server.url, timer=standing, cache_ttl=TTL, outage_grace=GRACE,
            password_changed_attribute="pwdChangedTime", **settings,
        )  # fmt: skip

    return make


def signed_in(corp, name, password=None):
    outcome = corp.verify(name, PASSWORDS[name] if password is None else password, NOW)
    assert isinstance(outcome, Verified)
    return outcome


def goes_away(server, *workers):
    server.stop()
    for corp in workers:
        with pytest.raises(Unavailable):
            corp.knows("lana")


def is_given_to_another(server):
    server.remove(dn_of("lana"))
    server.add([person("lana", "the newcomer's own")])


FOR_GOOD = "000001010000Z"
CHANGES = {
    "gone": lambda server: server.remove(dn_of("lana")),
    "disabled": lambda server: server.replace(dn_of("lana"), "pwdAccountLockedTime", FOR_GOOD),
    "renamed": lambda server: server.rename(dn_of("lana"), "uid=svetlana"),
    "another one's name": is_given_to_another,
    "out of a group": lambda server: server.remove(group_dn("inner")),
    "another password": lambda server: server.set_password(dn_of("lana"), "new"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_before_an_outage_ends_the_grace_though_nobody_asked(
    server, worker, standing, change
):
    corp = worker()
    lana, bob = signed_in(corp, "lana"), signed_in(corp, "bob")
    standing.now += 3 * TTL
    corp.refresh()
    CHANGES[change](server)
    standing.now += TTL
    corp.refresh()
    goes_away(server, corp)
    assert (corp.in_grace(lana), corp.in_grace(bob)) == (False, True)
    assert corp.in_outage(bob.principal) == bob.principal


def test_who_had_a_name_before_has_no_grace_at_a_worker_that_the_newcomer_never_saw(
    server, worker, standing
):
    here, there = worker(), worker()
    old = signed_in(there, "lana")
    assert signed_in(here, "lana").principal == old.principal
    is_given_to_another(server)
    new = signed_in(here, "lana", "the newcomer's own")
    standing.now += TTL
    for corp in (here, there):
        corp.refresh()
    goes_away(server, here, there)
    assert (here.in_grace(old), there.in_grace(old), here.in_grace(new)) == (False, False, True)


def test_all_who_have_a_grace_are_asked_for_in_one_search_and_only_while_they_have_it(
    server, worker, standing
):
    corp = worker(group_base="")
    everybody = [signed_in(corp, name) for name in PASSWORDS]

    def searches():
        """Those that a run of the job made, by how many ids each asked for."""
        before = len(server.said())
        corp.refresh()
        lines = [line for line in server.said()[before:] if " SRCH base=" in line]
        return [line.count("(entryUUID=") for line in lines if "(entryUUID=" in line]

    assert searches() == []
    standing.now += TTL / 2 + 1
    assert searches() == [len(everybody)]
    assert searches() == []
    standing.now += GRACE
    assert searches() == []


def test_where_more_have_a_grace_than_can_be_looked_at_in_time_some_have_none(
    server, worker, standing, monkeypatch
):
    monkeypatch.setattr(provider, "RENEWED_AT_ONCE", 1)
    corp = worker()
    lana, bob = signed_in(corp, "lana"), signed_in(corp, "bob")
    standing.now += TTL - 1
    corp.refresh()
    standing.now += 2
    signed_in(corp, "zoë")
    monkeypatch.setattr(provider, "RENEWED_AT_ONCE", 0)
    corp.refresh()
    goes_away(server, corp)
    assert sorted(corp.in_grace(each) for each in (lana, bob)) == [False, True]
    assert [corp.in_outage(each.principal) is None for each in (lana, bob)].count(True) == 1


def test_a_moment_of_answers_within_an_outage_ends_no_grace(server, worker, standing, monkeypatch):
    """There is too much to look at anew at once."""
    monkeypatch.setattr(provider, "RENEWED_AT_ONCE", 0)
    corp = worker()
    lana = signed_in(corp, "lana")
    goes_away(server, corp)
    standing.now += 2 * TTL
    server.start()
    corp.refresh()
    assert corp.state() == "ok"
    standing.now += 2
    corp.refresh()
    goes_away(server, corp)
    assert corp.in_grace(lana)
