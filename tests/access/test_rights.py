"""Contract section 5, rule 9: from whose grants management rights come, and how far they reach."""

import pytest
from access.world import ALICE, CI, NOBODY, NOW, person

from authsvc.access.conditions import Moment, parse_network
from authsvc.access.model import Rule, When
from authsvc.access.rights import Owned, Rights, rights_of
from authsvc.access.roles import BUILT_IN

HERE = "10.1.2.3"
ALL = frozenset({"pull", "push", "delete"})


def rule(role, on="**", *, allow=True, registry=None, expires=None, cidrs=()):
    networks = tuple(map(parse_network, cidrs))
    when = When(expires, networks) if expires or cidrs else None
    return Rule(1, role, allow, registry, on, "user:local:alice", when)


def rights(*rules, who=ALICE, address=HERE, known=True):
    return rights_of(who, rules, BUILT_IN, Moment(NOW, address, known=known))


@pytest.mark.parametrize(
    ("given", "found"),
    [
        pytest.param({"on": "team"}, Owned("team", None, None), id="a path"),
        pytest.param({"on": "team", "registry": "a"}, Owned("team", "a", None), id="a registry"),
        pytest.param(
            {"on": "team", "expires": NOW + 1}, Owned("team", None, NOW + 1), id="for a while"
        ),
        pytest.param({"on": "team", "expires": NOW}, None, id="AD-29 ended"),
        pytest.param({"on": "team", "cidrs": ["10.0.0.0/8"]}, None, id="networks, met"),
        pytest.param({"on": "team/*"}, None, id="a glob"),
        pytest.param({"on": "**"}, None, id="everything"),
        pytest.param({"on": "{username}"}, None, id="a template"),
        pytest.param({"on": "team", "allow": False}, None, id="a deny"),
    ],
)
def test_an_owner_is_who_is_allowed_owner_on_a_plain_path(given, found):
    assert rights(rule("owner", **given)).owned == ((found,) if found else ())


@pytest.mark.parametrize("role", ["admin", "auditor"])
@pytest.mark.parametrize(
    ("given", "address", "known", "has"),
    [
        pytest.param({}, HERE, True, True, id="always"),
        pytest.param({"expires": NOW + 1}, HERE, True, True, id="not yet ended"),
        pytest.param({"expires": NOW}, HERE, True, False, id="ended"),
        pytest.param({"cidrs": ["10.0.0.0/8"]}, HERE, True, True, id="inside"),
        pytest.param({"cidrs": ["10.0.0.0/8"]}, "192.0.2.1", True, False, id="outside"),
        pytest.param({"cidrs": ["0.0.0.0/0"]}, HERE, False, False, id="address unknown"),
        pytest.param({"cidrs": ["0.0.0.0/0"]}, "", True, False, id="no address"),
        pytest.param({"allow": False}, HERE, True, False, id="a deny"),
        pytest.param({"on": "team"}, HERE, True, False, id="a path"),
        pytest.param({"registry": "a"}, HERE, True, False, id="one registry"),
    ],
)
def test_admin_and_auditor_count_while_their_conditions_are_met(role, given, address, known, has):
    found = rights(rule(role, **given), address=address, known=known)
    assert (found.admin, found.auditor) == (has and role == "admin", has and role == "auditor")


def test_a_deny_takes_no_management_right():
    found = rights(rule("admin"), rule("owner", "team"), rule("admin", allow=False))
    assert found.admin
    assert found.owned


@pytest.mark.parametrize("who", [CI, NOBODY])
def test_only_people_manage(who):
    assert rights(rule("admin"), rule("owner", "team"), who=who) == Rights()


OWNER_A = rights(rule("owner", "team", registry="a"))
OWNER_ALL = rights(rule("owner", "team"))


