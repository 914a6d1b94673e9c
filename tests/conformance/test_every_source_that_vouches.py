"""The one suite of every source that is asked about the owners of minted secrets."""

from dataclasses import replace

import pytest
from conformance.built_sources import ALICES, PEOPLE, VOUCHING
from identity.parts import NOW

from authsvc.errors import Unavailable
from authsvc.identity.provider import Rejected
from authsvc.principal import Kind, Principal


@pytest.fixture(params=VOUCHING)
def built(request, tmp_path):
    return request.param(request, tmp_path)


@pytest.mark.parametrize("name", PEOPLE)
def test_who_is_there_is_who_they_were(built, name):
    principal = built.provider.verify(name, PEOPLE[name], NOW).principal
    assert built.provider.recheck(principal) == principal
    assert built.provider.current(principal) == principal
    assert built.provider.in_outage(principal) is None


def test_what_is_stored_of_an_owner_is_enough_to_find_them(built):
    """Groups are none of it: those are today's."""
    alice = built.provider.verify("alice", ALICES, NOW).principal
    row = Principal(Kind.USER, built.provider.name, alice.name, alice.id)
    assert built.provider.recheck(row) == alice
    assert built.provider.current(row) == alice


def test_who_is_removed_is_gone_and_nobody_else_is(built):
    alice, long = (
        built.provider.verify(name, PEOPLE[name], NOW).principal for name in ("alice", "long")
    )
    built.remove("alice")
    assert built.provider.current(alice) == Rejected("unknown_user")
    assert built.provider.recheck(alice) == Rejected("unknown_user")
    assert built.provider.in_outage(alice) is None
    assert built.provider.recheck(long) == long


def test_who_is_switched_off_is_there_but_disabled_until_they_are_back(built):
    alice = built.provider.verify("alice", ALICES, NOW).principal
    built.disable("alice")
    assert built.provider.current(alice) == Rejected("disabled")
    assert built.provider.recheck(alice) == Rejected("disabled")
    built.set_password("alice", ALICES)
    assert built.provider.recheck(alice) == alice
    assert built.provider.current(alice) == alice


def test_a_new_password_is_told_from_the_one_that_was_shown(built):
    old, long = (built.provider.verify(name, PEOPLE[name], NOW) for name in ("alice", "long"))
    assert old.password
    assert old.password not in repr(old)
    assert not built.provider.has_new_password(old.principal, old.password)
    built.set_password("alice", "the next one of hers")
    new = built.provider.verify("alice", "the next one of hers", NOW)
    assert built.provider.has_new_password(new.principal, old.password)
    assert not built.provider.has_new_password(new.principal, new.password)
    assert not built.provider.has_new_password(long.principal, long.password)
    assert built.provider.recheck(old.principal) == new.principal  # a token of hers goes on


def test_nothing_of_a_password_stands_in_what_is_kept_of_it(built):
    kept = built.provider.verify("alice", ALICES, NOW).password
    assert ALICES not in kept
    assert "$" not in kept  # no hash that could be worked on leaves its source


@pytest.mark.parametrize("stable", ["", "*", "nobody", "00000000-0000-0000-0000-000000000000", ")"])
def test_an_identity_that_nobody_has_is_gone(built, stable):
    stranger = Principal(Kind.USER, built.provider.name, stable or "nobody", stable)
    assert built.provider.recheck(stranger) == Rejected("unknown_user")


def test_a_source_that_cannot_be_asked_says_neither_yes_nor_no(built):
    alice = built.provider.verify("alice", ALICES, NOW)
    away = built.out_of_reach
    principal = replace(alice.principal, source=away.name)
    with pytest.raises(Unavailable):
        away.recheck(principal)
    assert away.current(principal) is None
    assert away.in_outage(principal) is None
    assert not away.has_new_password(principal, alice.password)
