"""The groups that a real directory says a person is in."""

import uuid

import pytest
from identity.parts import NOW
from ldap_fixtures import ldap_source
from real.company import GROUPS_OF, NESTED, PASSWORDS, dn_of, group, group_dn, person
from real.slapd import SUFFIX, entry

from authsvc.identity.ldap import groups
from authsvc.identity.provider import Rejected


@pytest.fixture
def place(slapd):
    """A base of its own for groups, and somebody new to be in them."""
    name = f"new-{uuid.uuid4().hex[:8]}"
    base = f"ou={name},{SUFFIX}"
    slapd.add([entry(base, ["organizationalUnit"], ou=name), person(name, "own")])
    return name, base


def names_of(source, name, password):
    """The names of a person's groups, from the login and once more from the stable id."""
    principal = source.verify(name, password, NOW).principal
    assert source.recheck(principal) == principal
    assert source.knows(name) == principal
    assert list(principal.groups) == sorted(principal.groups)
    return {group.removeprefix("group:corp:") for group in principal.groups}


@pytest.mark.parametrize(
    ("strategy", "lanas"),
    [
        pytest.param("member", GROUPS_OF["lana"] | {"inner"}, id="member"),
        pytest.param("memberof", GROUPS_OF["lana"] | {"inner"}, id="memberof"),
        pytest.param("recursive", NESTED["lana"], id="LD-16 recursive, through a loop"),
        pytest.param("ad-nested", set(), id="ad-nested, which OpenLDAP does not know"),
    ],
)
def test_each_strategy_finds_the_groups_it_is_for(slapd, sources, strategy, lanas):
    corp = sources(slapd.url, group_strategy=strategy)
    assert names_of(corp, "lana", PASSWORDS["lana"]) == lanas
    if strategy != "ad-nested":
        assert names_of(corp, "st*ar(x)", PASSWORDS["st*ar(x)"]) == {"st*ar(g)"}
        assert names_of(corp, "zoë", PASSWORDS["zoë"]) == GROUPS_OF["zoë"]


@pytest.mark.parametrize("strategy", ["member", "memberof", "recursive", "ad-nested"])
def test_without_a_base_there_are_no_groups(slapd, sources, strategy):
    corp = sources(slapd.url, group_strategy=strategy, group_base="")
    assert names_of(corp, "lana", PASSWORDS["lana"]) == set()


def test_memberof_counts_below_the_base_alone(slapd, sources, place):
    name, base = place
    slapd.add([group("here", [dn_of(name)], base), group(f"there-{name}", [dn_of(name)])])
    corp = sources(slapd.url, group_strategy="memberof", group_base=base.upper())
    assert names_of(corp, name, "own") == {"here"}


def test_two_thousand_groups_come_by_pages_and_whole(slapd, sources, place):
    """LD-16: the server gives 500 entries to one search."""
    name, base = place
    expected = {f"team-{number}" for number in range(2_000)}
    slapd.add([group(each, [dn_of(name)], base) for each in sorted(expected)])
    for strategy in ("member", "memberof", "recursive"):
        corp = sources(slapd.url, group_strategy=strategy, group_base=base, timeout=20.0)
        assert names_of(corp, name, "own") == expected


def test_a_person_whose_groups_cannot_be_told_is_refused(slapd, sources, place, monkeypatch):
    """One group left out could be the one that is denied something."""
    name, base = place
    slapd.add([group(f"team-{number}", [dn_of(name)], base) for number in range(4)])
    monkeypatch.setattr(groups, "MOST", 3)
    for strategy in ("member", "memberof", "recursive"):
        corp = sources(slapd.url, group_strategy=strategy, group_base=base)
        assert corp.verify(name, "own", NOW) == Rejected("too_many_groups")
        assert corp.knows(name) is None


def test_nesting_deeper_than_anybody_means_is_refused(slapd, sources, place):
    name, base = place
    chain = [group("level-0", [dn_of(name)], base)]
    chain += [
        group(f"level-{number}", [group_dn(f"level-{number - 1}", base)], base)
        for number in range(1, groups.DEPTH + 1)
    ]
    corp = sources(slapd.url, group_strategy="recursive", group_base=base)
    slapd.add(chain[: groups.DEPTH - 1])
    assert len(names_of(corp, name, "own")) == groups.DEPTH - 1
    slapd.add(chain[groups.DEPTH - 1 :])
    assert corp.verify(name, "own", NOW) == Rejected("too_many_groups")


