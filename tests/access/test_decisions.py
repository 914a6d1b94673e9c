"""Decisions, rule by rule of contract section 5 and threat by threat."""

from dataclasses import replace

import pytest
from access.world import (
    ALICE,
    BOB,
    CI,
    NOBODY,
    NOW,
    Grant,
    World,
    a_registry,
    given,
    person,
    refused,
    robot,
)

from authsvc.access.model import View
from authsvc.access.policy import matching
from authsvc.protocol.access import Access, Asked

USER = "user:local:alice"
WRITER = World((Grant(USER, "writer", "team"),))
ADMIN = World((Grant(USER, "admin"),))
CATALOG = World((Grant(USER, "catalog-reader"),))

SCOPES = [
    pytest.param(
        WRITER, "repository:team/app:pull,push", ["repository:team/app:pull,push"], id="as-asked"
    ),
    pytest.param(WRITER, "repository:team/app:push", ["repository:team/app:push"], id="SC-19"),
    pytest.param(
        WRITER,
        "repository:team/app:push,pull,delete",
        ["repository:team/app:pull,push"],
        id="sorted",
    ),
    pytest.param(WRITER, "repository:ops/app:pull", [], id="SC-20"),
    pytest.param(
        WRITER, "repository:team/app:*", ["repository:team/app:pull,push"], id="star-is-spelled-out"
    ),
    pytest.param(WRITER, "repository:ops/app:*", [], id="star-of-nothing"),
    pytest.param(
        WRITER, "repository(plugin):team/app:pull", ["repository(plugin):team/app:pull"], id="SC-08"
    ),
    pytest.param(
        WRITER, "repository:team/app:fly,pull", ["repository:team/app:pull"], id="SC-11-unknown"
    ),
    pytest.param(WRITER, "foo:bar:pull", [], id="SC-07"),
    pytest.param(WRITER, "registry:catalog:*", [], id="SC-13-user"),
    pytest.param(CATALOG, "registry:catalog:*", ["registry:catalog:*"], id="SC-13-catalog-reader"),
    pytest.param(ADMIN, "registry:catalog:*", ["registry:catalog:*"], id="SC-13-admin"),
    pytest.param(ADMIN, "registry:catalog:*,search", ["registry:catalog:*"], id="catalog-search"),
    pytest.param(ADMIN, "registry:catalog:pull", [], id="catalog-pull"),
    pytest.param(ADMIN, "registry:other:*", [], id="other-registry-resource"),
    pytest.param(CATALOG, "repository::pull", ["repository::pull"], id="zot-catalog"),
    pytest.param(CATALOG, "repository::*", ["repository::pull"], id="zot-catalog-star"),
    pytest.param(ADMIN, "repository::push,pull", ["repository::pull"], id="zot-catalog-push"),
    pytest.param(WRITER, "repository::pull", [], id="zot-catalog-without-right"),
    pytest.param(CATALOG, "repository:team/app:pull", [], id="catalog-is-no-pull"),
    pytest.param(WRITER, "repository:Team/app:push", [], id="RN-03"),
    pytest.param(WRITER, "repository:reg-b.test/team/app:push", [], id="RN-05"),
    pytest.param(WRITER, "repository:reg-a.test:5000/team/app:pull", [], id="SC-09"),
    pytest.param(WRITER, "repository:team:push", ["repository:team:push"], id="RN-07-path"),
    pytest.param(
        WRITER, "repository:team/a/b/c/d/e/f:push", ["repository:team/a/b/c/d/e/f:push"], id="RN-16"
    ),
    pytest.param(WRITER, "repository:team-x/app:push", [], id="rule-2-boundary"),
    pytest.param(
        World((Grant(USER, "writer", "team/**"),)), "repository:team:push", [], id="RN-07-glob"
    ),
    pytest.param(
        World((Grant(USER, "pusher", "team"),), roles={"pusher": frozenset({"push"})}),
        "repository:team/app:*",
        ["repository:team/app:push"],
        id="RB-07",
    ),
    pytest.param(World(), "repository:team/app:pull,push", [], id="RB-01"),
    pytest.param(World((Grant(USER, "auditor"),)), "repository:team/app:pull", [], id="auditor"),
    pytest.param(
        ADMIN,
        "repository:any/thing:delete,pull,push",
        ["repository:any/thing:delete,pull,push"],
        id="admin",
    ),
    pytest.param(
        World((Grant(USER, "owner", "team"),)),
        "repository:team/app:*",
        ["repository:team/app:delete,pull,push"],
        id="owner",
    ),
    pytest.param(
        World((Grant(USER, "writer", "team", expires=NOW),)),
        "repository:team/app:pull",
        [],
        id="RB-14-expired",
    ),
    pytest.param(
        World((Grant(USER, "writer", "team", registry="other"),)),
        "repository:team/app:pull",
        [],
        id="other-registry",
    ),
    pytest.param(World((Grant(USER, "writer", "a.b"),)), "repository:axb/app:pull", [], id="RN-13"),
    pytest.param(
        World((Grant("user:corp:alice", "writer", "team"),)),
        "repository:team/app:pull",
        [],
        id="namesake-of-another-source",
    ),
]


