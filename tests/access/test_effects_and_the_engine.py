"""Effects say of random changes of policies what tokens would say, and leave nothing out."""

from dataclasses import replace
from itertools import product

from access import oracle
from access.books import Book
from access.test_engine_and_oracle import (
    EXAMPLES,
    GROUPS,
    grants,
    memberships,
    numbered,
    paths,
    registries,
    situations,
)
from access.world import NOW, World, a_registry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authsvc.access.askers import stand_in
from authsvc.access.effects import effects
from authsvc.access.policy import decide
from authsvc.principal import Principal
from authsvc.protocol.access import Access, Asked

ACTIONS = frozenset({"pull", "push", "delete"})
ADDRESSES = ["10.1.2.3", "192.0.2.9", "2001:db8::1", "198.51.100.7", "fd00::1", None]
WORDS = ["a", "b", "alice", "alice-lab", "zzz", "abe"]
NAMES = ["/".join(parts) for size in (1, 2, 3) for parts in product(WORDS, repeat=size)]
STATES = [
    None, a_registry("reg"), a_registry("reg"), a_registry("reg"),
    a_registry("reg", read_only=True), replace(a_registry("reg"), enabled=False),
]  # fmt: skip


@st.composite
def changes(draw: st.DrawFn):
    """A policy, what becomes of it, somebody, and some names."""
    before, principal, names = draw(situations())
    principal = Principal(principal.kind, principal.source, principal.name, "")
    kept = [grant for grant in before.grants if draw(st.sampled_from([True, True, False]))]
    more = draw(st.lists(grants(principal), max_size=2))
    spaces = [space for space in before.namespaces if draw(st.sampled_from([True, True, False]))]
    new = st.tuples(paths, registries, st.sampled_from(["private", "internal", "public"]))
    spaces += draw(st.lists(new, max_size=1))
    members = [each for each in before.members if draw(st.sampled_from([True, True, False]))]
    joined = st.tuples(st.sampled_from(GROUPS[:3]), st.just(principal.subject))
    members += draw(st.lists(joined, max_size=1)) if principal.subject else []
    members += draw(st.lists(memberships.filter(lambda it: it[0] != it[1]), max_size=1))
    pusher = draw(st.sampled_from([{"push"}, {"push"}, {"push", "pull"}]))
    roles = {**before.roles, "pusher": frozenset(pusher)}
    after = World(
        grants=numbered([*kept, *more]),
        namespaces=tuple({space[:2]: space for space in spaces}.values()),
        members=tuple(dict.fromkeys(members)),
        roles=roles,
    )
    states = [draw(st.sampled_from(STATES)) for _ in "12"] if draw(st.booleans()) else STATES[1:3]
    return Book(before, reg=states[0]), Book(after, reg=states[1]), principal, names


def view(book, somebody):
    """The view of a stand-in, in the tests' own way: a member of a group is somebody in it."""
    joined = tuple((group, somebody.principal.subject) for group in somebody.groups)
    world = replace(book.world, members=(*book.world.members, *joined))
    return replace(world.view(somebody.principal), base=book.base)


def given_by(book, held, registry, address, names):
    """What is granted of every name, and whether the catalog is."""
    here = book.base.registries.get(registry)
    if here is None or not here.enabled:
        return [frozenset()] * (len(names) + 1)
    entries = [Access("repository", name, tuple(ACTIONS)) for name in names]
    decision = decide(
        held, here, Asked((*entries, Access("registry", "catalog", ("*",)))),
        address=address or "", address_known=address is not None, now=NOW,
    )  # fmt: skip
    return [frozenset(verdict.granted) for verdict in decision.verdicts]


def covers(effect, name, somebody):
    on = effect.on
    if "{username}" in on or "*" in on:
        return oracle.glob(on.replace("{username}", somebody.principal.name), name)
    return on in oracle.at_or_above(name)


def at_repositories(effect):
    return ACTIONS & set(effect.gains), ACTIONS & set(effect.loses)


def check(before, after, subject, names):
    somebody = stand_in(subject)
    told = effects(before, after, [subject], now=NOW)
    assert told.partial == ()
    views = view(before, somebody), view(after, somebody)
    for registry, address in product(("reg", "other"), ADDRESSES):
        found = [given_by(book, held, registry, address, names)
                 for book, held in zip((before, after), views, strict=True)]  # fmt: skip
        here = [each for each in told.found if each.registry in (None, registry)]
        for name, had, has in zip(names, *found, strict=False):
            if had != has:
                assert any(
                    at_repositories(each) == (has - had, had - has) and covers(each, name, somebody)
                    for each in here
                ), (registry, address, name, had, has, told)
        had, has = (each[-1] for each in found)
        assert has <= had or any("catalog" in each.gains for each in here)
        assert had <= has or any("catalog" in each.loses for each in here)
    for each in told.found:
        if each.name is not None:
            assert covers(each, each.name, somebody)
            assert any(
                at_repositories(each) == (has - had, had - has)
                for address in addresses_of(each)
                for had, has in [
                    [given_by(book, held, each.registry or registry_of(before, after), address,
                              [each.name])[0]
                     for book, held in zip((before, after), views, strict=True)]
                ]
            ), (each, told)  # fmt: skip


def addresses_of(effect):
    return ADDRESSES if effect.network is None else [
        address for address in [*ADDRESSES, "10.0.0.0", "192.0.2.0", "0.0.0.0", "::", "2001:db8::"]
        if address is not None
    ]  # fmt: skip


def registry_of(before, after):
    return next(iter({**before.base.registries, **after.base.registries}))


def telling(names):
    """Names of the situation and some that random policies are about."""
    return [*names, *NAMES[::7]]


@settings(max_examples=EXAMPLES // 4, deadline=None, suppress_health_check=list(HealthCheck))
@given(change=changes())
def test_effects_tell_every_difference_and_nothing_else(change):
    before, after, principal, names = change
    check(before, after, principal.subject or "everyone", telling(names))


@settings(max_examples=EXAMPLES // 8, deadline=None, suppress_health_check=list(HealthCheck))
@given(change=changes(), subject=st.sampled_from(["authenticated", "everyone", *GROUPS]))
def test_a_group_is_told_as_somebody_who_is_in_it_and_nothing_else(change, subject):
    before, after, _, names = change
    somebody = [name.replace("alice", "somebody") for name in names]
    check(before, after, subject, telling([*names, *somebody]))


@settings(max_examples=EXAMPLES // 16, deadline=None, suppress_health_check=list(HealthCheck))
@given(change=changes())
def test_what_does_not_change_has_no_effect(change):
    before, _, principal, _ = change
    again = Book(before.world, reg=before.base.registries.get("reg"))
    assert effects(before, again, [principal.subject or "everyone", *GROUPS], now=NOW).found == ()