def test_a_wide_level_is_asked_for_in_several_searches(slapd, sources, place):
    name, base = place
    level = [f"team-{number}" for number in range(groups.AT_ONCE + 5)]
    slapd.add([group(each, [dn_of(name)], base) for each in level])
    slapd.add([group("last", [group_dn(level[-1], base)], base)])
    corp = sources(slapd.url, group_strategy="recursive", group_base=base)
    assert names_of(corp, name, "own") == {*level, "last"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("everyone", id="reserved"),
        pytest.param("a:b", id="colon"),
        pytest.param("robot.x", id="a robot's"),
        pytest.param("tab\there", id="control character"),
    ],
)
def test_what_is_no_name_of_a_group_is_left_out_and_said_once(slapd, sources, place, name, capsys):
    person_name, base = place
    slapd.add([group(name, [dn_of(person_name)], base), group("fine", [dn_of(person_name)], base)])
    corp = sources(slapd.url, group_base=base)
    assert names_of(corp, person_name, "own") == {"fine"}
    assert capsys.readouterr().err.count("without a usable name") == 1


def test_a_group_with_several_names_goes_by_the_one_in_its_dn(slapd, sources, place):
    """LD-17: whoever may edit a group must not give it the name of another."""
    name, base = place
    slapd.add([group("mine", [dn_of(name)], base)])
    slapd.replace(group_dn("mine", base), "cn", "mine", "admins")
    for strategy in ("member", "memberof"):
        corp = sources(slapd.url, group_strategy=strategy, group_base=base)
        assert names_of(corp, name, "own") == {"mine"}


def test_a_translated_name_is_not_the_name(slapd, sources, place):
    name, base = place
    slapd.add([group("mine", [dn_of(name)], base)])
    slapd.change(
        group_dn("mine", base), "changetype: modify", "add: cn;lang-de", "cn;lang-de: admins"
    )
    assert names_of(sources(slapd.url, group_base=base), name, "own") == {"mine"}


def test_the_filter_says_what_is_a_group(slapd, sources, place):
    name, base = place
    slapd.add([group("a", [dn_of(name)], base), group("b", [dn_of(name)], base, ou="special")])
    corp = sources(slapd.url, group_base=base, group_filter="(ou=special)")
    assert names_of(corp, name, "own") == {"b"}


@pytest.mark.parametrize(
    ("strategy", "searches"), [("member", 2), ("memberof", 1), ("ad-nested", 2)]
)
def test_a_cold_login_is_two_round_trips_beyond_the_bind(slapd, sources, strategy, searches):
    corp = sources(slapd.url, group_strategy=strategy, active_filter="(objectClass=person)")
    corp.verify("lana", PASSWORDS["lana"], NOW)
    before = len(slapd.said())
    corp.verify("bob", PASSWORDS["bob"], NOW)
    asked = [line for line in slapd.said()[before:] if " SRCH base=" in line or " BIND dn=" in line]
    assert len([line for line in asked if " SRCH base=" in line]) == searches
    assert len({line for line in asked if "method" in line}) == 1


@pytest.mark.parametrize(("active_filter", "searches"), [("", 1), ("(objectClass=person)", 2)])
def test_whom_nobody_knows_costs_no_more_than_whom_somebody_does(
    slapd, sources, active_filter, searches
):
    corp = sources(slapd.url, active_filter=active_filter)
    corp.knows("lana")
    before = len(slapd.said())
    corp.verify("nobody", "x", NOW)
    assert len([line for line in slapd.said()[before:] if " SRCH base=" in line]) == searches


def test_settings_of_another_source_change_nothing(slapd, sources):
    one = sources(slapd.url)
    other = sources(slapd.url, name="other", group_strategy="recursive")
    assert ldap_source(slapd.url).name == "corp"
    principal = other.verify("lana", PASSWORDS["lana"], NOW).principal
    assert {group.split(":")[1] for group in principal.groups} == {"other"}
    assert one.verify("lana", PASSWORDS["lana"], NOW).principal.groups[0].startswith("group:corp:")
