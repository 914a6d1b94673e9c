"""Explanations: they say what tokens hold, which grants did it, and what would change it."""

from dataclasses import replace

import pytest
from access.test_engine_and_oracle import EXAMPLES, addresses, numbered, situations
from access.world import ALICE, CI, NOBODY, NOW, Grant, World, a_registry, person
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authsvc.access.explain import Question, WhyNot, explain
from authsvc.access.shapes import cut, shape
from authsvc.protocol.access import Access, Asked
from authsvc.protocol.scope import parse_entry

REPOSITORY_CHANGES = {"push", "delete"}


def asked(world, principal, scope, **more):
    question = Question(
        registry=more.pop("registry", a_registry("reg")),
        entry=parse_entry(scope),
        now=NOW,
        address=more.pop("address", "198.51.100.7"),
        **more,
    )
    return explain(world.view(principal), question)


def judged(explanation):
    """Each grant by its number: True when it counted, else why not."""
    return {grant.grant: grant.why_not or grant.counted for grant in explanation.grants}


def least(explanation):
    return explanation.smallest and (explanation.smallest.role, explanation.smallest.on)


entries = st.one_of(
    st.lists(st.sampled_from(["pull", "push", "delete", "*", "fly"]), min_size=1, unique=True).map(
        lambda actions: ("repository", None, tuple(actions))
    ),
    st.just(("registry", "catalog", ("*",))),
    st.just(("registry", "catalog", ("*", "fly"))),
    st.just(("repository", "", ("pull",))),
    st.just(("registry", "other", ("*",))),
    st.just(("plugin", "x", ("pull",))),
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    situation=situations(), entry=entries, address=addresses, read_only=st.booleans(),
    enabled=st.sampled_from([True, True, True, False]),
)  # fmt: skip
def test_an_explanation_grants_what_a_token_holds_and_its_grants_did_it(
    situation, entry, address, read_only, enabled
):
    """RB-15, and that what counted and what is proposed are true."""
    world, principal, names = situation
    registry = replace(a_registry("reg", read_only=read_only), enabled=enabled)
    for name in names if entry[1] is None else [entry[1]]:
        held = Access(entry[0], name, entry[2])
        told = explain(world.view(principal), Question(registry, held, NOW, address))
        decision = decided(world, principal, held, registry, address)
        assert told.granted == (decision.granted if enabled else ())
        if not enabled:
            assert set(told.reasons.values()) <= {"registry_disabled"}
            continue
        assert told.reasons == {no.action: no.reason for no in decision.refused}
        check_grants(world, principal, held, registry, address, told, decision)
        check_smallest(world, principal, held, registry, address, told)


def decided(world, principal, entry, registry, address):
    return world.decide(
        principal, Asked((entry,)), registry,
        address=address or "", known=address is not None, now=NOW,
    ).verdicts[0]  # fmt: skip


def check_grants(world, principal, entry, registry, address, told, decision):
    counted = {grant.grant: grant for grant in told.grants if grant.counted}
    for no in decision.refused:
        if no.reason == "denied":
            assert not counted[no.grant].allow
    for grant in told.grants:
        assert grant.counted == (grant.why_not is None)
    listed = {grant.grant for grant in told.grants}
    assert {no.grant for no in decision.refused if no.grant} <= listed
    for grant in counted.values():
        only = [each for each in world.grants if each.id == grant.grant]
        if grant.allow:  # alone it gives one of what was granted
            alone = replace(world, grants=tuple(owners(world) + only))
            got = decided(alone, principal, entry, registry, address).granted
            assert set(got) & set(told.granted)
        else:  # alone it takes one of what was refused
            alone = replace(world, grants=tuple(only))
            lost = decided(alone, principal, entry, registry, address).refused
            assert {no.action for no in lost if no.reason == "denied"} & told.reasons.keys()


def owners(world):
    return [grant for grant in world.grants if grant.role == "owner" and grant.effect == "allow"]


def check_smallest(world, principal, entry, registry, address, told):
    fixed = {"denied", "read_only", "not_for_robots"}
    fixed |= {"unknown_action", "unknown_name", "unknown_type"}
    missing = {action for action, reason in told.reasons.items() if reason not in fixed}
    if registry.read_only and entry.name and entry.type == "repository":
        missing -= REPOSITORY_CHANGES
    assert (told.smallest is None) == (not missing)
    if told.smallest:
        more = Grant(principal.subject or "everyone", told.smallest.role, told.smallest.on)
        after = replace(world, grants=numbered([*world.grants, more]))
        got = decided(after, principal, entry, registry, address).granted
        assert missing <= set(got)