@pytest.mark.parametrize(("world", "scope", "expected"), SCOPES)
def test_alice_gets_what_she_holds_and_asked(world, scope, expected):
    assert given(world.ask(ALICE, scope)) == expected


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("team/../ops/app", id="RN-01"),
        pytest.param("team//app", id="empty-component"),
        pytest.param("team/*", id="RN-11-star"),
        pytest.param("team/.*", id="RN-11-regex"),
        pytest.param("team/app:latest", id="RN-15-tag"),
        pytest.param("team/app@sha256:00", id="RN-15-digest"),
        pytest.param("team/" + "a" * 251, id="RN-10-256"),
        pytest.param("team" + "/a" * 32_000, id="RN-10-65536"),
    ],
)
def test_a_name_that_no_repository_can_have_is_never_granted(name):
    """The scope parser takes such entries for junk; a decision does not rely on that."""
    asked = Asked((Access("repository", name, ("pull", "push")),))
    everything = World((Grant(USER, "admin"), Grant(USER, "writer", "team")))
    decision = everything.decide(ALICE, asked, address="", known=True, now=NOW)
    assert decision.access == ()
    assert refused(decision) == [("pull", "unknown_name", None), ("push", "unknown_name", None)]


def test_every_entry_is_decided_for_itself():
    """RN-22, SC-03: a mount has no right at the source that its own entry does not have."""
    decision = WRITER.ask(ALICE, "repository:team/app:pull,push repository:ops/base:pull")
    assert given(decision) == ["repository:team/app:pull,push"]
    assert [len(verdict.granted) for verdict in decision.verdicts] == [2, 0]


def test_a_granted_name_is_byte_for_byte_the_asked_one():
    decision = ADMIN.ask(ALICE, "repository:Reg.test:5000/team/app:pull")  # RN-09
    assert [entry.name for entry in decision.access] == ["Reg.test:5000/team/app"]


REASONS = [
    pytest.param(World(), [("push", "no_grant", None)], id="no_grant"),
    pytest.param(
        World((Grant(USER, "writer", "team"), Grant(USER, "writer", "**", effect="deny"))),
        [("push", "denied", 2)],
        id="denied",
    ),
    pytest.param(
        World((Grant(USER, "writer", "team", expires=NOW - 1),)),
        [("push", "expired", 1)],
        id="expired",
    ),
    pytest.param(
        World((Grant(USER, "writer", "team", cidrs=("10.0.0.0/8",)),)),
        [("push", "outside_networks", 1)],
        id="outside_networks",
    ),
    pytest.param(
        World((Grant("authenticated", "writer", "{username}/**"),), (("alice", None, "private"),)),
        [("push", "namespace_of_others", 1)],
        id="namespace_of_others",
    ),
]


@pytest.mark.parametrize(("world", "expected"), REASONS)
def test_a_refusal_names_its_reason_and_the_grant_that_decided(world, expected):
    name = "alice/app" if world.namespaces else "team/app"
    assert refused(world.ask(ALICE, f"repository:{name}:push")) == expected


