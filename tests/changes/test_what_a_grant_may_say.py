"""The members of a grant: subject, role, place, end, networks (contract sections 3 to 5)."""

from datetime import UTC, datetime, timedelta

import pytest

from authsvc.access.overlap import anchor, is_within
from authsvc.changes.grants import GrantSpec
from authsvc.changes.places import check_network
from authsvc.changes.spec import checked
from authsvc.changes.when import parse_when
from authsvc.errors import Invalid

NOW = datetime(2027, 1, 15, 8, tzinfo=UTC)


def spec(**members):
    return checked(GrantSpec, {"subject": "user:alice", "role": "reader", "on": "team", **members})


@pytest.mark.parametrize(
    "on",
    ["team", "team/app", "a__b/c--d", "**", "*", "team/*", "team/**", "te*", "users/{username}/**",
     "{username}", "**/app", "a*b/c"],
)  # fmt: skip
def test_paths_and_globs_are_taken(on):
    assert spec(on=on).on == on


@pytest.mark.parametrize(
    "on",
    ["", "/", "team/", "/team", "Team", "team//app", "te am", "team/../ops", "***", "team/{user}",
     "{username", "}", "te?m", "[a-z]", "a" * 256, "team:tag", "reg.test:5000/team", "Te*",
     "team\n", "\u0442eam"],
)  # fmt: skip
def test_other_places_are_refused(on):
    with pytest.raises(Invalid):
        spec(on=on)


@pytest.mark.parametrize("role", ["admin", "auditor", "catalog-reader"])
def test_three_roles_have_one_place_and_default_to_it(role):
    assert checked(GrantSpec, {"subject": "everyone", "role": role}).on == "**"
    with pytest.raises(Invalid, match=r"\*\*"):
        spec(role=role, on="team")


@pytest.mark.parametrize(
    ("role", "one"), [("admin", False), ("auditor", False), ("catalog-reader", True)]
)
def test_admin_and_auditor_are_for_all_registries(role, one):
    if one:
        assert spec(role=role, on="**", registry="a").registry == "a"
    else:
        with pytest.raises(Invalid, match="all registries"):
            spec(role=role, on="**", registry="a")


def test_other_roles_need_a_place():
    with pytest.raises(Invalid, match="on: this member is needed"):
        checked(GrantSpec, {"subject": "user:alice", "role": "reader"})


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("user:alice", "user:local:alice"),
        ("user:corp:alice", "user:corp:alice"),
        ("group:devs", "group:devs"),
        ("group:corp:devs", "group:corp:devs"),
        ("robot:ci", "robot:ci"),
        ("everyone", "everyone"),
        ("authenticated", "authenticated"),
    ],
)
def test_subjects_have_one_form(given, kept):
    assert spec(subject=given).subject == kept


@pytest.mark.parametrize(
    "subject",
    ["", "alice", "user:", "user:everyone", "user:robot.ci", "anonymous", "group:", "x:y"],
)
def test_what_is_no_subject_is_refused(subject):
    with pytest.raises(Invalid):
        spec(subject=subject)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("192.0.2.7", "192.0.2.7/32"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
    ],
)
def test_networks_have_one_form(given, kept):
    assert check_network(given) == kept


@pytest.mark.parametrize(
    "text", ["", "10.0.0.1/8", "10.0.0.0/33", "fe80::1%eth0", "host", "010.0.0.1"]
)
def test_what_is_no_network_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - any of its messages
        check_network(text)


def test_equal_grants_have_one_fingerprint_whatever_their_reason():
    one = spec(
        cidrs=["192.0.2.0/24", "10.0.0.0/8"], reason="one", expires_at="2030-01-01T00:00:00Z"
    )
    two = spec(cidrs=["10.0.0.0/8", "192.0.2.0/24"], expires_at="2030-01-01T01:00:00+01:00")
    assert one.fingerprint == two.fingerprint
    others = [
        spec(),
        spec(effect="deny"),
        spec(registry="a"),
        spec(on="team/**"),
        spec(role="writer"),
    ]
    assert len({each.fingerprint for each in (one, *others)}) == 6


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("90m", NOW + timedelta(minutes=90)),
        ("8h", NOW + timedelta(hours=8)),
        ("30d", NOW + timedelta(days=30)),
        ("2030-01-31T12:00:00Z", datetime(2030, 1, 31, 12, tzinfo=UTC)),
        ("2030-01-31T12:00:00.5+02:00", datetime(2030, 1, 31, 10, 0, 0, 500000, tzinfo=UTC)),
    ],
)
def test_an_end_is_a_time_with_its_zone_or_a_length(text, end):
    assert parse_when(text, NOW) == end


@pytest.mark.parametrize(
    "text",
    ["", "30", "0d", "-1d", "d", "1w", "1.5h", "999999999d", "2030-01-31", "2030-01-31T12:00:00",
     "2030-02-30T12:00:00Z", "20300131T120000Z", "tomorrow", "2020-01-01T00:00:00Z", "\u0663d"],
)  # fmt: skip
def test_other_ends_are_refused(text):
    with pytest.raises(Invalid):
        parse_when(text, NOW)


@pytest.mark.parametrize(
    ("pattern", "place"),
    [("team", "team"), ("team/a*", "team"), ("te*", ""), ("**", ""), ("team/**", "team"),
     ("users/{username}/**", "users"), ("a/b/c*/d", "a/b")],
)  # fmt: skip
def test_a_glob_lies_at_its_whole_components_before_the_first_wildcard(pattern, place):
    assert anchor(pattern) == place


def test_within_is_on_boundaries():
    assert is_within("team/app", "team")
    assert is_within("team", "team")
    assert not is_within("team-x/app", "team")
    assert not is_within("te*", "team")


def test_an_end_in_the_past_and_an_unknown_role_are_refused(road):
    with pytest.raises(Invalid, match="past"):
        road.grant("everyone", "reader", "team", expires_at="2020-01-01T00:00:00Z")
    with pytest.raises(Invalid, match="no role"):
        road.grant("everyone", "reeder", "team")


def test_an_item_shows_what_was_granted(road):
    road.registry("a")
    item = road.grant(
        "user:file:zoe", "writer", "team/*", registry="a", effect="deny", reason="left",
        expires_at="2030-01-01T00:00:00Z", cidrs=["10.0.0.0/8"],
    )  # fmt: skip
    assert item == {
        "id": 1, "subject": "user:file:zoe", "role": "writer", "on": "team/*", "registry": "a",
        "effect": "deny", "expires_at": "2030-01-01T00:00:00Z", "cidrs": ["10.0.0.0/8"],
        "reason": "left",
    }  # fmt: skip
    assert road.grants() == [item]
