"""The engine and the oracle agree on random policies and requests (RB-02).

`AUTHSVC_POLICY_EXAMPLES` sets how many policies are tried; each is asked about every action of
several names, so 1,000 examples are some 20,000 pairs.
"""

import os
from dataclasses import replace
from functools import cache

from access import oracle
from access.world import NOW, Grant, World, a_registry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authsvc.principal import ANONYMOUS, Kind, Principal
from authsvc.protocol.access import Access, Asked

EXAMPLES = int(os.environ.get("AUTHSVC_POLICY_EXAMPLES", "2000"))

USERS = [
    ("local", "alice"), ("local", "alice"), ("local", "a"), ("corp", "alice"), ("corp", "Alice B"),
    ("corp", "*"), ("corp", "a/alice"),
]  # fmt: skip
GROUPS = ["group:devs", "group:ops", "group:all", "group:corp:devs"]
PEOPLE = sorted({f"user:{source}:{name}" for source, name in USERS})
OTHERS = [*PEOPLE, *GROUPS, "robot:ci", "everyone", "authenticated"]
PARTS = ["a", "b", "alice", "alice-lab"]
WILD = ["*", "**", "{username}", "a*", "*e", "a*e", "**b", "a**", "{username}-lab", "x{username}*"]
HOMES = [
    "{username}/**", "{username}", "a/{username}/**", "{username}-lab/**", "*/{username}/*",
    "**/{username}*", "{username}**", "{username}**a", "{username}/{username}/**",
]  # fmt: skip
CIDRS = [("10.0.0.0/8",), ("192.0.2.0/24", "2001:db8::/32"), ("0.0.0.0/0", "::/0")]
ROLES = {
    "pusher": frozenset({"push"}),
    "lister": frozenset({"pull", "catalog"}),
    "cleaner": frozenset({"delete"}),
}

paths = st.lists(st.sampled_from(PARTS), min_size=1, max_size=3).map("/".join)
globs = st.lists(st.sampled_from([*PARTS, *WILD]), min_size=1, max_size=3).map("/".join)
registries = st.sampled_from([None, None, None, "reg", "other"])
memberships = st.tuples(st.sampled_from(GROUPS[:3]), st.sampled_from([*PEOPLE, *GROUPS]))
addresses = st.sampled_from(["10.1.2.3", "192.0.2.9", "2001:db8::1", None])
people = st.sampled_from(USERS).flatmap(
    lambda who: st.sampled_from([(), ("group:corp:devs",)] if who[0] == "corp" else [()]).map(
        lambda groups: Principal(Kind.USER, *who, "id", groups)
    )
)
robots = st.just(Principal(Kind.ROBOT, "", "ci", "id"))
alices = people.filter(lambda it: it.name == "alice")
places = st.builds(
    str.__add__,
    st.sampled_from(["alice", "alice-lab", "a/alice", "b/alice", "a", "xalice"]),
    st.sampled_from(["", "", "/a", "/alice", "/alice/a"]),
)
principals = st.one_of(people, people, people, robots, st.just(ANONYMOUS))


def granted_to(subjects: list[str], *, roles: list[str], on: st.SearchStrategy[str]):
    return st.builds(
        Grant,
        subject=st.sampled_from(subjects),
        role=st.sampled_from(roles),
        on=on,
        registry=registries,
        effect=st.sampled_from(["allow", "allow", "allow", "deny"]),
        expires=st.sampled_from([None, None, None, None, NOW - 1, NOW, NOW + 1]),
        cidrs=st.one_of(st.just(()), st.just(()), st.sampled_from(CIDRS)),
    )


def numbered(found: list[Grant]) -> tuple[Grant, ...]:
    return tuple(Grant(**{**vars(grant), "id": place}) for place, grant in enumerate(found, 10))