@pytest.mark.parametrize(
    ("scope", "reasons"),
    [
        ("repository:team/app:fly", [("fly", "unknown_action", None)]),
        ("foo:bar:pull,push", [("pull", "unknown_type", None), ("push", "unknown_type", None)]),
        ("registry:other:*", [("*", "unknown_name", None)]),
        ("registry:catalog:search", [("search", "unknown_action", None)]),
        ("repository::push", [("push", "unknown_action", None)]),
    ],
)
def test_what_does_not_exist_is_refused_by_its_own_reason(scope, reasons):
    assert refused(ADMIN.ask(ALICE, scope)) == reasons


def test_star_says_for_each_action_why_it_is_not_granted():
    assert refused(WRITER.ask(ALICE, "repository:team/app:*")) == [("delete", "no_grant", None)]


def test_star_beside_an_action_is_that_action_once():
    decision = WRITER.ask(ALICE, "repository:team/app:push,*")
    assert given(decision) == ["repository:team/app:pull,push"]


# Rule 5, RB-18


@pytest.mark.parametrize(
    "allow",
    [
        pytest.param(World((Grant(USER, "writer", "team"),)), id="direct"),
        pytest.param(
            World((Grant("group:devs", "writer", "team"),), (), (("group:devs", USER),)), id="group"
        ),
        pytest.param(World((Grant(USER, "admin"),)), id="admin"),
        pytest.param(World((), (("team", None, "public"),)), id="public"),
        pytest.param(World((), (("team", None, "internal"),)), id="internal"),
    ],
)
@pytest.mark.parametrize("on", ["team/app", "team", "team/*", "**"])
@pytest.mark.parametrize("subject", [USER, "authenticated", "everyone"])
def test_deny_beats_whatever_allows(allow, on, subject):
    """RB-18."""
    deny = Grant(subject, "maintainer", on, effect="deny")
    world = replace(allow, grants=(*allow.grants, deny))
    assert given(allow.ask(ALICE, "repository:team/app:*"))
    assert given(world.ask(ALICE, "repository:team/app:*")) == []


def test_a_deny_takes_no_more_than_the_actions_of_its_role():
    world = replace(ADMIN, grants=(*ADMIN.grants, Grant(USER, "reader", "team", effect="deny")))
    assert given(world.ask(ALICE, "repository:team/app:*")) == ["repository:team/app:delete,push"]
    assert given(world.ask(ALICE, "registry:catalog:*")) == ["registry:catalog:*"]


def test_a_deny_of_the_catalog_takes_the_catalog_alone():
    deny = Grant("authenticated", "catalog-reader", effect="deny")
    world = replace(ADMIN, grants=(*ADMIN.grants, deny))
    assert refused(world.ask(ALICE, "registry:catalog:* repository::pull")) == [
        ("*", "denied", 2),
        ("pull", "denied", 2),
    ]
    assert given(world.ask(ALICE, "repository:team/app:pull"))


def test_an_admin_denied_everything_gets_nothing_at_registries():
    world = replace(ADMIN, grants=(*ADMIN.grants, Grant(USER, "admin", effect="deny")))
    assert given(world.ask(ALICE, "repository:team/app:* registry:catalog:*")) == []


def test_a_deny_of_an_unknown_role_denies_everything():
    world = replace(ADMIN, grants=(*ADMIN.grants, Grant(USER, "not-read-yet", effect="deny")))
    assert given(world.ask(ALICE, "repository:team/app:* registry:catalog:*")) == []


# Rule 6


