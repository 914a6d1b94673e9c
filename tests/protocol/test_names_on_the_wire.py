"""The grammars of names, threats.md table RN as far as it is a matter of grammar."""

import pytest

from authsvc.errors import Invalid
from authsvc.principal import Kind, Principal
from authsvc.protocol import names
from authsvc.protocol.names import SubjectRef, parse_member, parse_subject

PATHS = [
    pytest.param("team", id="RN-07"),
    pytest.param("a", id="RN-10-1"),
    pytest.param("a" * 255, id="RN-10-255"),
    pytest.param("team__x/a", id="RN-14-two-underscores"),
    pytest.param("team---x/a", id="RN-14-hyphens"),
    pytest.param("team.x/a_b", id="RN-14-dot"),
    pytest.param("team/a/b/c/d/e/f", id="RN-16"),
    pytest.param("v2", id="RN-20-v2"),
    pytest.param("token", id="RN-20-token"),
    pytest.param("admin", id="RN-20-admin"),
    pytest.param("0/1", id="digits"),
]
NO_NAMES = [
    pytest.param("", id="empty"),
    pytest.param("a" * 256, id="RN-10-256"),
    pytest.param("team-/a", id="RN-14-hyphen-last"),
    pytest.param("-team/a", id="RN-14-hyphen-first"),
    pytest.param("team..x/a", id="RN-14-two-dots"),
    pytest.param("team___x/a", id="RN-14-three-underscores"),
    pytest.param("team._x/a", id="RN-14-mixed"),
    pytest.param("a/-b", id="RN-14-hyphen-after-slash"),
    pytest.param("_catalog", id="RN-20-catalog"),
    pytest.param("team/", id="slash-last"),
    pytest.param("/team", id="slash-first"),
    pytest.param("team//a", id="slash-twice"),
    pytest.param(".", id="dot"),
    pytest.param("..", id="dots"),
    pytest.param("team\n", id="newline"),
    pytest.param("te\u200dam", id="RN-19-joiner"),
    pytest.param("t\u00e9am", id="RN-19-accent"),
    pytest.param("team/*", id="RN-11"),
    pytest.param("t\u0665", id="arabic-digit"),
]
HOSTED = [
    "localhost:5000/a",
    "reg-a.test/team/app",
    "Reg.Test:5000/team/app",
    "Foo/bar",
    "a--b.c/d",
    "127.0.0.1:5000/a",
]
NOT_HOSTED = [
    "Foo",
    "foo/Bar",
    "foo:5000",
    "foo:/a",
    "foo:x/a",
    "Foo_bar/a",
    "-Foo/a",
    "Foo-/a",
    "Foo..bar/a",
    "Foo:5000:1/a",
    "a/Foo:5000/b",
    "[::1]:5000/a",
]


@pytest.mark.parametrize("text", PATHS)
def test_a_path_is_also_a_repository_name(text):
    assert names.is_path(text)
    assert names.is_repository_name(text)


@pytest.mark.parametrize("text", NO_NAMES)
def test_what_the_grammar_does_not_know_is_neither(text):
    assert not names.is_path(text)
    assert not names.is_repository_name(text)
    assert not names.is_path_component(text)


@pytest.mark.parametrize("text", HOSTED)
def test_a_host_may_stand_before_a_repository_and_only_there_upper_case(text):
    assert names.is_repository_name(text)


@pytest.mark.parametrize("text", NOT_HOSTED)
def test_what_is_no_host_and_port_does_not_stand_before_a_repository(text):
    assert not names.is_repository_name(text)


@pytest.mark.parametrize("text", ["Team", "Team/app", "localhost:5000/a"])
def test_a_path_has_no_host(text):
    assert not names.is_path(text)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("alice", True),
        ("a.b-c__d", True),
        ("team/app", False),
        ("Alice", False),
        ("a@b", False),
        ("a" * 256, False),
    ],
)
def test_a_path_component_is_one_without_slash(text, good):
    assert names.is_path_component(text) is good


@pytest.mark.parametrize(
    ("text", "good"),
    [
        pytest.param("localhost:5000", True, id="host-port"),
        pytest.param("REG-A.TEST/x;y=(1)", True, id="printable"),
        pytest.param("reg-a.test,reg-b.test", False, id="SV-06-comma"),
        pytest.param("reg-a.test reg-b.test", False, id="SV-06-blank"),
        pytest.param(" reg-a.test", False, id="SV-07"),
        pytest.param('a"b', False, id="quote"),
        pytest.param("a'b", False, id="single-quote"),
        pytest.param("", False, id="empty"),
        pytest.param("a\n", False, id="newline"),
        pytest.param("a\x7f", False, id="delete"),
        pytest.param("r\u00e4g", False, id="not-ascii"),
        pytest.param("a" * 256, False, id="long"),
    ],
)
def test_a_service_is_printable_ascii_without_blank_comma_or_quote(text, good):
    assert names.is_service(text) is good