TEAM = "repository:team/app:pull,push"


@pytest.mark.parametrize(
    ("grants", "scope", "judgements", "reasons", "smallest"),
    [
        pytest.param([], TEAM, {}, {"pull": "no_grant", "push": "no_grant"},
                     ("writer", "team/app"), id="nothing"),
        pytest.param([Grant("user:local:alice", "reader", "team")], TEAM, {1: True},
                     {"push": "no_grant"}, ("pusher", "team/app"), id="a custom role is least"),
        pytest.param([Grant("user:local:alice", "writer", "team", registry="other")], TEAM,
                     {1: WhyNot.OTHER_REGISTRY}, {"pull": "no_grant", "push": "no_grant"},
                     ("writer", "team/app"), id="for another registry"),
        pytest.param([Grant("authenticated", "cleaner", "**")], TEAM,
                     {1: WhyNot.ROLE_WITHOUT_ACTION}, {"pull": "no_grant", "push": "no_grant"},
                     ("writer", "team/app"), id="a role without the actions"),
        pytest.param([Grant("user:local:alice", "writer", "team", expires=NOW - 1)], TEAM,
                     {1: WhyNot.EXPIRED}, {"pull": "expired", "push": "expired"},
                     ("writer", "team/app"), id="expired"),
        pytest.param([Grant("everyone", "writer", "team", cidrs=("10.0.0.0/8",))], TEAM,
                     {1: WhyNot.OUTSIDE_NETWORKS},
                     {"pull": "outside_networks", "push": "outside_networks"},
                     ("writer", "team/app"), id="outside its networks"),
        pytest.param([Grant("user:local:alice", "writer", "team"),
                      Grant("group:devs", "writer", "team", effect="deny")], TEAM,
                     {1: WhyNot.DENIED, 2: True}, {"pull": "denied", "push": "denied"},
                     None, id="denied: no grant helps"),
        pytest.param([Grant("user:local:alice", "reader", "team"),
                      Grant("group:devs", "pusher", "team", effect="deny")], TEAM,
                     {1: True, 2: True}, {"push": "denied"}, None, id="denied in part"),
        pytest.param([Grant("authenticated", "maintainer", "{username}/**")],
                     "repository:alice/app:delete", {1: WhyNot.NAMESPACE_OF_OTHERS},
                     {"delete": "namespace_of_others"}, ("cleaner", "alice/app"),
                     id="a namespace of others"),
        pytest.param([Grant("user:local:bob", "writer", "team")], TEAM, {},
                     {"pull": "no_grant", "push": "no_grant"}, ("writer", "team/app"),
                     id="grants of others are not considered"),
        pytest.param([Grant("user:local:alice", "admin")], "registry:catalog:*", {1: True}, {},
                     None, id="catalog"),
        pytest.param([Grant("user:local:alice", "writer")], "registry:catalog:*",
                     {1: WhyNot.ROLE_WITHOUT_ACTION}, {"*": "no_grant"},
                     ("catalog-reader", "**"), id="no catalog"),
        pytest.param([], "repository::pull", {}, {"pull": "no_grant"},
                     ("catalog-reader", "**"), id="zot's catalog"),
        pytest.param([], "registry:catalog:fly", {}, {"fly": "unknown_action"}, None,
                     id="unknown action"),
        pytest.param([], "registry:other:*", {}, {"*": "unknown_name"}, None, id="unknown name"),
        pytest.param([], "plugin:x:pull", {}, {"pull": "unknown_type"}, None, id="unknown type"),
        pytest.param([], "repository:Host.example:5000/a/b:delete,pull", {},
                     {"delete": "no_grant", "pull": "no_grant"}, ("maintainer", "*/a/b"),
                     id="a host cannot be written into a path"),
        pytest.param([], "repository:a:*", {},
                     {"delete": "no_grant", "pull": "no_grant", "push": "no_grant"},
                     ("maintainer", "a"), id="no more than maintainer"),
    ],
)  # fmt: skip
def test_each_grant_is_judged_and_the_least_one_proposed(
    grants, scope, judgements, reasons, smallest
):
    world = World(
        tuple(grants),
        namespaces=(("alice", None, "private"),),
        members=(("group:devs", "user:local:alice"),),
        roles={"pusher": frozenset({"push"}), "cleaner": frozenset({"delete"})},
    )
    told = asked(world, ALICE, scope)
    assert (judged(told), told.reasons, least(told)) == (judgements, reasons, smallest)


