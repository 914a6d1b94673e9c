"""Globs over repository names: what they cover, and that a tree finds what each one covers."""

import random

import pytest
from access import oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from authsvc.access.globs import Glob, GlobTree

COVERS = [
    ("team/**", "team/app", True),
    ("team/**", "team/a/b", True),
    ("team/**", "team", False),
    ("team/**", "teams/app", False),
    ("team/*", "team/app", True),
    ("team/*", "team/a/b", False),
    ("**", "team/app", True),
    ("*", "team/app", False),
    ("*", "app", True),
    ("*/base", "ops/base", True),
    ("**/base", "ops/eu/base", True),
    ("**/base", "base", False),
    ("team-*/app", "team-x/app", True),
    ("team-*/app", "team-/app", True),
    ("team/a**", "team/ab/c", True),
    ("team/a**z", "team/a/y/z", True),
    ("a*b*c", "axxbyyc", True),
    ("a*b*c", "axxbyy", False),
    ("a***c", "a/b/c", True),
    ("{team}/app", "team/app", False),
    ("{team}/app", "{team}/app", True),
    ("literal", "literal", True),
]


@pytest.mark.parametrize(("pattern", "name", "covered"), COVERS)
def test_a_glob_covers_whole_names_only(pattern, name, covered):
    assert Glob(pattern).matches(name) is covered
    assert GlobTree([(pattern, "it")]).find(name) == (["it"] if covered else [])


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        pytest.param("a.b", "axb", id="RN-13"),
        pytest.param("te?m/app", "team/app", id="RN-11-question-mark"),
        pytest.param("[a-z]+/app", "team/app", id="RN-11-class"),
        pytest.param("team/.*", "team/app", id="RN-11-regex"),
        pytest.param("team/*", "team/\n", id="newline-is-a-character"),
    ],
)
def test_nothing_but_the_star_is_special(pattern, name):
    assert Glob(pattern).matches(name) is (name == "team/\n")


TEXTS = st.text("ab/", max_size=12)
PATTERNS = st.lists(st.sampled_from(["a", "b", "/", "*", "**"]), max_size=8).map("".join)


@settings(max_examples=3000, deadline=None)
@given(PATTERNS, TEXTS)
def test_a_glob_agrees_with_its_definition(pattern, text):
    assert Glob(pattern).matches(text) == oracle.glob(pattern.replace("***", "**"), text)


@settings(max_examples=1500, deadline=None)
@given(st.lists(PATTERNS, max_size=12), TEXTS)
def test_a_tree_finds_each_value_whose_glob_covers_the_name_once(patterns, text):
    tree = GlobTree((pattern, place) for place, pattern in enumerate(patterns))
    expected = [place for place, pattern in enumerate(patterns) if Glob(pattern).matches(text)]
    assert sorted(tree.find(text)) == expected


def test_many_stars_do_not_multiply_the_work():
    """A regular expression made of these does not end within a minute on a name of 255."""
    name = "a" * 254 + "b"
    patterns = ["**a" * 80, "*a" * 120, "**a*" * 60 + "c", "*a/" * 80 + "**"]
    assert [Glob(pattern).matches(name) for pattern in patterns] == [False] * 4
    assert Glob("**a" * 80 + "b").matches(name)
    assert GlobTree([(pattern, pattern) for pattern in patterns]).find(name) == []


def test_a_tree_visits_each_node_once_however_many_ways_lead_on():
    """Wildcard and literal edges at every level would be 2^n ways through n levels."""
    names = ["a", "*"]
    choice = random.Random(7)
    patterns = {"/".join(choice.choice(names) for _ in range(100)) for _ in range(200)}
    tree = GlobTree((pattern, pattern) for pattern in patterns)
    assert sorted(tree.find("/".join("a" * 100))) == sorted(patterns)


def test_equal_globs_are_equal_values():
    assert Glob("a*") == Glob("a*") != Glob("b*")
    assert len({Glob("a*"), Glob("a*")}) == 1
    assert repr(Glob("a*")) == "Glob('a*')"
