"""Contract section 5, rules 5, 7 and 9: owners give and take what they hold, where they hold it."""

import pytest

from authsvc.changes import groups, keys, registries, roles, users
from authsvc.changes.guard import NOTHING_HERE
from authsvc.errors import Dangling, Forbidden, Invalid, NotFound
from authsvc.protocol.names import parse_subject

DAY, TWO_DAYS = "2027-01-16T08:00:00Z", "2027-01-17T08:00:00Z"  # after the road's noon
BOB = "user:bob"


@pytest.fixture
def filled(road):
    """`alice` owns `team` in registry a, `olga` in all, `dora` for a day, `greta` by a group."""
    for name in ("a", "b"):
        road.registry(name)
    for name in ("root", "alice", "olga", "dora", "greta", "bob", "audrey", "stranger"):
        road.user(name)
    road.group("leads", "greta")
    road.group("devs")
    road.role("pusher", "repository:push")
    road.role("lister", "repository:pull", "registry:catalog:*")
    road.grant("user:root", "admin")
    road.grant("user:audrey", "auditor")
    road.grant("user:alice", "owner", "team", registry="a")
    road.grant("user:olga", "owner", "team")
    road.grant("user:dora", "owner", "team", expires_at=DAY)
    road.grant("group:leads", "owner", "team")
    return road


# what is asked (beside subject bob), and who of alice, olga and dora may write it
PLACES = [
    pytest.param({"on": "team", "registry": "a"}, "alice olga", id="the path in A"),
    pytest.param({"on": "team"}, "olga", id="the path in all"),
    pytest.param({"on": "team", "registry": "b"}, "olga", id="the path in B"),
    pytest.param({"on": "team/app", "registry": "a"}, "alice olga", id="below"),
    pytest.param({"on": "team/a*", "registry": "a"}, "alice olga", id="a glob counts as team"),
    pytest.param({"on": "team/**", "registry": "a"}, "alice olga", id="a glob over all below"),
    pytest.param({"on": "team/{username}/**", "registry": "a"}, "alice olga", id="a template"),
    pytest.param({"on": "te*", "registry": "a"}, "", id="a glob that counts as everything"),
    pytest.param({"on": "team*", "registry": "a"}, "", id="a glob over the suffix"),
    pytest.param({"on": "**", "registry": "a"}, "", id="everything"),
    pytest.param({"on": "**/team", "registry": "a"}, "", id="everything that ends so"),
    pytest.param({"on": "team-x", "registry": "a"}, "", id="suffix"),
    pytest.param({"on": "team-x/app", "registry": "a"}, "", id="below a suffix"),
    pytest.param({"on": "te_m", "registry": "a"}, "", id="like"),
    pytest.param({"on": "tea", "registry": "a"}, "", id="prefix"),
    pytest.param({"on": "other/team", "registry": "a"}, "", id="another parent"),
    pytest.param({"on": "team", "expires_at": DAY}, "olga dora", id="AD-29 as long as dora"),
    pytest.param({"on": "team", "expires_at": TWO_DAYS}, "olga", id="AD-29 longer than dora"),
    pytest.param(
        {"on": "team", "registry": "a", "expires_at": DAY}, "alice olga dora", id="all of them"
    ),
    pytest.param({"on": "team", "role": "owner"}, "olga", id="owner"),
    pytest.param({"on": "team", "role": "maintainer"}, "olga", id="maintainer"),
    pytest.param({"on": "team", "role": "pusher"}, "olga", id="a custom role"),
    pytest.param({"on": "team", "role": "lister"}, "", id="a custom role with the catalog"),
    pytest.param({"role": "catalog-reader"}, "", id="catalog"),
    pytest.param({"role": "auditor"}, "", id="auditor"),
    pytest.param({"role": "admin"}, "", id="admin"),
    pytest.param({"on": "team", "cidrs": ["10.0.0.0/8"]}, "olga", id="from a network"),
]


@pytest.mark.parametrize(("asked", "who_may"), PLACES)
def test_who_may_write_and_take_back_a_grant(filled, asked, who_may):
    for effect in ("allow", "deny"):
        given = {"role": "reader", "effect": effect, **asked}
        made = filled.grant("user:stranger", **given)
        for name in ("alice", "olga", "dora"):
            road = filled.as_(name)
            if name in who_may:
                written = road.grant(BOB, **given)
                assert road.take_back(written) == {"removed": written}
                continue
            with pytest.raises(Forbidden):
                road.grant(BOB, **given)
            with pytest.raises((Forbidden, NotFound)):
                road.take_back(made)
        filled.as_("root").take_back(made)


