"""People who are disabled, removed, renamed or moved while something of them is remembered."""

import time
import uuid
from dataclasses import replace

import pytest
from identity.parts import NOW
from real.company import dn_of, group, group_dn, person
from real.slapd import GROUPS, PEOPLE, SUFFIX

from authsvc.errors import Unavailable
from authsvc.identity.ldap import looks
from authsvc.identity.provider import Rejected, Unknown, Verified

FOR_GOOD = "000001010000Z"
STRICT = {"pwdPolicySubentry": f"cn=strict,{SUFFIX}"}


class Ticks:
    """A timer that stands, put forward by hand."""

    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def ticks():
    return Ticks()


@pytest.fixture
def eve(slapd):
    """Somebody new, who may change."""
    name = f"eve-{uuid.uuid4().hex[:8]}"
    slapd.add([person(name, "own", userAccountControl="512")])
    return name


@pytest.fixture
def corp(slapd, sources, ticks):
    """Remembers for 60 seconds. The timer stands, so nothing takes any time."""
    return sources(slapd.url, timer=ticks, password_changed_attribute="pwdChangedTime")


def verified(corp, name, password="own"):
    outcome = corp.verify(name, password, NOW)
    assert isinstance(outcome, Verified)
    return outcome


def test_what_was_seen_counts_for_its_time_and_not_longer(corp, eve, ticks):
    seen = verified(corp, eve)
    ticks.now += 59
    assert corp.is_current(seen)
    assert corp.current(seen.principal) == seen.principal
    ticks.now += 1
    assert not corp.is_current(seen)
    assert corp.current(seen.principal) is None
    assert corp.recheck(seen.principal) == seen.principal
    assert corp.is_current(seen)


def test_with_no_time_to_remember_nothing_is_remembered(slapd, sources, eve, ticks):
    corp = sources(slapd.url, timer=ticks, cache_ttl=0)
    seen = verified(corp, eve)
    assert not corp.is_current(seen)
    assert corp.current(seen.principal) is None


DISABLED = [
    pytest.param({}, "pwdAccountLockedTime", FOR_GOOD, id="OpenLDAP: by the administrator"),
    pytest.param({}, "userAccountControl", "514", id="AD: switched off"),
    pytest.param(
        {"active_filter": "(!(employeeType=left))"}, "employeeType", "left", id="active_filter"
    ),
]


@pytest.mark.parametrize(("settings", "attribute", "value"), DISABLED)
def test_a_disabled_person_is_refused_and_forgotten(
    slapd, sources, eve, ticks, settings, attribute, value
):
    """LD-15, second half."""
    corp = sources(slapd.url, timer=ticks, **settings)
    seen = verified(corp, eve)
    slapd.replace(dn_of(eve), attribute, value)
    assert corp.verify(eve, "own", NOW) == Rejected("disabled")
    assert corp.verify(eve, "wrong", NOW) == Rejected("disabled")
    assert not corp.is_current(seen)
    assert corp.current(seen.principal) == Rejected("disabled")
    assert corp.recheck(seen.principal) == Rejected("disabled")
    assert corp.knows(eve).id == seen.principal.id
    slapd.replace(dn_of(eve), attribute)
    assert corp.recheck(seen.principal) == seen.principal
    assert corp.is_current(seen)


def test_a_disabled_person_is_found_by_the_job_within_the_time(corp, slapd, eve, ticks):
    seen = verified(corp, eve)
    slapd.replace(dn_of(eve), "pwdAccountLockedTime", FOR_GOOD)
    assert corp.is_current(seen)
    ticks.now += 31
    corp.refresh()
    assert not corp.is_current(seen)


def test_a_lock_that_wrong_passwords_brought_on_is_for_the_password_alone(corp, slapd, eve):
    """LD-15, first half: anybody could lock out anybody else."""
    slapd.replace(dn_of(eve), "pwdPolicySubentry", STRICT["pwdPolicySubentry"])
    seen = verified(corp, eve)
    for _ in range(3):
        corp.verify(eve, "wrong", NOW)
    assert corp.verify(eve, "own", NOW) == Rejected("wrong_password")
    assert corp.recheck(seen.principal) == seen.principal
    assert corp.is_current(seen)