@pytest.mark.parametrize(
    ("namespaces", "anonymous", "people"),
    [
        pytest.param([("team", None, "public")], True, True, id="public"),
        pytest.param([("team", None, "internal")], False, True, id="internal"),
        pytest.param([("team", None, "private")], False, False, id="private"),
        pytest.param([], False, False, id="not-registered"),
        pytest.param(
            [("team", None, "public"), ("team/secret", None, "private")],
            False,
            False,
            id="RN-21-nearest",
        ),
        pytest.param(
            [("team", None, "private"), ("team/secret", None, "public")],
            True,
            True,
            id="RN-21-nearest-public",
        ),
        pytest.param(
            [("team", None, "public"), ("team", "reg", "private")],
            False,
            False,
            id="RN-21-this-registry-first",
        ),
        pytest.param(
            [("team", None, "private"), ("team", "reg", "internal")],
            False,
            True,
            id="RN-21-this-registry-first-internal",
        ),
        pytest.param(
            [("team", "reg", "public"), ("team/secret", None, "private")],
            False,
            False,
            id="nearer-one-for-all",
        ),
        pytest.param(
            [("team", None, "public"), ("team/secret", "other", "private")],
            True,
            True,
            id="another-registry's",
        ),
        pytest.param([("team/secret/app/x", None, "public")], False, False, id="below"),
        pytest.param([("team-x", None, "public")], False, False, id="beside"),
    ],
)
def test_the_nearest_registered_namespace_decides_who_may_pull(namespaces, anonymous, people):
    world = World(namespaces=tuple(namespaces))
    pull = ["repository:team/secret/app:pull"]
    assert given(world.ask(NOBODY, "repository:team/secret/app:*")) == (pull if anonymous else [])
    assert given(world.ask(BOB, "repository:team/secret/app:*")) == (pull if people else [])
    assert given(world.ask(CI, "repository:team/secret/app:*")) == (pull if anonymous else [])


def test_grants_are_inherited_past_a_nearer_namespace():
    world = replace(WRITER, namespaces=(("team/secret", None, "private"),))
    assert given(world.ask(ALICE, "repository:team/secret/app:push"))  # RN-21


# Audiences, groups, robots


def test_everyone_is_anybody_and_authenticated_are_people():
    """RB-08, RB-17."""
    world = World((Grant("everyone", "reader", "open"), Grant("authenticated", "reader", "inside")))
    scopes = "repository:open/a:pull repository:inside/a:pull"
    assert len(given(world.ask(ALICE, scopes))) == 2
    assert given(world.ask(NOBODY, scopes)) == ["repository:open/a:pull"]
    assert given(world.ask(CI, scopes)) == ["repository:open/a:pull"]


def test_own_rights_and_those_of_the_audiences_add_up():
    world = World(
        (
            Grant("everyone", "reader", "team"),
            Grant("authenticated", "pusher", "team"),
            Grant(USER, "cleaner", "team"),
        ),
        roles={"pusher": frozenset({"push"}), "cleaner": frozenset({"delete"})},
    )
    assert given(world.ask(ALICE, "repository:team/a:*")) == ["repository:team/a:delete,pull,push"]


def test_groups_in_groups_give_and_circles_end():
    world = World(
        (Grant("group:all", "reader", "team"),),
        members=(
            ("group:devs", USER),
            ("group:all", "group:devs"),
            ("group:devs", "group:all"),
            ("group:ops", "user:local:bob"),
        ),
    )
    assert given(world.ask(ALICE, "repository:team/app:pull"))
    assert not given(world.ask(BOB, "repository:team/app:pull"))


def test_a_directory_speaks_for_its_own_groups_only():
    world = World(
        (
            Grant("group:corp:devs", "reader", "corp"),
            Grant("group:devs", "reader", "ours"),
            Grant("group:all", "reader", "nested"),
        ),
        members=(("group:all", "group:corp:devs"),),
    )
    scopes = "repository:corp/a:pull repository:ours/a:pull repository:nested/a:pull"
    honest = person("eve", "corp", ("group:corp:devs",))
    lying = person("eve", "file", ("group:corp:devs", "group:devs"))
    assert given(world.ask(honest, scopes)) == [
        "repository:corp/a:pull",
        "repository:nested/a:pull",
    ]
    assert given(world.ask(lying, scopes)) == []