def test_a_refused_grant_leaves_a_refused_record_with_who_asked(filled):
    with pytest.raises(Forbidden):
        filled.as_("alice").grant(BOB, "reader", "other")
    record = filled.records()[-1]
    assert (record["outcome"], record["actor"]["name"]) == ("refused", "alice")


def test_groups_make_owners_too(filled):
    assert filled.as_("greta").grant(BOB, "writer", "team/app")
    filled.run(lambda tx: groups.remove_member(tx, "leads", parse_subject("user:greta")))
    with pytest.raises(NotFound):
        filled.as_("greta").grant(BOB, "writer", "team/app/x")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        pytest.param({"on": "team/app"}, "end", id="AD-29 a lasting grant by an owner for a day"),
        pytest.param({"on": "team/app", "expires_at": TWO_DAYS}, "end", id="AD-29 a longer grant"),
    ],
)
def test_nothing_outlasts_the_owner(filled, given, why):
    with pytest.raises(Forbidden, match=why):
        filled.as_("dora").grant(BOB, "reader", **given)


def test_an_owner_whose_right_has_ended_is_a_stranger(filled):
    filled.clock.advance(2 * 86400)
    with pytest.raises(NotFound, match=NOTHING_HERE):
        filled.as_("dora").grant(BOB, "reader", "team")


DENIES = [
    pytest.param({"subject": "user:olga", "on": "team/app"}, id="AD-29 their own, there"),
    pytest.param({"subject": "user:olga", "on": "team"}, id="above"),
    pytest.param({"subject": "user:olga", "on": "**"}, id="everywhere"),
    pytest.param({"subject": "user:olga", "on": "team/app/x"}, id="below"),
    pytest.param({"subject": "user:olga", "on": "team/*"}, id="a glob"),
    pytest.param({"subject": "user:olga", "on": "**/x"}, id="a glob below"),
    pytest.param({"subject": "user:olga", "on": "team/app", "registry": "b"}, id="in one registry"),
    pytest.param({"subject": "user:olga", "on": "team/app", "expires_at": DAY}, id="for a while"),
    pytest.param({"subject": "user:olga", "on": "team/app", "cidrs": ["10.0.0.0/8"]}, id="a net"),
    pytest.param({"subject": "group:devs", "on": "team/app"}, id="by a group"),
    pytest.param({"subject": "authenticated", "on": "team/app"}, id="to all who signed in"),
    pytest.param({"subject": "everyone", "on": "team/app/{username}"}, id="by a template"),
    pytest.param({"subject": "user:olga", "on": "team/app", "role": "owner"}, id="of owner"),
]


@pytest.mark.parametrize("deny", DENIES)
def test_what_a_deny_takes_from_an_owner_they_neither_give_nor_take_back(filled, deny):
    filled.run(lambda tx: groups.add_members(tx, "devs", (parse_subject("user:olga"),)))
    taken = filled.grant(**{"role": "writer", "effect": "deny", **deny})
    olga = filled.as_("olga")
    for role in ("reader", "writer", "maintainer", "owner", "pusher"):
        for effect in ("allow", "deny"):
            with pytest.raises(Forbidden, match="deny"):
                olga.grant(BOB, role, "team/app", effect=effect)
    for edit in (
        lambda: olga.take_back(taken),
        lambda: olga.change(taken, subject=BOB),
        lambda: olga.change(taken, effect="allow"),
        lambda: olga.change(taken, on="team/other", registry=None),
    ):
        with pytest.raises((Forbidden, NotFound)):  # what lies above them is not theirs to see
            edit()
    assert taken in filled.grants()


def test_beside_what_a_deny_takes_an_owner_goes_on(filled):
    filled.grant("user:olga", "writer", "team/app", effect="deny")
    assert filled.as_("olga").grant(BOB, "writer", "team/other")
    with pytest.raises(Forbidden):
        filled.as_("olga").grant(BOB, "writer", "team/a*")


def test_a_deny_of_push_leaves_pull_to_give(filled):
    filled.grant("user:olga", "pusher", "team", effect="deny")
    assert filled.as_("olga").grant(BOB, "reader", "team")
    with pytest.raises(Forbidden):
        filled.as_("olga").grant(BOB, "writer", "team")


def test_a_deny_to_somebody_else_is_no_limit(filled):
    taken = filled.grant(BOB, "maintainer", "team", effect="deny")
    assert filled.as_("olga").take_back(taken)


def test_an_owner_denies_as_far_as_they_own(filled):
    assert filled.as_("alice").grant(BOB, "maintainer", "team/app", registry="a", effect="deny")
    with pytest.raises(Forbidden):
        filled.as_("alice").grant(BOB, "maintainer", "team/app", effect="deny")


