"""Scope texts, threats.md tables SC and RN as far as they are a matter of parsing."""

import sys

import pytest

from authsvc.errors import TooLarge
from authsvc.protocol.access import Access
from authsvc.protocol.scope import MAX_ACTIONS, MAX_BYTES, MAX_ENTRIES, parse, parse_entry


def repository(name, *actions, class_=""):
    return Access("repository", name, actions, class_)


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        pytest.param("repository:team/app:pull", repository("team/app", "pull"), id="plain"),
        pytest.param("repository:a:push,pull", repository("a", "push", "pull"), id="asked-order"),
        pytest.param("repository:a:*", repository("a", "*"), id="skopeo-delete"),
        pytest.param(
            "repository(plugin):team/app:pull",
            repository("team/app", "pull", class_="plugin"),
            id="SC-08",
        ),
        pytest.param(
            "repository:reg-a.test:5000/team/app:pull",
            repository("reg-a.test:5000/team/app", "pull"),
            id="SC-09",
        ),
        pytest.param("repository::pull", repository("", "pull"), id="zot-catalog"),
        pytest.param("registry:catalog:*", Access("registry", "catalog", ("*",)), id="SC-13"),
        pytest.param("foo:bar:pull", Access("foo", "bar", ("pull",)), id="SC-07"),
        pytest.param("foo:a:b:pull", Access("foo", "a:b", ("pull",)), id="SC-07-colon"),
        pytest.param("repository:Team/app:pull", repository("Team/app", "pull"), id="RN-03"),
        pytest.param(
            "repository:reg-b.test/team/app:pull",
            repository("reg-b.test/team/app", "pull"),
            id="RN-05",
        ),
        pytest.param("repository:a:", repository("a"), id="SC-11-none"),
        pytest.param("repository:a:pull,", repository("a", "pull"), id="SC-11-comma-after"),
        pytest.param("repository:a:,pull", repository("a", "pull"), id="SC-11-comma-before"),
        pytest.param("repository:a:pull,pull", repository("a", "pull"), id="SC-11-twice"),
        pytest.param(f"repository:{'a' * 255}:pull", repository("a" * 255, "pull"), id="RN-10"),
    ],
)
def test_an_entry_is_parsed_byte_for_byte(text, entry):
    assert parse_entry(text) == entry


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("repository", id="no-colon"),
        pytest.param("repository:a", id="one-colon"),
        pytest.param(":a:pull", id="no-type"),
        pytest.param("Repository:a:pull", id="type-upper"),
        pytest.param("repository():a:pull", id="class-empty"),
        pytest.param("repository(plugin:a:pull", id="class-open"),
        pytest.param("repository(plugin)x:a:pull", id="class-then-text"),
        pytest.param("repository(a)(b):a:pull", id="two-classes"),
        pytest.param("repository:a:PULL", id="SC-11-upper"),
        pytest.param("repository:a:%70ull", id="SC-11-escaped"),
        pytest.param("repository:a:pull, push", id="SC-11-blank"),
        pytest.param("repository:a:pull*", id="star-in-action"),
        pytest.param("repository:a:pull\n", id="newline-after"),
        pytest.param("repository:a\n:pull", id="newline-in-name"),
        pytest.param("\trepository:a:pull", id="tab-before"),
        pytest.param("repository:a;scope=repository:b:pull", id="SC-15"),
        pytest.param("repository:team%2Fapp:pull", id="SC-17"),
        pytest.param("repository:team/../ops/app:push", id="RN-01"),
        pytest.param("repository:team//app:pull", id="RN-01-empty-component"),
        pytest.param("repository:/team/app:pull", id="RN-01-slash-before"),
        pytest.param("repository:team/app/:pull", id="RN-01-slash-after"),
        pytest.param("repository:TEAM/APP:pull", id="RN-03"),
        pytest.param("repository:Team:pull", id="RN-03-alone"),
        pytest.param("repository:team/App:pull", id="RN-03-second"),
        pytest.param("repository:team/*:pull", id="RN-11-star"),
        pytest.param("repository:*:pull", id="RN-11-all"),
        pytest.param("repository:te?m/app:pull", id="RN-11-question"),
        pytest.param("repository:[a-z]+/app:pull", id="RN-11-class"),
        pytest.param("repository:team/.*:pull", id="RN-11-regex"),
        pytest.param("repository:{username}/app:pull", id="RN-11-template"),
        pytest.param("repository:team/app:latest:pull", id="RN-15-tag"),
        pytest.param("repository:team/app@sha256:0123456789abcdef:pull", id="RN-15-digest"),
        pytest.param(f"repository:{'a' * 256}:pull", id="RN-10-256"),
        pytest.param(f"repository:{'a' * 4_096}:pull", id="RN-10-4096"),
        pytest.param(f"repository:{'a' * 65_536}:pull", id="RN-10-65536"),
        pytest.param("repository:te\u200dam/app:pull", id="RN-19"),
        pytest.param("repository:\uff54eam/app:pull", id="full-width"),
        pytest.param("repository:team/app\0:pull", id="nul"),
        pytest.param("foo::pull", id="unknown-type-no-name"),
        pytest.param("foo:b\u00e4r:pull", id="unknown-type-not-ascii"),
        pytest.param("foo:b r:pull", id="unknown-type-blank"),
    ],
)
def test_what_does_not_parse_is_junk(text):
    assert parse_entry(text) is None


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([], id="SC-02"),
        pytest.param([""], id="SC-01"),
        pytest.param(["  ", ""], id="SC-01-blanks"),
        pytest.param(["repository:x:"], id="no-action"),
        pytest.param(["repository:x:,"], id="no-action-comma"),
    ],
)
def test_nothing_asked_is_no_error(values):
    asked = parse(values)
    assert (asked.entries, asked.junk) == ((), ())


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(["repository:a:pull", "repository:b:push", "registry:catalog:*"], id="SC-03"),
        pytest.param(["repository:a:pull repository:b:push registry:catalog:*"], id="SC-04"),
        pytest.param([" repository:a:pull  repository:b:push ", "registry:catalog:*"], id="both"),
    ],
)
def test_repeated_values_and_lists_in_one_are_the_same_question(values):
    assert [entry.scope for entry in parse(values).entries] == [
        "repository:a:pull",
        "repository:b:push",
        "registry:catalog:*",
    ]