def test_robots_have_their_own_grants_and_nothing_else():
    """RB-17: no group, no `internal`, no `authenticated`, no catalog, no `{username}`."""
    world = World(
        (
            Grant("robot:ci", "writer", "team"),
            Grant("robot:ci", "catalog-reader"),
            Grant("everyone", "catalog-reader"),
            Grant("everyone", "writer", "{username}/**"),
            Grant("group:devs", "writer", "devs"),
        ),
        (("inner", None, "internal"),),
        (("group:devs", "robot:ci"),),
    )
    decision = world.ask(
        CI,
        "repository:team/a:* repository:inner/a:pull repository:ci/a:pull repository:devs/a:pull",
        "registry:catalog:* repository::pull",
    )
    assert given(decision) == ["repository:team/a:pull,push"]
    assert refused(decision)[-2:] == [
        ("*", "not_for_robots", None),
        ("pull", "not_for_robots", None),
    ]


def test_a_robot_named_like_somebody_is_nobody_else():
    world = World((Grant(USER, "writer", "team"), Grant("robot:alice", "reader", "team")))
    assert given(world.ask(robot("alice"), "repository:team/a:*")) == ["repository:team/a:pull"]


# Rule 3: the catalog right


@pytest.mark.parametrize("on", ["team", "team/**", "*", "***"])
def test_the_catalog_right_comes_from_everywhere_alone(on):
    world = World((Grant(USER, "lister", on),), roles={"lister": frozenset({"pull", "catalog"})})
    assert given(world.ask(ALICE, "registry:catalog:* repository::pull")) == []


def test_a_custom_role_and_everyone_may_hold_the_catalog_right_for_one_registry():
    world = World(
        (Grant("everyone", "lister", registry="reg"),), roles={"lister": frozenset({"catalog"})}
    )
    assert given(world.ask(NOBODY, "registry:catalog:*")) == ["registry:catalog:*"]
    other = a_registry("other")
    assert given(world.ask(NOBODY, "registry:catalog:*", registry=other)) == []


# Rule 4, RB-16


def homes(*more: Grant, on: str = "{username}/**", registered: str = "", registry=None) -> World:
    namespaces = ((registered, registry, "private"),) if registered else ()
    return World((Grant("authenticated", "writer", on), *more), namespaces)


OWNER = Grant(USER, "owner", "alice")
REACHED = [
    pytest.param(homes(), "alice/app", True, id="own-home"),
    pytest.param(homes(), "bob/app", False, id="somebody-else's"),
    pytest.param(homes(), "alice", False, id="glob-not-the-path-itself"),
    pytest.param(homes(registered="alice"), "alice/app", False, id="RB-16-registered"),
    pytest.param(homes(registered="alice/lab"), "alice/lab/app", False, id="registered-below"),
    pytest.param(homes(registered="alice/lab"), "alice/app", True, id="registered-below-elsewhere"),
    pytest.param(
        homes(registered="alice", registry="other"), "alice/app", True, id="registered-at-another"
    ),
    pytest.param(
        homes(registered="alice", registry="reg"), "alice/app", False, id="registered-at-this-one"
    ),
    pytest.param(homes(OWNER, registered="alice"), "alice/app", True, id="owned"),
    pytest.param(
        homes(OWNER, registered="alice/lab"), "alice/lab/app", True, id="owned-from-above"
    ),
    pytest.param(
        homes(replace(OWNER, on="alice/lab"), registered="alice"),
        "alice/x",
        False,
        id="owns-only-below",
    ),
    pytest.param(
        homes(replace(OWNER, expires=NOW), registered="alice"),
        "alice/app",
        False,
        id="owned-until-now",
    ),
    pytest.param(
        homes(replace(OWNER, expires=NOW + 1), registered="alice"),
        "alice/app",
        True,
        id="owned-still",
    ),
    pytest.param(
        homes(replace(OWNER, registry="other"), registered="alice"),
        "alice/app",
        False,
        id="owned-elsewhere",
    ),
    pytest.param(
        homes(replace(OWNER, effect="deny"), registered="alice"),
        "alice/x",
        False,
        id="denied-is-not-owned",
    ),
    pytest.param(
        homes(replace(OWNER, cidrs=("10.0.0.0/8",)), registered="alice"),
        "alice/app",
        False,
        id="owned-from-inside",
    ),
    pytest.param(
        homes(replace(OWNER, role="maintainer", subject="user:local:bob"), registered="alice"),
        "alice/app",
        False,
        id="of-bob",
    ),
    pytest.param(
        homes(on="users/{username}/**", registered="users"),
        "users/alice/app",
        True,
        id="parent-registered",
    ),
    pytest.param(
        homes(on="users/{username}/**", registered="users/alice"),
        "users/alice/app",
        False,
        id="filled-in-path-registered",
    ),
    pytest.param(
        homes(on="users/{username}/**", registered="alice"),
        "users/alice/app",
        True,
        id="other-alice",
    ),
    pytest.param(
        homes(on="**/{username}/**", registered="team/alice"),
        "team/alice/app",
        False,
        id="wild-before",
    ),
    pytest.param(
        homes(on="**/{username}/**", registered="team"),
        "team/alice/app",
        True,
        id="wild-before-parent",
    ),
    pytest.param(homes(on="{username}-lab/**"), "alice-lab/app", True, id="part-of-a-component"),
    pytest.param(
        homes(on="{username}-lab/**", registered="alice-lab"),
        "alice-lab/app",
        False,
        id="part-of-a-component-registered",
    ),
    pytest.param(homes(on="{username}/x/{username}"), "alice/x/alice", True, id="twice"),
    pytest.param(
        homes(on="{username}**a", registered="alice"), "alice/a", False, id="run-across-components"
    ),
    pytest.param(homes(on="{username}"), "alice", True, id="name-alone"),
]


