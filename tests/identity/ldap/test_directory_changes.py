"""People who are disabled, removed, renamed or moved while something of them is remembered."""

import uuid
from dataclasses import replace

import pytest
from identity.parts import NOW
from real.company import dn_of, group, group_dn, person
from real.slapd import GROUPS, PEOPLE, SUFFIX

from authsvc.identity.provider import Rejected, Unknown, Verified

FOR_GOOD = "000001010000Z"


STRICT = {"pwdPolicySubentry": f"cn=strict,{SUFFIX}"}


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


DISABLED = [
    pytest.param({}, "pwdAccountLockedTime", FOR_GOOD, id="OpenLDAP: by the administrator"),
    pytest.param({}, "userAccountControl", "514", id="AD: switched off"),
    pytest.param({}, "accountExpires", "132223104000000000", id="AD: ended in 2020"),
    pytest.param(
        {"active_filter": "(!(employeeType=left))"}, "employeeType", "left", id="active_filter"
    ),
]


@pytest.mark.parametrize(("settings", "attribute", "value"), DISABLED)
def test_a_disabled_person_is_refused_and_forgotten(
    slapd, sources, eve, standing, settings, attribute, value
):
    """LD-15, second half."""
    corp = sources(slapd.url, timer=standing, **settings)
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


def test_a_disabled_person_is_found_by_the_job_within_the_time(corp, slapd, eve, standing):
    seen = verified(corp, eve)
    slapd.replace(dn_of(eve), "pwdAccountLockedTime", FOR_GOOD)
    assert corp.is_current(seen)
    standing.now += 31
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


@pytest.mark.parametrize("value", ["0", "9223372036854775807", "157469184000000000"])
def test_an_account_without_an_end_or_before_it_is_active(slapd, corp, eve, value):
    """Active Directory writes "never" in two ways; the third is the year 2100."""
    slapd.replace(dn_of(eve), "accountExpires", value)
    verified(corp, eve)


def test_a_changed_password_ends_what_is_remembered_where_the_directory_tells(corp, slapd, eve):
    slapd.replace(dn_of(eve), "pwdChangedTime", "20200101000000Z")
    seen = verified(corp, eve)
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


def test_whom_the_user_filter_leaves_out_is_not_taken_for_removed(slapd, sources, eve, standing):
    corp = sources(
        slapd.url, timer=standing, user_filter="(&(uid={username})(!(employeeType=extern)))"
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


def test_the_people_base_bounds_whom_the_source_knows(slapd, sources, eve):
    corp = sources(slapd.url, user_base=f"ou=nobody,{PEOPLE}")
    slapd.change(
        f"ou=nobody,{PEOPLE}", "changetype: add", "objectClass: organizationalUnit", "ou: nobody"
    )
    assert corp.verify(eve, "own", NOW) == Unknown()