def test_a_password_that_must_be_changed_opens_nothing(corp, slapd, eve):
    """LD-15: the directory lets it in, for its change alone."""
    seen = verified(corp, eve)
    slapd.replace(dn_of(eve), "pwdPolicySubentry", STRICT["pwdPolicySubentry"])
    slapd.replace(dn_of(eve), "pwdReset", "TRUE")
    assert corp.verify(eve, "own", NOW) == Rejected("must_change_password")
    assert corp.recheck(seen.principal) == seen.principal


@pytest.mark.parametrize("value", ["514", "546", "66050"])
def test_every_combination_with_the_bit_is_disabled(slapd, corp, eve, value):
    slapd.replace(dn_of(eve), "userAccountControl", value)
    assert corp.verify(eve, "own", NOW) == Rejected("disabled")


@pytest.mark.parametrize("value", ["512", "66048", "8389120"])
def test_other_bits_are_no_matter(slapd, corp, eve, value):
    slapd.replace(dn_of(eve), "userAccountControl", value)
    verified(corp, eve)


def test_a_changed_password_ends_what_is_remembered_where_the_directory_tells(corp, slapd, eve):
    seen = verified(corp, eve)
    time.sleep(1.1)  # pwdChangedTime has whole seconds
    slapd.set_password(dn_of(eve), "new")
    assert corp.recheck(seen.principal) == seen.principal
    assert not corp.is_current(seen)
    assert corp.is_current(verified(corp, eve, "new"))


def test_other_groups_end_what_is_remembered(corp, slapd, eve):
    seen = verified(corp, eve)
    slapd.add([group(f"of-{eve}", [dn_of(eve)])])
    rechecked = corp.recheck(seen.principal)
    assert rechecked.groups == (f"group:corp:of-{eve}",)
    assert not corp.is_current(seen)
    assert corp.current(seen.principal) == rechecked
    slapd.remove(group_dn(f"of-{eve}", GROUPS))
    corp.recheck(seen.principal)
    assert corp.is_current(seen)


def test_a_removed_person_is_unknown(corp, slapd, eve):
    seen = verified(corp, eve)
    slapd.remove(dn_of(eve))
    assert corp.verify(eve, "own", NOW) == Unknown()
    assert corp.knows(eve) is None
    assert corp.recheck(seen.principal) == Rejected("unknown_user")
    assert not corp.is_current(seen)
    assert corp.current(seen.principal) == Rejected("unknown_user")


def test_whom_the_user_filter_leaves_out_is_not_taken_for_removed(slapd, sources, eve, ticks):
    corp = sources(
        slapd.url, timer=ticks, user_filter="(&(uid={username})(!(employeeType=extern)))"
    )
    seen = verified(corp, eve)
    slapd.replace(dn_of(eve), "employeeType", "extern")
    assert corp.verify(eve, "own", NOW) == Unknown()
    assert corp.recheck(seen.principal) == Rejected("disabled")
    assert not corp.is_current(seen)


def test_a_renamed_person_keeps_the_id_and_never_both_names(corp, slapd, eve):
    """LD-14."""
    seen = verified(corp, eve)
    slapd.rename(dn_of(eve), f"uid=new-{eve}")
    assert corp.verify(eve, "own", NOW) == Unknown()
    renamed = verified(corp, f"new-{eve}")
    assert renamed.principal.id == seen.principal.id
    assert renamed.principal.name == f"new-{eve}"
    assert not corp.is_current(seen)
    assert corp.recheck(seen.principal) == renamed.principal


def test_a_namesake_has_another_id(corp, slapd, eve):
    seen = verified(corp, eve)
    slapd.remove(dn_of(eve))
    slapd.add([person(eve, "hers")])
    namesake = verified(corp, eve, "hers")
    assert namesake.principal.id != seen.principal.id
    assert not corp.is_current(seen) or corp.recheck(seen.principal) == Rejected("unknown_user")
    assert not corp.is_current(seen)
    assert corp.is_current(namesake)