@pytest.mark.parametrize(("world", "name", "reached"), REACHED)
def test_a_username_grant_reaches_no_registered_namespace_of_others(world, name, reached):
    assert bool(given(world.ask(ALICE, f"repository:{name}:push"))) is reached


@pytest.mark.parametrize(
    "username", ["Alice", "a/b", "*", "**", "al ice", "-a", "a..b", "é", "a:b"]
)
@pytest.mark.parametrize("effect", ["allow", "deny"])
def test_a_name_that_is_no_path_component_fills_in_nothing(username, effect):
    """RB-16."""
    world = World(
        (
            Grant("authenticated", "writer", "{username}/**", effect=effect),
            Grant("everyone", "reader", "b"),
        )
    )
    decision = world.ask(person(username, "corp"), "repository:a/b:push repository:b/c:pull")
    assert given(decision) == ["repository:b/c:pull"]


def test_a_username_deny_counts_in_registered_namespaces_too():
    deny = Grant("authenticated", "writer", "{username}/**", effect="deny")
    world = World((deny, Grant(USER, "writer", "alice")), (("alice", None, "public"),))
    assert given(world.ask(ALICE, "repository:alice/app:*")) == []


def test_namesakes_in_two_sources_share_a_home_but_no_namespace():
    """RB-16: `{username}` is a name; whoever needs more registers the namespace."""
    world = homes(Grant("user:corp:alice", "owner", "alice"), registered="alice")
    assert given(world.ask(person("alice", "corp"), "repository:alice/app:push"))
    assert not given(world.ask(ALICE, "repository:alice/app:push"))


# Rules 8 and 11


def test_a_read_only_registry_takes_nothing_from_anybody():
    quiet = a_registry("reg", read_only=True)
    decision = ADMIN.ask(ALICE, "repository:team/app:* registry:catalog:*", registry=quiet)
    assert given(decision) == ["repository:team/app:pull", "registry:catalog:*"]
    assert refused(decision) == [("delete", "read_only", None), ("push", "read_only", None)]
    # Who could not write anyway hears that.
    assert refused(ADMIN.ask(BOB, "repository:a:push", registry=quiet)) == [
        ("push", "no_grant", None)
    ]