@cache
def grants(principal: Principal, theme: str = "any") -> st.SearchStrategy[Grant]:
    """Mostly for the caller, since what is for others only ever grants nothing."""
    mine = [principal.subject or "everyone", "everyone", "authenticated", *principal.groups]
    every = [*oracle.ROLES, *ROLES]
    if theme == "homes":
        return granted_to(mine, roles=["reader", "maintainer"], on=st.sampled_from(HOMES))
    if theme == "groups":
        return granted_to(GROUPS, roles=["reader", "maintainer"], on=paths)
    return st.one_of(
        granted_to(mine, roles=every, on=paths),
        granted_to(mine, roles=every, on=globs),
        granted_to(mine, roles=every, on=st.just("**")),
        granted_to(mine, roles=["reader", "maintainer"], on=st.sampled_from(HOMES)),
        granted_to(mine, roles=["owner"], on=paths),
        granted_to(OTHERS, roles=every, on=st.one_of(paths, globs)),
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[World, Principal, list[str]]:
    """A policy, somebody who asks, and names; with a theme, in which nothing hides that rule."""
    theme = draw(st.sampled_from(["any", "any", "homes", "groups"]))
    principal = draw({"any": principals, "homes": alices, "groups": people}[theme])
    # Few grants at once as well as many: with many, one hides what another does.
    found = draw(st.lists(grants(principal, theme), max_size=draw(st.sampled_from([1, 3, 12]))))
    if theme == "homes":
        owning = granted_to([principal.subject], roles=["owner"], on=places)
        found += draw(st.lists(owning, max_size=1))
    members = draw(st.lists(memberships.filter(lambda it: it[0] != it[1]), max_size=6, unique=True))
    if theme == "groups":
        members += [("group:devs", principal.subject), ("group:ops", "group:devs")]
    where = places if theme == "homes" else paths
    namespaces = st.tuples(where, registries, st.sampled_from(["private", "internal", "public"]))
    world = World(
        grants=numbered(found),
        namespaces=tuple(draw(st.lists(namespaces, max_size=4, unique_by=lambda it: it[:2]))),
        members=tuple(dict.fromkeys(members)),
        roles=ROLES,
    )
    return world, principal, draw(st.lists(where, min_size=1, max_size=5, unique=True))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    situation=situations(),
    address=addresses,
    read_only=st.booleans(),
)
def test_the_engine_grants_what_the_oracle_grants_and_for_its_reasons(
    situation, address, read_only
):
    world, principal, names = situation
    questions = [(name, action) for name in names for action in ("pull", "push", "delete")]
    asked = Asked(
        (
            *(Access("repository", name, (action,)) for name, action in questions),
            Access("registry", "catalog", ("*",)),
            Access("repository", "", ("pull",)),
        )
    )
    decision = world.decide(
        principal, asked, a_registry("reg", read_only=read_only),
        address=address or "10.1.2.3", known=address is not None, now=NOW,
    )  # fmt: skip

    for verdict, (name, action) in zip(
        decision.verdicts, [*questions, ("", "catalog"), ("", "catalog")], strict=True
    ):
        question = oracle.Question(
            principal.kind.value, principal.source, principal.name, principal.groups,
            "reg", read_only, name, action, address, NOW,
        )  # fmt: skip
        assert verdict.granted in ((), verdict.asked.actions)
        assert bool(verdict.granted) == oracle.allowed(world, question), question
        for refusal in verdict.refused:
            assert (refusal.reason, refusal.grant) in oracle.reasons(world, question), question


@settings(max_examples=EXAMPLES // 4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(situation=situations(), address=addresses, later=st.floats(0, 3))
def test_a_timeless_decision_is_the_same_at_every_time_and_from_everywhere(
    situation, address, later
):
    world, principal, (name, *_) = situation
    asked = Asked((Access("repository", name, ("*",)),))
    first = world.decide(principal, asked, address="10.1.2.3", known=True, now=NOW - 2)
    other = world.decide(
        principal, asked, address=address or "", known=address is not None, now=NOW - 1.5 + later
    )
    assert first.timeless == other.timeless
    assert first == other or not first.timeless


@settings(max_examples=EXAMPLES // 4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(situation=situations(), data=st.data())
def test_a_deny_never_gives_and_an_allow_never_takes(situation, data):
    world, principal, (name, *_) = situation
    more = data.draw(grants(principal))
    asked = Asked((Access("repository", name, ("*",)), Access("registry", "catalog", ("*",))))

    def pairs(of: World) -> set[tuple[str, str]]:
        decision = of.decide(principal, asked, address="10.1.2.3", known=True, now=NOW)
        return {(entry.type, action) for entry in decision.access for action in entry.actions}

    before = pairs(world)
    after = pairs(replace(world, grants=numbered([*world.grants, more])))
    assert after >= before if more.effect == "allow" else after <= before
