"""What was seen of a person, for how long it counts, and what is left of it in an outage."""

import uuid

import pytest
from identity.parts import NOW
from real.company import dn_of, group_dn, person

from authsvc.errors import Unavailable
from authsvc.identity.ldap import looks
from authsvc.identity.provider import Rejected, Verified

FOR_GOOD = "000001010000Z"


@pytest.fixture
def eve(slapd):
    """Somebody new, who may change."""
    name = f"eve-{uuid.uuid4().hex[:8]}"
    slapd.add([person(name, "own", userAccountControl="512")])
    return name


@pytest.fixture
def corp(slapd, sources, standing):
    """Remembers for 60 seconds. The timer stands, so nothing takes any time."""
    return sources(slapd.url, timer=standing, password_changed_attribute="pwdChangedTime")


def verified(corp, name, password="own"):
    outcome = corp.verify(name, password, NOW)
    assert isinstance(outcome, Verified)
    return outcome


def test_the_job_renews_whom_somebody_asked_for_and_nobody_else(corp, slapd, eve, standing):
    seen = verified(corp, eve)
    standing.now += 31
    before = searches(slapd, seen.principal.id)
    corp.refresh()
    assert searches(slapd, seen.principal.id) == before
    assert corp.is_current(seen)
    corp.refresh()
    corp.refresh()
    assert searches(slapd, seen.principal.id) == before + 1
    standing.now += 59
    assert corp.is_current(seen)


def test_in_an_outage_the_grace_counts_from_the_last_good_look(slapd_of_its_own, sources, standing):
    corp = sources(slapd_of_its_own.url, timer=standing, outage_grace=600)
    seen = corp.verify("lana", "Lana's own password", NOW)
    assert not corp.in_grace(seen)  # the directory answers
    assert corp.in_outage(seen.principal) is None
    slapd_of_its_own.stop()
    standing.now += 90
    with pytest.raises(Unavailable):
        corp.recheck(seen.principal)
    assert not corp.is_current(seen)
    assert corp.in_grace(seen)
    standing.now += 509
    corp.refresh()
    assert corp.in_grace(seen)
    assert corp.in_outage(seen.principal) == seen.principal
    standing.now += 1
    assert not corp.in_grace(seen)
    assert corp.in_outage(seen.principal) is None


@pytest.mark.parametrize("change", ["disabled", "other groups"])
def test_no_grace_for_whom_the_last_look_found_otherwise(
    slapd_of_its_own, sources, standing, change
):
    corp = sources(slapd_of_its_own.url, timer=standing, outage_grace=600)
    seen = corp.verify("lana", "Lana's own password", NOW)
    if change == "disabled":
        slapd_of_its_own.replace(dn_of("lana"), "pwdAccountLockedTime", FOR_GOOD)
    else:
        slapd_of_its_own.remove(group_dn("inner"))
    rechecked = corp.recheck(seen.principal)
    slapd_of_its_own.stop()
    with pytest.raises(Unavailable):
        corp.recheck(seen.principal)
    assert not corp.in_grace(seen)
    assert corp.in_outage(seen.principal) == rechecked


def test_without_a_grace_nobody_has_one(slapd_of_its_own, sources, standing):
    corp = sources(slapd_of_its_own.url, timer=standing)
    seen = corp.verify("lana", "Lana's own password", NOW)
    slapd_of_its_own.stop()
    with pytest.raises(Unavailable):
        corp.recheck(seen.principal)
    assert not corp.in_grace(seen)


def test_looks_are_bounded_in_number_and_age(monkeypatch, standing):
    monkeypatch.setattr(looks, "KEPT", 3)
    kept = looks.Looks(100.0, standing)
    for number in range(5):
        kept.note(str(number), looks.Look(Rejected("disabled"), "", standing.now))
        standing.now += 10
    kept.forget_old()
    assert [kept.last(str(n), 1_000) is not None for n in range(5)] == [False] * 2 + [True] * 3
    standing.now += 75  # 105 since the third
    kept.forget_old()
    assert [kept.last(str(n), 1_000) is not None for n in range(5)] == [False] * 3 + [True] * 2


def test_a_look_that_began_earlier_never_replaces_a_later_one(standing):
    kept = looks.Looks(100.0, standing)
    kept.note("x", looks.Look(Rejected("disabled"), "", standing.now))
    kept.note("x", looks.Look(Rejected("unknown_user"), "", standing.now - 1))
    assert kept.last("x", 100).outcome == Rejected("disabled")


def test_what_was_seen_counts_for_its_time_and_not_longer(corp, eve, standing):
    seen = verified(corp, eve)
    standing.now += 59
    assert corp.is_current(seen)
    assert corp.current(seen.principal) == seen.principal
    standing.now += 1
    assert not corp.is_current(seen)
    assert corp.current(seen.principal) is None
    assert corp.recheck(seen.principal) == seen.principal
    assert corp.is_current(seen)


def test_with_no_time_to_remember_nothing_is_remembered(slapd, sources, eve, standing):
    corp = sources(slapd.url, timer=standing, cache_ttl=0)
    seen = verified(corp, eve)
    assert not corp.is_current(seen)
    assert corp.current(seen.principal) is None


def searches(server, stable_id):
    return len([line for line in server.said() if f"(entryUUID={stable_id})" in line])
