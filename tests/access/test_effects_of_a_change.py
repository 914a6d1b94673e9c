"""What each subject gains and loses when a policy changes, and how it is told."""

from dataclasses import replace

import pytest
from access.books import Book
from access.world import NOW, Grant, World, a_registry

from authsvc.access import effects as told
from authsvc.access.effects import Effect, effects, shape

A, DEVS, EVERYONE = "user:local:alice", "group:devs", "everyone"


def changed(before, after, *subjects, **more):
    """Short forms of the effects: (on, gains, loses), and where they are not for all from all."""
    found = effects(Book(before), Book(after), subjects or (A,), now=NOW, **more)
    assert found.partial == ()
    return [_short(each, subjects) for each in found.found]


def _short(effect, subjects):
    words = tuple(f"+{word}" for word in effect.gains) + tuple(f"-{word}" for word in effect.loses)
    subject = (effect.subject,) if len(subjects) > 1 else ()
    where = tuple(filter(None, (effect.registry, effect.network)))
    return (*subject, effect.on, " ".join(words), *where)


def world(*grants, **more):
    return World(grants, **more)


PUBLIC = (("open", None, "public"),)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param([], [Grant(A, "writer", "team")], [("team", "+pull +push")], id="a grant"),
        pytest.param([Grant(A, "writer", "team")], [Grant(A, "reader", "team")],
                     [("team", "-push")], id="a lesser role"),
        pytest.param([Grant(A, "reader", "team")], [Grant(A, "reader", "team/app")],
                     [("team", "-pull")], id="a narrower place"),
        pytest.param([Grant(A, "reader", "team"), Grant(A, "reader", "team/app")],
                     [Grant(A, "reader", "team/app")], [("team", "-pull")],
                     id="what is kept below is not told"),
        pytest.param([Grant(A, "reader", "team"), Grant(A, "writer", "team/app")],
                     [Grant(A, "maintainer", "team"), Grant(A, "writer", "team/app")],
                     [("team", "+push +delete"), ("team/app", "+delete")],
                     id="another change below"),
        pytest.param([Grant(A, "writer", "team")],
                     [Grant(A, "writer", "team"), Grant(A, "reader", "team/attic", effect="deny")],
                     [("team/attic", "-pull")], id="a deny"),
        pytest.param([], [Grant(A, "reader", "team", effect="deny")], [],
                     id="a deny of what nobody has"),
        pytest.param([], [Grant(A, "writer", "open"), Grant(A, "reader", "open/x")],
                     [("open", "+push")], id="what is public already"),
        pytest.param([Grant(A, "reader", "a*")], [Grant(A, "reader", "*b")],
                     [("*b", "+pull"), ("a*", "-pull")], id="globs that overlap"),
        pytest.param([Grant(A, "writer", "team")],
                     [Grant(A, "writer", "team"), Grant(EVERYONE, "reader", "*/base",
                                                        effect="deny")],
                     [("*/base", "-pull")], id="told at what changed, and at nothing wider"),
        pytest.param([Grant(A, "reader", "*/app")], [Grant(A, "reader", "*/app"),
                                                     Grant(A, "writer", "team/**")],
                     [("team/**", "+pull +push"), ("team/**", "+push")],
                     id="two changes at one place"),
        pytest.param([], [Grant("authenticated", "writer", "home/{username}/**")],
                     [("home/alice/**", "+pull +push")], id="a template filled in"),
        pytest.param([Grant(A, "reader", "x", expires=NOW)],
                     [Grant(A, "writer", "x", expires=NOW - 1)], [], id="what has ended"),
        pytest.param([Grant(A, "reader", "x", expires=NOW + 1)], [Grant(A, "reader", "x")], [],
                     id="another end to come"),
        pytest.param([Grant(A, "reader", "x")], [Grant(EVERYONE, "reader", "x")], [],
                     id="the same right from elsewhere"),
        pytest.param([], [Grant(A, "reader", "x", registry="reg")], [("x", "+pull", "reg")],
                     id="at one registry"),
        pytest.param([Grant(A, "reader", "x", registry="reg")], [Grant(A, "writer", "x")],
                     [("x", "+pull +push", "other"), ("x", "+push", "reg")],
                     id="at each registry another change"),
        pytest.param([], [Grant(A, "reader", "x", cidrs=("10.0.0.0/8",))],
                     [("x", "+pull", "10.0.0.0/8")], id="from a network"),
        pytest.param([Grant(A, "reader", "x")], [Grant(A, "reader", "x", cidrs=("10.0.0.0/8",))],
                     [("x", "-pull")], id="no more from elsewhere"),
        pytest.param([Grant(A, "reader", "x")],
                     [Grant(A, "reader", "x"), Grant(A, "reader", "x", effect="deny",
                                                     cidrs=("10.0.0.0/8",))],
                     [("x", "-pull", "10.0.0.0/8")], id="a deny from a network"),
        pytest.param([Grant(A, "reader", "x")], [Grant(A, "reader", "x",
                                                       cidrs=("0.0.0.0/0", "::/0"))],
                     [("x", "-pull")], id="no more from an address that is not known"),
        pytest.param([], [Grant(A, "catalog-reader")], [("**", "+catalog")], id="the catalog"),
        pytest.param([], [Grant(A, "catalog-reader", registry="reg")],
                     [("**", "+catalog", "reg")], id="the catalog of one registry"),
        pytest.param([], [Grant(A, "auditor")], [("**", "+auditor")], id="an auditor"),
        pytest.param([], [Grant(A, "admin")],
                     [("**", "+pull +push +delete +catalog +admin"), ("open", "+push +delete")],
                     id="an admin"),
        pytest.param([Grant(A, "admin")], [Grant(A, "admin", cidrs=("10.0.0.0/8",))],
                     [("**", "-pull -push -delete -catalog -admin"), ("open", "-push -delete")],
                     id="an admin from one network only"),
        pytest.param([], [Grant(A, "owner", "team")], [("team", "+pull +push +delete +owner")],
                     id="an owner"),
        pytest.param([Grant(A, "owner", "team")], [Grant(A, "maintainer", "team")],
                     [("team", "-owner")], id="no owner any more"),
        pytest.param([Grant(A, "owner", "team")],
                     [Grant(A, "owner", "team"), Grant(A, "owner", "team/app")], [],
                     id="the owner of what is around it"),
        pytest.param([], [Grant(A, "owner", "team"), Grant(A, "owner", "team/app", registry="reg")],
                     [("team", "+pull +push +delete +owner")], id="owners are told once"),
        pytest.param([Grant(A, "owner", "team")], [Grant(A, "owner", "team", registry="reg")],
                     [("team", "-pull -push -delete", "other"), ("team", "-owner")],
                     id="an owner at one registry only"),
    ],
)  # fmt: skip
def test_what_alice_gains_and_loses(before, after, expected):
    spaces = {"namespaces": PUBLIC}
    assert sorted(changed(world(*before, **spaces), world(*after, **spaces))) == sorted(expected)