def test_an_administrator_who_is_denied_everything_can_take_it_back(filled):
    taken = filled.grant("user:root", "admin", effect="deny")
    assert filled.as_("root").take_back(taken)


CHANGES = [
    pytest.param({"on": "team/other"}, True, id="within"),
    pytest.param({"role": "maintainer"}, True, id="a role they hold"),
    pytest.param({"subject": "group:devs"}, True, id="another subject"),
    pytest.param({"reason": "asked for"}, True, id="the reason"),
    pytest.param({"effect": "deny"}, True, id="to a deny"),
    pytest.param({"on": "other"}, False, id="to another place"),
    pytest.param({"on": "team*"}, False, id="to a wider glob"),
    pytest.param({"on": "**"}, False, id="to everywhere"),
    pytest.param({"registry": None}, False, id="to all registries"),
    pytest.param({"registry": "b"}, False, id="to another registry"),
    pytest.param({"role": "lister"}, False, id="to the catalog"),
    pytest.param({"role": "admin", "on": "**", "registry": None}, False, id="to admin"),
]


@pytest.mark.parametrize(("members", "may"), CHANGES)
def test_a_change_needs_the_right_to_the_grant_as_it_becomes(filled, members, may):
    made = filled.grant(BOB, "reader", "team/app", registry="a")
    if may:
        after = filled.as_("alice").change(made, **members)
        changed = {name for name, value in after.items() if made[name] != value}
        assert changed == set(members)
        assert after["id"] == made["id"]
    else:
        with pytest.raises(Forbidden):
            filled.as_("alice").change(made, **members)
        assert made in filled.grants()


@pytest.mark.parametrize(
    "made",
    [
        pytest.param({"role": "reader", "on": "other", "registry": "a"}, id="from another place"),
        pytest.param({"role": "reader", "on": "te*", "registry": "a"}, id="from a wider glob"),
        pytest.param({"role": "reader", "on": "team", "registry": "b"}, id="another registry"),
        pytest.param({"role": "admin"}, id="from admin"),
    ],
)
def test_what_they_do_not_see_is_not_there_to_change_or_remove(filled, made):
    hidden = filled.grant(BOB, **made)
    absent = {"id": 987654}
    alice = filled.as_("alice")
    for edit in (lambda it: alice.change(it, on="team", registry="a", role="reader"),
                 alice.take_back):  # fmt: skip
        with pytest.raises(NotFound) as one:
            edit(hidden)
        with pytest.raises(NotFound) as other:
            edit(absent)
        assert str(one.value).replace(str(hidden["id"]), "N") == str(other.value).replace(
            "987654", "N"
        )
        assert type(one.value) is type(other.value) is NotFound


def test_what_they_see_for_all_registries_they_do_not_change_for_one(filled):
    made = filled.grant(BOB, "reader", "team/app")
    with pytest.raises(Forbidden):
        filled.as_("alice").change(made, registry="a")
    with pytest.raises(Forbidden):
        filled.as_("alice").take_back(made)


def test_a_lasting_grant_is_not_shortened_or_removed_by_an_owner_for_a_day(filled):
    made = filled.grant(BOB, "reader", "team/app")
    with pytest.raises(Forbidden):
        filled.as_("dora").change(made, expires_at=DAY)
    with pytest.raises(Forbidden):
        filled.as_("dora").take_back(made)


def test_an_owner_does_not_lengthen_their_own_right(filled):
    with pytest.raises(Forbidden):
        filled.as_("dora").change({"id": 5}, expires_at=TWO_DAYS)
    with pytest.raises(Forbidden):
        filled.as_("dora").change({"id": 5}, expires_at=None)
    assert filled.as_("dora").change({"id": 5}, on="team/app")["on"] == "team/app"