@pytest.mark.parametrize("is_name", [names.is_user_name, names.is_group_name])
@pytest.mark.parametrize(
    ("text", "good"),
    [
        pytest.param("alice", True, id="plain"),
        pytest.param("Lana M\u00fcller", True, id="blank-and-umlaut"),
        pytest.param("lana@example.com", True, id="mail"),
        pytest.param("robots", True, id="only-alike"),
        pytest.param("a" * 255, True, id="255"),
        pytest.param("a" * 256, False, id="256"),
        pytest.param("", False, id="empty"),
        pytest.param("a:b", False, id="colon"),
        pytest.param(" alice", False, id="blank-first"),
        pytest.param("alice ", False, id="blank-last"),
        pytest.param("ali\u200dce", False, id="joiner"),
        pytest.param("ali\u202ece", False, id="direction"),
        pytest.param("ali\u00a0ce", False, id="hard-blank"),
        pytest.param("ali\nce", False, id="newline"),
        pytest.param("ali\0ce", False, id="nul"),
        pytest.param("ali\ud800ce", False, id="surrogate"),
        pytest.param("anonymous", False, id="RN-20-anonymous"),
        pytest.param("authenticated", False, id="RN-20-authenticated"),
        pytest.param("everyone", False, id="RN-20-everyone"),
        pytest.param("Everyone", False, id="RN-20-case"),
        pytest.param("\uff45veryone", False, id="RN-20-full-width"),
        pytest.param("robot.x", False, id="RN-20-robot"),
        pytest.param("ROBOT.x", False, id="RN-20-robot-case"),
    ],
)
def test_people_and_groups_have_printable_names_that_are_not_reserved(is_name, text, good):
    assert is_name(text) is good


@pytest.mark.parametrize("is_name", [names.is_role_name, names.is_source_name])
@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("catalog-reader", True),
        ("corp.2", True),
        ("a" * 63, True),
        ("a" * 64, False),
        ("Corp", False),
        ("a:b", False),
        ("-a", False),
        ("a--b", False),
        ("", False),
        ("a\n", False),
    ],
)
def test_roles_and_sources_have_small_names(is_name, text, good):
    assert is_name(text) is good


def test_no_source_is_called_like_the_first_word_of_a_subject():
    assert not any(map(names.is_source_name, ("user", "group", "robot")))


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("ci", True),
        ("_ci.x-y", True),
        ("a" * 249, True),
        ("a" * 250, False),
        ("", False),
        ("robot.ci", False),
        ("CI", False),
        ("c$i", False),
        ("c+i", False),
        ("c:i", False),
        ("c@i", False),
        ("c/i", False),
        ("ci\n", False),
    ],
)
def test_robots_have_names_that_need_no_quoting(text, good):
    assert names.is_robot_name(text) is good


@pytest.mark.parametrize(
    ("text", "subject", "printed"),
    [
        ("user:alice", ("user", "local", "alice"), "user:local:alice"),
        ("user:local:alice", ("user", "local", "alice"), "user:local:alice"),
        ("user:corp:Lana M", ("user", "corp", "Lana M"), "user:corp:Lana M"),
        ("group:devs", ("group", "", "devs"), "group:devs"),
        ("group:corp:devs", ("group", "corp", "devs"), "group:corp:devs"),
        ("robot:ci", ("robot", "", "ci"), "robot:ci"),
        ("robot:robot.ci", ("robot", "", "ci"), "robot:ci"),
        ("everyone", ("everyone", "", "everyone"), "everyone"),
        ("authenticated", ("authenticated", "", "authenticated"), "authenticated"),
    ],
)
def test_a_subject_is_parsed_and_printed_in_one_canonical_form(text, subject, printed):
    parsed = parse_subject(text)
    assert parsed == SubjectRef(*subject)
    assert str(parsed) == printed
    assert parse_subject(printed) == parsed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        "user:",
        "user::alice",
        "user:a:b:c",
        "user:Corp:alice",
        "user:user:alice",
        "user:everyone",
        "user:robot.ci",
        "group:",
        "group:local:devs",
        "group:everyone",
        "robot:",
        "robot:corp:ci",
        "anonymous",
        "Everyone",
        "everyone:x",
        "users:alice",
        " user:alice",
        "user:alice\n",
    ],
)
def test_what_is_no_subject_is_invalid_with_advice(text):
    with pytest.raises(Invalid) as caught:
        parse_subject(text)
    assert "user:NAME" in caught.value.advice


def test_subjects_print_as_principals_do():
    person = Principal(Kind.USER, "corp", "lana", "1")
    robot = Principal(Kind.ROBOT, "", "ci", "2")
    assert str(parse_subject(person.subject)) == person.subject
    assert str(parse_subject(robot.subject)) == robot.subject


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("alice", "user:local:alice"),
        ("corp:lana", "user:corp:lana"),
        ("user:alice", "user:local:alice"),
        ("group:devs", "group:devs"),
        ("group:corp:devs", "group:corp:devs"),
    ],
)
def test_a_member_is_a_person_unless_it_says_group(text, printed):
    assert str(parse_member(text)) == printed


@pytest.mark.parametrize("text", ["everyone", "robot:ci", "robot.ci", "a:b:c", ""])
def test_neither_robots_nor_audiences_are_members(text):
    with pytest.raises(Invalid):
        parse_member(text)