def test_who_joins_a_group_has_what_it_has_and_who_leaves_has_not():
    grants = (Grant(DEVS, "writer", "team"), Grant("group:ops", "reader", "ops"))
    before = world(*grants, members=((DEVS, A),))
    after = world(*grants, members=(("group:ops", A),))
    assert changed(before, after) == [("ops", "+pull"), ("team", "-pull -push")]
    assert changed(before, after, DEVS, "group:ops") == []
    nested = world(*grants, members=(("group:ops", DEVS),))
    assert changed(world(*grants), nested, DEVS) == [("ops", "+pull")]


def test_subjects_stand_for_whoever_is_that_and_nothing_else():
    grants = [
        Grant("authenticated", "writer", "home/{username}/**"),
        Grant("group:corp:eng", "reader", "lab"),
        Grant("robot:ci", "writer", "team"),
        Grant(EVERYONE, "reader", "free"),
    ]
    subjects = ("authenticated", "group:corp:eng", DEVS, "robot:ci", EVERYONE)
    assert changed(world(), world(*grants), *subjects) == [
        ("authenticated", "free", "+pull"),
        ("authenticated", "home/{username}/**", "+pull +push"),
        ("group:corp:eng", "free", "+pull"),
        ("group:corp:eng", "home/{username}/**", "+pull +push"),
        ("group:corp:eng", "lab", "+pull"),
        ("group:devs", "free", "+pull"),
        ("group:devs", "home/{username}/**", "+pull +push"),
        ("robot:ci", "free", "+pull"),
        ("robot:ci", "team", "+pull +push"),
        ("everyone", "free", "+pull"),
    ]