@pytest.mark.parametrize(
    ("owner", "pattern", "registry", "sees", "manages"),
    [
        pytest.param(OWNER_A, "team", "a", True, True, id="A there"),
        pytest.param(OWNER_A, "team/app", "a", True, True, id="A below"),
        pytest.param(OWNER_A, "team/a*", "a", True, True, id="A a glob below"),
        pytest.param(OWNER_A, "team", None, True, False, id="A for all registries"),
        pytest.param(OWNER_A, "team", "b", False, False, id="A in another registry"),
        pytest.param(OWNER_ALL, "team", "a", True, True, id="all in one registry"),
        pytest.param(OWNER_ALL, "team", None, True, True, id="all in all"),
        pytest.param(OWNER_ALL, "team-x", None, False, False, id="suffix"),
        pytest.param(OWNER_ALL, "te_m", None, False, False, id="like"),
        pytest.param(OWNER_ALL, "te*", None, False, False, id="a glob above"),
        pytest.param(OWNER_ALL, "team*", None, False, False, id="a glob beside"),
        pytest.param(OWNER_ALL, "**", None, False, False, id="everything"),
        pytest.param(Rights(auditor=True), "x", None, True, False, id="auditor"),
        pytest.param(Rights(admin=True), "x", None, True, True, id="admin"),
        pytest.param(Rights(), "x", None, False, False, id="stranger"),
    ],
)
def test_what_they_see_and_what_they_manage(owner, pattern, registry, sees, manages):
    assert (owner.sees(pattern, registry), owner.manages(pattern, registry)) == (sees, manages)


@pytest.mark.parametrize(
    ("deny", "holds"),
    [
        pytest.param({"on": "team"}, False, id="there"),
        pytest.param({"on": "team/app/x"}, False, id="below"),
        pytest.param({"on": "team/other"}, True, id="beside"),
        pytest.param({"on": "team/*"}, False, id="glob"),
        pytest.param({"on": "team/**/y"}, False, id="glob below"),
        pytest.param({"on": "te*"}, True, id="glob over one component"),
        pytest.param({"on": "**"}, False, id="everything"),
        pytest.param({"on": "team/app", "registry": "a"}, False, id="this registry"),
        pytest.param({"on": "team/app", "registry": "b"}, True, id="another registry"),
        pytest.param({"on": "team", "expires": NOW}, True, id="ended"),
        pytest.param({"on": "team", "expires": NOW + 1}, False, id="for a while"),
        pytest.param({"on": "team", "cidrs": ["192.0.2.0/24"]}, False, id="for other addresses"),
        pytest.param({"on": "team/{username}/**"}, True, id="template of another name"),
        pytest.param({"on": "team/app/{username}"}, False, id="template with their name"),
    ],
)
def test_what_a_deny_takes_is_not_held(deny, holds):
    found = rights(rule("owner", "team"), rule("writer", allow=False, **deny))
    assert found.holds(ALL, "team/app", "a") is holds
    assert found.holds(frozenset({"delete"}), "team/app", "a")
    assert found.holds(frozenset(), "team/app", "a")


def test_a_deny_in_one_registry_is_one_for_what_is_in_all():
    found = rights(rule("owner", "team"), rule("writer", "team", allow=False, registry="b"))
    assert not found.holds(ALL, "team", None)


def test_a_template_covers_nothing_for_a_name_that_is_no_path_component():
    denied = (rule("owner", "team"), rule("writer", "team/{username}*", allow=False))
    assert rights(*denied, who=person("Alice B")).holds(ALL, "team", None)
    assert not rights(*denied).holds(ALL, "team", None)


def test_an_unknown_role_denies_everything():
    assert not rights(rule("nosuch", "team", allow=False)).holds(
        frozenset({"delete"}), "team", None
    )


@pytest.mark.parametrize(
    ("ends", "until", "lasts"),
    [
        (None, None, True),
        (None, 5.0, True),
        (5.0, 5.0, True),
        (5.0, 6.0, False),
        (5.0, None, False),
    ],
)
def test_a_right_to_manage_lasts_as_long_as_it_says(ends, until, lasts):
    owner = Rights(owned=(Owned("team", "a", ends), Owned("other", None, None)))
    assert owner.outlasts("team/app", "a", until) is lasts
    assert not owner.outlasts("team/app", None, 1.0)