@pytest.mark.parametrize("made_up", ["*", "", ")(uid=*", "not-an-id", "\ud800"])
def test_an_id_is_never_more_than_an_id(corp, eve, made_up):
    principal = replace(verified(corp, eve).principal, id=made_up)
    assert corp.recheck(principal) == Rejected("unknown_user")


def test_the_job_renews_whom_somebody_asked_for_and_nobody_else(corp, slapd, eve, ticks):
    seen = verified(corp, eve)
    ticks.now += 31
    before = searches(slapd, seen.principal.id)
    corp.refresh()
    assert searches(slapd, seen.principal.id) == before
    assert corp.is_current(seen)
    corp.refresh()
    corp.refresh()
    assert searches(slapd, seen.principal.id) == before + 1
    ticks.now += 59
    assert corp.is_current(seen)


def test_in_an_outage_the_grace_counts_from_the_last_good_look(slapd_of_its_own, sources, ticks):
    corp = sources(slapd_of_its_own.url, timer=ticks, outage_grace=600)
    seen = corp.verify("lana", "Lana's own password", NOW)
    assert not corp.in_grace(seen)  # the directory answers
    assert corp.in_outage(seen.principal) is None
    slapd_of_its_own.stop()
    ticks.now += 90
    with pytest.raises(Unavailable):
        corp.recheck(seen.principal)
    assert not corp.is_current(seen)
    assert corp.in_grace(seen)
    ticks.now += 509
    corp.refresh()
    assert corp.in_grace(seen)
    assert corp.in_outage(seen.principal) == seen.principal
    ticks.now += 1
    assert not corp.in_grace(seen)
    assert corp.in_outage(seen.principal) is None


@pytest.mark.parametrize("change", ["disabled", "other groups"])
def test_no_grace_for_whom_the_last_look_found_otherwise(slapd_of_its_own, sources, ticks, change):
    corp = sources(slapd_of_its_own.url, timer=ticks, outage_grace=600)
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


def test_without_a_grace_nobody_has_one(slapd_of_its_own, sources, ticks):
    corp = sources(slapd_of_its_own.url, timer=ticks)
    seen = corp.verify("lana", "Lana's own password", NOW)
    slapd_of_its_own.stop()
    with pytest.raises(Unavailable):
        corp.recheck(seen.principal)
    assert not corp.in_grace(seen)


def test_looks_are_bounded_in_number_and_age(monkeypatch, ticks):
    monkeypatch.setattr(looks, "KEPT", 3)
    kept = looks.Looks(100.0, ticks)
    for number in range(5):
        kept.note(str(number), looks.Look(Rejected("disabled"), "", ticks.now))
        ticks.now += 10
    kept.forget_old()
    assert [kept.last(str(n), 1_000) is not None for n in range(5)] == [False] * 2 + [True] * 3
    ticks.now += 75  # 105 since the third
    kept.forget_old()
    assert [kept.last(str(n), 1_000) is not None for n in range(5)] == [False] * 3 + [True] * 2


def test_a_look_that_began_earlier_never_replaces_a_later_one(ticks):
    kept = looks.Looks(100.0, ticks)
    kept.note("x", looks.Look(Rejected("disabled"), "", ticks.now))
    kept.note("x", looks.Look(Rejected("unknown_user"), "", ticks.now - 1))
    assert kept.last("x", 100).outcome == Rejected("disabled")


def searches(server, stable_id):
    return len([line for line in server.said() if f"(entryUUID={stable_id})" in line])


def test_the_people_base_bounds_whom_the_source_knows(slapd, sources, eve):
    corp = sources(slapd.url, user_base=f"ou=nobody,{PEOPLE}")
    slapd.change(
        f"ou=nobody,{PEOPLE}", "changetype: add", "objectClass: organizationalUnit", "ou: nobody"
    )
    assert corp.verify(eve, "own", NOW) == Unknown()