def test_a_template_of_all_is_told_although_somebody_has_a_namespace_of_that_name():
    spaces = {"namespaces": (("home/somebody", None, "private"),)}
    after = world(Grant("authenticated", "writer", "home/{username}/**"), **spaces)
    (found,) = effects(Book(world(**spaces)), Book(after), ["authenticated"], now=NOW).found
    assert (found.on, found.name) == ("home/{username}/**", "home/somebody1/x")


@pytest.mark.parametrize(
    ("before", "after", "subject", "expected"),
    [
        pytest.param([], PUBLIC, EVERYONE, [("open", "+pull")], id="made public"),
        pytest.param(PUBLIC, [("open", None, "internal")], EVERYONE, [("open", "-pull")],
                     id="made internal, strangers"),
        pytest.param(PUBLIC, [("open", None, "internal")], A, [], id="made internal, people"),
        pytest.param(PUBLIC, [*PUBLIC, ("open/x", "reg", "private")], A,
                     [("open/x", "-pull", "reg")], id="closed within"),
        pytest.param([], [("home/alice", None, "private")], A,
                     [("home/alice/**", "-pull -push")], id="a namespace ends a template"),
    ],
)  # fmt: skip
def test_what_visibility_changes(before, after, subject, expected):
    home = Grant("authenticated", "writer", "home/{username}/**")
    worlds = (world(home, namespaces=tuple(spaces)) for spaces in (before, after))
    assert changed(*worlds, subject) == expected


def test_what_roles_and_registries_change():
    grants = (Grant(A, "pusher", "team"), Grant(EVERYONE, "reader", "free"))
    one, two = (world(*grants, roles={"pusher": frozenset(x)}) for x in ({"push"}, {"pull"}))
    assert changed(one, two) == [("team", "+pull -push")]
    still = Book(one, reg=a_registry("reg", read_only=True))
    off = Book(one, reg=replace(a_registry("reg"), enabled=False))
    gone, more = Book(one, reg=None), Book(one, new=a_registry("new"))
    for after, subjects, expected in [
        (still, [A], [(A, "team", "-push", "reg")]),
        (off, [A, EVERYONE], [(A, "free", "-pull", "reg"), (A, "team", "-push", "reg"),
                              (EVERYONE, "free", "-pull", "reg")]),
        (gone, [EVERYONE], [(EVERYONE, "free", "-pull", "reg")]),
        (more, [EVERYONE], [(EVERYONE, "free", "+pull", "new")]),
    ]:  # fmt: skip
        found = effects(Book(one), after, subjects, now=NOW).found
        assert [_short(each, "two") for each in found] == expected


def test_an_effect_names_a_repository_for_which_it_is_true():
    (found,) = effects(
        Book(world()), Book(world(Grant(A, "writer", "te*/**"))), [A], now=NOW
    ).found  # fmt: skip
    assert found == Effect(A, None, "te*/**", None, ("pull", "push"), (), "te/x")
    assert shape(found) == {
        "subject": A, "registry": None, "on": "te*/**", "network": None,
        "gains": ["pull", "push"], "loses": [], "name": "te/x",
    }  # fmt: skip


def test_who_could_not_be_looked_at_in_full_is_named(monkeypatch):
    letters = "abcdefgh"
    hostile = [
        Grant(A, "reader", "*" + "*".join(letters[n:] + letters[:n]) + "*") for n in range(8)
    ]
    bob = Grant("user:local:bob", "reader", "team")
    before, after = world(*hostile), world(*hostile, Grant(A, "writer", "**"), bob)
    found = effects(Book(before), Book(after), [A, "user:local:bob"], now=NOW)
    assert found.partial == (A,)
    assert next(each.on for each in found.found) == "**"
    monkeypatch.setattr(told, "MOST", 1_000)
    short = effects(Book(before), Book(after), [A, "user:local:bob"], now=NOW)
    assert short.partial == (A, "user:local:bob")


def test_more_networks_than_are_told_apart_are_not_passed_over_in_silence():
    grants = [Grant(A, "reader", f"x{n}/{n}", cidrs=(f"10.{n}.0.0/16",)) for n in range(65)]
    found = effects(Book(world()), Book(world(*grants)), [A], now=NOW)
    assert found.partial == (A,)