@pytest.mark.parametrize(
    ("address", "known", "pulls"),
    [
        pytest.param("10.1.2.3", True, True, id="inside"),
        pytest.param("192.0.2.1", True, False, id="outside"),
        pytest.param("10.1.2.3", False, False, id="PX-15-allow"),
    ],
)
def test_an_allow_with_networks_needs_a_known_address_inside(address, known, pulls):
    world = World((Grant(USER, "reader", "team", cidrs=("10.0.0.0/8",)),))
    decision = world.ask(ALICE, "repository:team/a:pull", address=address, known=known)
    assert bool(given(decision)) is pulls


@pytest.mark.parametrize(
    ("address", "known", "pulls"),
    [
        pytest.param("10.1.2.3", True, False, id="inside"),
        pytest.param("192.0.2.1", True, True, id="outside"),
        pytest.param("192.0.2.1", False, False, id="PX-15-deny"),
    ],
)
def test_a_deny_with_networks_holds_unless_a_known_address_is_outside(address, known, pulls):
    deny = Grant("everyone", "reader", "team", effect="deny", cidrs=("10.0.0.0/8",))
    world = World((Grant(USER, "reader", "team"), deny))
    decision = world.ask(ALICE, "repository:team/a:pull", address=address, known=known)
    assert bool(given(decision)) is pulls


def test_an_expired_deny_denies_no_longer():
    deny = Grant(USER, "writer", "team", effect="deny", expires=NOW + 1)
    world = World((*WRITER.grants, deny))
    assert not given(world.ask(ALICE, "repository:team/a:push"))
    assert given(world.ask(ALICE, "repository:team/a:push", now=NOW + 1))


# What may be remembered


@pytest.mark.parametrize(
    ("more", "timeless"),
    [
        pytest.param(Grant(USER, "reader", "other", expires=NOW + 9), True, id="elsewhere"),
        pytest.param(Grant(USER, "reader", "team", expires=NOW + 9), False, id="ends"),
        pytest.param(Grant(USER, "reader", "team", expires=NOW - 9), False, id="ended"),
        pytest.param(Grant(USER, "reader", "team", cidrs=("10.0.0.0/8",)), False, id="networks"),
        pytest.param(
            Grant(USER, "reader", "**", cidrs=("10.0.0.0/8",), effect="deny"), False, id="deny"
        ),
        pytest.param(
            Grant(USER, "reader", "team", registry="other", expires=NOW), True, id="other-registry"
        ),
    ],
)
def test_a_decision_is_timeless_unless_a_condition_took_part(more, timeless):
    world = replace(WRITER, grants=(*WRITER.grants, more))
    assert world.ask(ALICE, "repository:team/app:pull").timeless is timeless


def test_a_decision_that_hangs_on_an_ownership_with_an_end_is_not_timeless():
    world = homes(replace(OWNER, on="alice/lab", expires=NOW + 1), registered="alice/lab")
    assert world.ask(ALICE, "repository:alice/app:push").timeless
    assert not world.ask(ALICE, "repository:alice/lab/app:push").timeless


def test_a_condition_on_the_catalog_counts_where_the_catalog_is_asked():
    world = World((Grant(USER, "catalog-reader", expires=NOW + 9),))
    assert not world.ask(ALICE, "registry:catalog:*").timeless


# What explanations and lints fold


def test_matching_gives_every_rule_that_covers_whether_it_counts_or_not():
    world = World(
        (
            Grant(USER, "reader", "team"),
            Grant("everyone", "writer", "team/*", expires=NOW - 1),
            Grant("authenticated", "reader", "{username}/**"),
            Grant(USER, "reader", "ops"),
            Grant(USER, "reader", "**", effect="deny"),
            Grant(USER, "reader", "team", registry="other"),
        )
    )
    view = world.view(ALICE)
    assert isinstance(view, View)
    found = matching(view, a_registry("reg"), "team/app")
    assert sorted(rule.grant for rule in found) == [1, 2, 5]
    filled = matching(view, a_registry("reg"), "alice/app")
    assert {(rule.grant, rule.pattern) for rule in filled} == {(3, "{username}/**"), (5, "**")}


def test_a_decision_carries_the_newest_version_it_was_made_of():
    assert WRITER.ask(ALICE, "repository:team/app:pull").version == 1
