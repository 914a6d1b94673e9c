"""What is merged for a principal that is many subjects covers what its subjects' rules cover."""

from dataclasses import replace

import pytest
from access.world import ALICE, Grant, World, a_registry, given, refused
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from authsvc.access import merging
from authsvc.access.covering import matching

GROUPS = [f"group:g{n}" for n in range(8)]
MEMBERS = tuple((group, ALICE.subject) for group in GROUPS)
REG = a_registry("reg")
PARTS = ["a", "b", "ab", "*", "**", "a*", "*b", "a*b", "a**", "*a*b*", "{username}", "{username}*"]

patterns = st.lists(st.sampled_from(PARTS), min_size=1, max_size=3).map("/".join)
names = st.lists(st.sampled_from(["a", "b", "ab", "alice"]), min_size=1, max_size=3).map("/".join)
holders = st.sampled_from([*GROUPS, *GROUPS, ALICE.subject, "everyone", "authenticated"])
grants = st.builds(Grant, subject=holders, role=st.just("reader"), on=patterns)


def held(many: int, group: str = "group:g0", on: str = "team{}/app") -> tuple[Grant, ...]:
    return tuple(Grant(group, "reader", on.format(n)) for n in range(many))


def one_in_each_group() -> tuple[Grant, ...]:
    return tuple(Grant(group, "reader", f"own{n}") for n, group in enumerate(GROUPS))


@settings(max_examples=1000, deadline=None)
@drawn(st.lists(grants, max_size=40), st.lists(names, min_size=1, max_size=4))
def test_merged_indexes_hold_the_rules_of_every_subject_once(found, asked):
    view = World(tuple(found), members=MEMBERS).view(ALICE)
    one_by_one = replace(view, indexes=view.rules)
    for name in asked:
        merged = sorted(rule.grant for rule in matching(view, REG, name))
        assert merged == sorted(rule.grant for rule in matching(one_by_one, REG, name))


def test_many_subjects_are_looked_up_in_one_place():
    world = World(one_in_each_group(), members=MEMBERS)
    view = world.view(ALICE)
    assert (len(view.rules), len(view.indexes)) == (8, 1)
    assert given(world.ask(ALICE, "repository:own7/app:pull")) == ["repository:own7/app:pull"]


def test_a_deny_of_any_of_many_groups_counts():
    deny = Grant("group:g3", "reader", "own*/x", effect="deny", id=99)
    world = World((*one_in_each_group(), deny), members=MEMBERS)
    assert refused(world.ask(ALICE, "repository:own7/x:pull")) == [("pull", "denied", 99)]


@pytest.mark.parametrize("on", ["team{}/app", "team{}/*"])
def test_a_group_with_many_grants_is_not_copied_for_each_member(on):
    many = held(merging.MERGED, on=on)
    world = World((*many, *one_in_each_group()), members=MEMBERS)
    view = world.view(ALICE)
    own = next(rules for rules in view.rules if rules.subject == "group:g0")
    assert own in view.indexes
    assert len(view.indexes) == 2
    assert given(world.ask(ALICE, "repository:team7/app:pull", "repository:own7:pull")) == [
        "repository:team7/app:pull",
        "repository:own7:pull",
    ]


def test_few_subjects_are_not_copied():
    view = World((*held(3), Grant("everyone", "reader", "open")), members=MEMBERS).view(ALICE)
    assert view.indexes == view.rules
