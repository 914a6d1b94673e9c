"""Whether two places have a name in common, and whether one lies within another."""

from itertools import product

import pytest
from access import oracle
from hypothesis import given
from hypothesis import strategies as st

from authsvc.access.overlap import anchor, is_within, overlap

WORDS = st.sampled_from(["a", "b", "/", "*", "**"])
short = (
    st.lists(WORDS, min_size=1, max_size=5)
    .map("".join)
    .filter(lambda text: "***" not in text and len(text.replace("*", "")) <= 3)
)
parts = st.sampled_from(["a", "ab", "a-b", "a*", "*", "**", "{username}", "x{username}", "*b"])
patterns = st.lists(parts, min_size=1, max_size=4).map("/".join)
paths = st.lists(st.sampled_from(["a", "ab", "a-b"]), min_size=1, max_size=3).map("/".join)

# Where two globs have a text in common they have one no longer than their letters together.
TEXTS = ["".join(text) for length in range(7) for text in product("ab/", repeat=length)]


def covers(pattern: str, text: str) -> bool:
    if "*" in pattern:
        return oracle.glob(pattern, text)
    return oracle.glob(pattern, text) or oracle.glob(pattern + "/**", text)


@given(one=short, other=short)
def test_two_places_overlap_where_a_text_is_covered_by_both(one, other):
    both = any(covers(one, text) and covers(other, text) for text in TEXTS)
    if both or ("*" in one and "*" in other):
        assert overlap(one, other) == overlap(other, one) == both


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [
        ("team", "team/app", True),
        ("team", "team-x", False),
        ("te_m", "team", False),
        ("team/app", "team/*/x", True),
        ("team/app", "team/b*", False),
        ("team/app", "team/a*p", True),
        ("team/app", "*/*", True),
        ("team/app", "*", False),
        ("team/app", "te*", False),
        ("team/app", "te**", True),
        ("team/app", "te**/x", True),
        ("team", "**/team", True),
        ("team/a*", "team/*b", True),
        ("team/a*", "team/b*", False),
        ("team/*/x", "team/y/*", True),
        ("team/*/x", "team/y", True),
        ("team/x*", "team/*/x", False),
        ("team/{username}", "team/app", True),
        ("team/{username}/x", "team/app", True),
        ("team/x-{username}", "team/app", False),
        ("team/{username}/**", "**", True),
        ("**/a", "**/b", False),
        ("**/a", "a/**/b/**/a", True),
    ],
)
def test_places_with_and_without_names_in_common(one, other, common):
    assert overlap(one, other) is overlap(other, one) is common


def test_many_wildcards_against_many_take_no_exponential_time():
    one, other = "a*" * 80 + "b", "*a" * 80 + "c"
    assert not overlap(one, other)
    assert overlap("**a" * 80 + "**", "a**" * 80)


@given(pattern=patterns, path=paths)
def test_within_is_the_same_as_beginning_with_the_path(pattern, path):
    place = anchor(pattern)
    assert is_within(pattern, path) == (place == path or place.startswith(path + "/"))