@pytest.mark.parametrize(
    ("values", "scopes"),
    [
        pytest.param(
            ["repository:a:pull repository:a:pull,push"], ["repository:a:pull,push"], id="SC-05"
        ),
        pytest.param(
            ["repository:a:push", "repository:b:pull", "repository:a:pull"],
            ["repository:a:push,pull", "repository:b:pull"],
            id="first-mention-counts",
        ),
        pytest.param(
            ["repository(plugin):a:pull repository:a:push"],
            ["repository(plugin):a:pull", "repository:a:push"],
            id="classes-apart",
        ),
        pytest.param(
            ["repository:a: repository:a:pull"], ["repository:a:pull"], id="without-actions-first"
        ),
    ],
)
def test_one_resource_is_one_entry_with_each_action_once(values, scopes):
    assert [entry.scope for entry in parse(values).entries] == scopes


def test_junk_is_kept_as_it_came_and_spoils_nothing():
    asked = parse(["repository:a:pull, push x\u00e4:b:c", "repository:b:pull"])
    assert [entry.scope for entry in asked.entries] == ["repository:a:pull", "repository:b:pull"]
    assert asked.junk == ("push", "x\u00e4:b:c")


def test_only_the_blank_separates_entries():
    assert not parse(["repository:a:pull\u3000repository:b:pull"]).entries
    assert not parse(["repository:a:pull\trepository:b:pull"]).entries


def test_256_entries_are_taken_and_one_more_is_too_large():
    text = " ".join(f"repository:a{number}:pull" for number in range(MAX_ENTRIES))
    assert len(parse([text]).entries) == MAX_ENTRIES
    with pytest.raises(TooLarge):
        parse([text, "junk"])


def test_equal_entries_count_each():
    with pytest.raises(TooLarge):
        parse(["repository:a:pull"] * (MAX_ENTRIES + 1))


def test_64_kib_are_taken_and_one_byte_more_is_too_large():
    half = "a" * (MAX_BYTES // 2)
    assert parse([half, half]).junk == (half, half)
    with pytest.raises(TooLarge):
        parse([half, half + "a"])
    with pytest.raises(TooLarge):
        parse(["\u00e4" * (MAX_BYTES // 2) + "a"])


def calls(values):
    """How many functions, in Python and in C, are called to parse the values."""
    counted = 0

    def count(_frame, event, _argument):
        nonlocal counted
        counted += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        parse(values)
    finally:
        sys.setprofile(None)
    return counted


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda n: [f"repository:a{i}:pull" for i in range(n // 256)], id="entries"),
        pytest.param(lambda n: ["repository:a:pull " * (n // 256)], id="equal-entries"),
        pytest.param(lambda n: [f"repository:a:{'pull,' * (n // 8)}"], id="equal-actions"),
        pytest.param(lambda n: [" " * n], id="blanks"),
        pytest.param(lambda n: ["repository" + ":" * n], id="colons"),
        pytest.param(lambda n: [f"repository:a:{',' * n}"], id="commas"),
    ],
)
def test_twice_the_text_takes_at_most_twice_the_steps(make):
    small, large = calls(make(MAX_BYTES // 4)), calls(make(MAX_BYTES // 2))
    assert large <= 2 * small


# A pattern that tries again from each position would take 4 * 10**9 steps here, one that tries
# every split would never end: that these come back at all is the test.
@pytest.mark.parametrize(
    ("head", "piece", "tail"),
    [
        pytest.param("", "a", "(", id="type"),
        pytest.param("a(", "a", "", id="class"),
        pytest.param("repository:", "a", "A:pull", id="name"),
        pytest.param("repository:", "a-", ":pull", id="separators"),
        pytest.param("repository:", "-", "a:pull", id="hyphens"),
        pytest.param("repository:", "a__", "/:pull", id="underscores"),
        pytest.param("repository:", "A.", ":5000/a:pull", id="host"),
        pytest.param("repository:a:", "a", "A", id="action"),
        pytest.param("foo:", "!", "\u00e4:pull", id="unknown-type"),
    ],
)
def test_a_hostile_text_as_long_as_may_be_comes_back_as_junk(head, piece, tail):
    room = MAX_BYTES - len((head + tail).encode())
    text = head + piece * (room // len(piece)) + tail
    assert parse([text]).junk == (text,)


def test_an_entry_with_more_actions_than_any_client_asks_is_junk():
    many = ",".join("a" * n for n in range(1, MAX_ACTIONS + 2))
    assert parse_entry(f"repository:team/app:{many}") is None
    assert parse_entry(f"repository:team/app:{many.rpartition(',')[0]}") is not None