ADMINISTRATION = [
    pytest.param("user", lambda tx: users.add(tx, "new", "h", enabled=True), id="add a user"),
    pytest.param(
        "user", lambda tx: users.set_password(tx, parse_subject(BOB), "h"), id="set a password"
    ),
    pytest.param(
        "user", lambda tx: users.change(tx, parse_subject(BOB), enabled=False), id="disable a user"
    ),
    pytest.param("user", lambda tx: users.revoke(tx, parse_subject(BOB)), id="revoke"),
    pytest.param("user", lambda tx: users.remove(tx, parse_subject(BOB)), id="remove a user"),
    pytest.param("group", lambda tx: groups.add(tx, groups.GroupSpec(name="g")), id="add a group"),
    pytest.param(
        "group",
        lambda tx: groups.add_members(tx, "leads", (parse_subject("user:stranger"),)),
        id="detour: into an owning group",
    ),
    pytest.param(
        "group",
        lambda tx: groups.add_members(tx, "leads", (parse_subject("group:devs"),)),
        id="detour: a group into an owning group",
    ),
    pytest.param("group", lambda tx: groups.set_members(tx, "devs", [BOB]), id="set the members"),
    pytest.param(
        "group",
        lambda tx: groups.remove_member(tx, "leads", parse_subject("user:greta")),
        id="take out of a group",
    ),
    pytest.param("group", lambda tx: groups.remove(tx, "devs"), id="remove a group"),
    pytest.param(
        "role",
        lambda tx: roles.add(tx, roles.RoleSpec(name="r", allow=("repository:pull",))),
        id="add a role",
    ),
    pytest.param(
        "role",
        lambda tx: roles.change(tx, "pusher", ["repository:delete"]),
        id="detour: widen a role",
    ),
    pytest.param("role", lambda tx: roles.remove(tx, "pusher"), id="remove a role"),
    pytest.param(
        "registry",
        lambda tx: registries.add(tx, registries.RegistrySpec(name="c")),
        id="add a registry",
    ),
    pytest.param(
        "registry", lambda tx: registries.change(tx, "a", {"ttl": 60}), id="change a registry"
    ),
    pytest.param("registry", lambda tx: registries.remove(tx, "a"), id="remove a registry"),
    pytest.param("key", lambda tx: keys.revoke(tx, "kid"), id="revoke a key"),
    pytest.param("key", keys.activate, id="switch keys"),
]


@pytest.mark.parametrize(("noun", "edit"), ADMINISTRATION)
def test_only_administrators_change_what_is_nobodys_own(filled, noun, edit):
    seen = {"audrey"} | ({"olga", "alice"} if noun in ("registry", "role") else set())
    for name in ("olga", "alice", "audrey", "stranger"):
        with pytest.raises(Forbidden if name in seen else NotFound) as refused:
            filled.as_(name).run(edit)
        if name not in seen:
            assert str(refused.value) == NOTHING_HERE
    with pytest.raises(NotFound, match=NOTHING_HERE):
        filled.as_("nobody", source="file").run(edit)


@pytest.mark.parametrize("who", ["audrey", "stranger"])
def test_who_does_not_manage_changes_nothing(filled, who):
    """An auditor may see it all, so it is Forbidden; to a stranger nothing is there."""
    kind = Forbidden if who == "audrey" else NotFound
    made = filled.grant(BOB, "reader", "team/app")
    filled.namespace("team")
    before = filled.grants()
    road = filled.as_(who)
    for edit in (
        lambda: road.grant(BOB, "reader", "team"),
        lambda: road.grant(BOB, "reader", "team/app"),  # it is there already, and not told
        lambda: road.grant("user:nosuch", "nosuch", "team"),
        lambda: road.change(made, reason="x"),
        lambda: road.take_back(made),
        lambda: road.namespace("team/new"),
        lambda: road.namespace("team"),
        lambda: road.show("team", "public"),
        lambda: road.unregister("team"),
    ):
        with pytest.raises(kind):
            edit()
    assert filled.grants() == before


def test_what_a_grant_refers_to_is_told_with_its_place(filled):
    olga = filled.as_("olga")
    for members, place in (
        ({"subject": "user:nosuch"}, "/subject"),
        ({"subject": "group:nosuch"}, "/subject"),
        ({"subject": "robot:nosuch"}, "/subject"),
        ({"subject": BOB, "registry": "nosuch"}, "/registry"),
    ):
        with pytest.raises(Dangling) as refused:
            olga.grant(**{"role": "reader", "on": "team", **members})
        assert [where for where, _ in refused.value.faults] == [place]
    for members, place in (
        ({"role": "nosuch"}, "/role"),
        ({"subject": "user:nosrc:x"}, "/subject"),
    ):
        with pytest.raises(Invalid) as refused:
            olga.grant(**{"subject": BOB, "role": "reader", "on": "team", **members})
        assert [where for where, _ in refused.value.faults] == [place]


def test_an_administrator_from_elsewhere_is_none(filled):
    filled.grant("user:bob", "admin", cidrs=["10.0.0.0/8"])
    assert filled.as_("bob", address="10.1.1.1").grant("everyone", "reader", "any")
    for road in (filled.as_("bob"), filled.as_("bob", address="10.1.1.1", known=False)):
        with pytest.raises(NotFound):
            road.grant("everyone", "reader", "more")
