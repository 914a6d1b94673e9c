"""People of a domain who are disabled, locked, renamed, moved or removed meanwhile."""

from datetime import UTC, datetime

import pytest
from identity.parts import NOW
from real.domain import GUESSES, group_dn, newcomer
from real.samba import GROUPS, PEOPLE
from real.slapd import entry

from authsvc.identity.provider import Rejected, Unknown, Verified

SWITCHED_OFF, NORMAL = "514", "512"
NEW = "An0ther passw0rd"


def verified(source, person, password=None):
    outcome = source.verify(person.name, password or person.password, NOW)
    assert isinstance(outcome, Verified)
    return outcome


@pytest.mark.parametrize(
    "settings",
    [pytest.param({}, id="by active_filter"), pytest.param({"active_filter": ""}, id="by default")],
)
def test_a_disabled_account_is_refused_and_forgotten_until_enabled(corp, domain, eve, settings):
    """LD-15, second half."""
    source = corp(**settings)
    seen = verified(source, eve)
    domain.replace(eve.dn, "userAccountControl", SWITCHED_OFF)
    assert source.verify(eve.name, eve.password, NOW) == Rejected("disabled")
    assert source.verify(eve.name, "wrong", NOW) == Rejected("disabled")
    assert not source.is_current(seen)
    assert source.recheck(seen.principal) == Rejected("disabled")
    domain.replace(eve.dn, "userAccountControl", NORMAL)
    assert source.recheck(seen.principal) == seen.principal
    assert verified(source, eve).principal == seen.principal


def test_a_lock_by_guesses_refuses_the_password_only(corp, domain, eve):
    """LD-15, first half: anybody could lock out anybody else."""
    source = corp()
    seen = verified(source, eve)
    for number in range(GUESSES):
        assert source.verify(eve.name, f"wrong {number}", NOW) == Rejected("wrong_password")
    assert "lockoutTime: " in domain.find(f"(sAMAccountName={eve.name})", "lockoutTime")
    assert source.verify(eve.name, eve.password, NOW) == Rejected("locked")
    assert source.recheck(seen.principal) == seen.principal
    assert source.is_current(seen)
    domain.replace(eve.dn, "lockoutTime", "0")
    assert verified(source, eve).principal == seen.principal


def test_a_password_that_must_be_changed_opens_nothing(corp, domain, eve):
    source = corp()
    seen = verified(source, eve)
    domain.replace(eve.dn, "pwdLastSet", "0")
    assert source.verify(eve.name, eve.password, NOW) == Rejected("must_change_password")
    assert source.recheck(seen.principal) == seen.principal
    assert not source.is_current(seen)


def test_an_account_that_has_come_to_its_end_is_disabled(corp, domain, eve):
    source = corp()
    seen = verified(source, eve)
    domain.replace(eve.dn, "accountExpires", filetime(datetime(2100, 1, 1, tzinfo=UTC)))
    assert verified(source, eve).principal == seen.principal
    domain.replace(eve.dn, "accountExpires", filetime(datetime(2020, 1, 1, tzinfo=UTC)))
    assert source.verify(eve.name, eve.password, NOW) == Rejected("disabled")
    assert source.recheck(seen.principal) == Rejected("disabled")
    assert not source.is_current(seen)


def test_a_new_password_ends_what_is_remembered(corp, domain, eve):
    source = corp()
    seen = verified(source, eve)
    assert seen.evidence.isdecimal()
    domain.set_password(eve.dn, NEW)
    assert source.recheck(seen.principal) == seen.principal
    assert not source.is_current(seen)
    after = verified(source, eve, NEW)
    assert int(after.evidence) > int(seen.evidence)
    assert source.is_current(after)
    assert source.verify(eve.name, eve.password, NOW) == Rejected("wrong_password")


def test_a_renamed_person_keeps_the_identity_and_never_both_names(corp, domain, eve):
    """LD-14."""
    source = corp()
    seen = verified(source, eve)
    domain.replace(eve.dn, "sAMAccountName", f"new-{eve.name}")
    domain.rename(eve.dn, f"CN=new {eve.name}", above=PEOPLE)
    assert source.verify(eve.name, eve.password, NOW) == Unknown()
    renamed = source.verify(f"new-{eve.name}", eve.password, NOW).principal
    assert (renamed.id, renamed.name) == (seen.principal.id, f"new-{eve.name}")
    assert not source.is_current(seen)
    assert source.recheck(seen.principal) == renamed


def test_a_person_who_is_moved_keeps_the_identity_and_the_groups(corp, domain, eve):
    source = corp()
    domain.replace(group_dn("outer"), "member", group_dn("middle"), eve.dn)
    seen = verified(source, eve)
    assert "group:corp:outer" in seen.principal.groups
    elsewhere = f"OU=elsewhere of {eve.name},{PEOPLE}"
    domain.add([entry(elsewhere, ["organizationalUnit"], ou=f"elsewhere of {eve.name}")])
    domain.rename(eve.dn, f"CN={eve.name}", above=elsewhere)
    assert verified(source, eve).principal == seen.principal
    domain.replace(group_dn("outer"), "member", group_dn("middle"))
    assert source.recheck(seen.principal).groups == ()
    assert not source.is_current(seen)


def test_a_person_who_is_moved_out_of_the_base_is_unknown(corp, domain, eve):
    source = corp(user_base=PEOPLE)
    seen = verified(source, eve)
    domain.rename(eve.dn, f"CN={eve.name}", above=GROUPS)
    assert source.verify(eve.name, eve.password, NOW) == Unknown()
    assert source.recheck(seen.principal) == Rejected("unknown_user")


def test_a_namesake_of_somebody_removed_is_another(corp, domain):
    source = corp()
    eve = newcomer(domain, "namesake")
    seen = verified(source, eve)
    domain.remove(eve.dn)
    assert source.verify(eve.name, eve.password, NOW) == Unknown()
    assert source.recheck(seen.principal) == Rejected("unknown_user")
    second = newcomer(domain, "namesake")
    assert verified(source, second).principal.id != seen.principal.id
    assert source.recheck(seen.principal) == Rejected("unknown_user")


def filetime(moment):
    """Tenths of microseconds since 1601, as Active Directory counts."""
    since = moment - datetime(1601, 1, 1, tzinfo=UTC)
    return str(int(since.total_seconds()) * 10_000_000)