def test_a_built_in_role_comes_before_a_custom_one_of_the_same_size():
    world = World(roles={"a-reader": frozenset({"pull"}), "z": frozenset({"pull", "catalog"})})
    assert least(asked(world, ALICE, "repository:x:pull")) == ("reader", "x")


def test_a_read_only_registry_is_changed_by_no_grant():
    world = World(
        (Grant("user:local:alice", "pusher", "a"),), roles={"pusher": frozenset({"push"})}
    )
    told = asked(world, ALICE, "repository:a:push", registry=a_registry("reg", read_only=True))
    assert (judged(told), told.reasons) == ({1: WhyNot.READ_ONLY}, {"push": "read_only"})
    assert told.smallest is None
    other = asked(
        world, ALICE, "repository:b:pull,push", registry=a_registry("reg", read_only=True)
    )
    assert least(other) == ("reader", "b")


def test_a_robot_gets_no_catalog_by_any_grant():
    world = World((Grant("everyone", "catalog-reader"), Grant("everyone", "admin", effect="deny")))
    told = asked(world, CI, "registry:catalog:*")
    assert judged(told) == {1: WhyNot.NOT_FOR_ROBOTS, 2: WhyNot.NOT_FOR_ROBOTS}
    assert told.smallest is None


def test_who_cannot_sign_in_has_nothing_whatever_is_granted():
    world = World((Grant("everyone", "reader"), Grant("everyone", "admin", effect="deny")))
    told = asked(world, ALICE, "repository:a:pull", disabled=True)
    assert (told.granted, told.reasons) == ((), {"pull": "subject_disabled"})
    assert judged(told) == {1: WhyNot.SUBJECT_DISABLED, 2: WhyNot.SUBJECT_DISABLED}
    assert told.smallest is None


def test_an_unknown_address_meets_no_allow():
    world = World((Grant("everyone", "reader", cidrs=("0.0.0.0/0",)),))
    told = asked(world, NOBODY, "repository:a:pull", address=None)
    assert told.reasons == {"pull": "address_unknown"}
    assert told.subject == "anonymous"


def test_the_shape_has_the_members_of_the_contract():
    world = World(
        (Grant("user:local:alice", "reader", "team/**", id=7),),
        namespaces=(("team", None, "internal"),),
    )
    told = shape(asked(world, ALICE, TEAM))
    assert told == {
        "subject": "user:local:alice", "service": "reg", "scope": TEAM,
        "granted": ["pull"], "denied": ["push"], "reasons": {"push": "no_grant"},
        "grants": [
            {"id": 7, "subject": "user:local:alice", "role": "reader", "on": "team/**",
             "effect": "allow", "counted": True, "why_not": None},
        ],
        "namespace": "team", "visibility": "internal",
        "smallest": {"role": "writer", "on": "team/app"},
    }  # fmt: skip


def test_a_grant_that_may_not_be_seen_shows_its_effect_alone():
    world = World(
        (
            Grant("everyone", "writer", "team", effect="deny", id=7),
            Grant("everyone", "reader", id=8),
        )
    )
    told = shape(cut(asked(world, ALICE, TEAM), lambda grant: grant.on == "**"))
    assert told["grants"] == [
        {"id": None, "subject": None, "role": None, "on": "a grant above", "effect": "deny",
         "counted": True, "why_not": None},
        {"id": 8, "subject": "everyone", "role": "reader", "on": "**", "effect": "allow",
         "counted": False, "why_not": "denied"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("visibility", "principal", "shown"),
    [
        pytest.param("private", ALICE, None, id="AD-30 private"),
        pytest.param(None, ALICE, None, id="AD-30 absent"),
        pytest.param("internal", ALICE, "internal", id="internal lets people pull"),
        pytest.param("internal", CI, None, id="internal says nothing to robots"),
        pytest.param("internal", NOBODY, None, id="internal says nothing to strangers"),
        pytest.param("public", NOBODY, "public", id="public"),
    ],
)
def test_a_private_namespace_and_none_read_the_same(visibility, principal, shown):
    world = World(namespaces=(("team", None, visibility),) if visibility else ())
    whole = asked(world, principal, "repository:team/app:pull")
    told = shape(cut(whole, lambda _: True, sees_namespace=False))
    assert told["visibility"] == shown
    assert told["namespace"] == (shown and "team")


def test_registries_that_are_not_there_do_not_matter():
    told = asked(World((Grant("everyone", "reader", registry="gone"),)), person("x"), TEAM)
    assert judged(told) == {}
