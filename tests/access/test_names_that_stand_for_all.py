"""One name for each way in which places cover names, and one address for each in networks."""

from functools import cache
from ipaddress import ip_address, ip_network

import pytest
from access import oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from authsvc.access.compiler import is_glob
from authsvc.access.standpoints import standpoints
from authsvc.access.witnesses import Budget, Place, witnesses
from authsvc.protocol.names import is_repository_name

WORDS = ["a", "b", "ab", "a-b", "/", "/", "*", "**"]
GRAMMAR = "ab/-x"


@cache
def names(longest):
    """All names up to a length, of few letters."""
    texts, found = [""], []
    for _ in range(longest):
        texts = [text + letter for text in texts for letter in GRAMMAR]
        found += [text for text in texts if is_repository_name(text)]
    return found


def a_place(pattern, *, path=None):
    return Place(pattern, not is_glob(pattern) if path is None else path, pattern)


def covers(place, name):
    if place.path:
        return place.text in oracle.at_or_above(name)
    return oracle.glob(place.text, name)


places = (
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=5)
    .map("".join)
    .filter(lambda text: "***" not in text and is_repository_name(text.replace("*", "x")))
    .map(a_place)
)


@settings(max_examples=300, deadline=None)
@given(place=places, others=st.lists(places, max_size=4, unique=True))
def test_there_is_a_witness_for_every_way_in_which_a_name_is_covered(place, others):
    others = [other for other in others if other != place]
    found, whole = witnesses(place, others, Budget(20_000))
    assert whole
    for witness in found:
        assert is_repository_name(witness.name)
        assert [p for p in (place, *others) if covers(p, witness.name)] == list(witness.places)
    ways = {frozenset(witness.places) for witness in found}
    assert len(ways) == len(found)
    for name in names(5):
        if covers(place, name):
            assert frozenset(p for p in (place, *others) if covers(p, name)) in ways, name


@pytest.mark.parametrize(
    ("place", "others", "expected"),
    [
        ("team", [], ["team"]),
        ("team", ["team/app"], ["team", "team/app"]),
        ("team", ["team/*"], ["team", "team/x"]),
        ("team/app", ["team"], ["team/app"]),
        ("te*", ["team"], ["te", "team"]),
        ("**", ["a", "*/b"], ["x", "a", "x/b", "a/b"]),
        ("a*", ["*z", "*y"], ["a", "az", "ay"]),
        ("*", ["a/b"], ["x"]),
    ],
)
def test_witnesses_are_short(place, others, expected):
    found, _ = witnesses(a_place(place), [a_place(other) for other in others], Budget(1_000))
    assert [witness.name for witness in found] == expected


def test_a_glob_of_letters_and_digits_all_in_use_has_witnesses():
    every = "abcdefghijklmnopqrstuvwxyz0123456789"
    found, _ = witnesses(a_place("*"), [a_place(f"*{one}*") for one in every[:3]], Budget(50_000))
    assert len(found) == 8
    found, _ = witnesses(a_place("*"), [a_place(every)], Budget(50_000))
    assert [len(witness.places) for witness in found] == [1, 2]


def test_a_place_that_is_one_name_does_not_cover_what_is_below():
    (found,), _ = witnesses(Place("a", False, "{username}"), [a_place("a/b")], Budget(1_000))
    assert found.name == "a"


def test_hostile_globs_end_with_the_budget():
    budget = Budget(3_000)
    hostile = [a_place("*" + "*".join("abcdefgh"[n:] + "abcdefgh"[:n]) + "*") for n in range(8)]
    found, whole = witnesses(a_place("**"), hostile, budget)
    assert not whole
    assert budget.left < 0
    assert found[0].name == "x"


nets = st.sampled_from(
    ["10.0.0.0/8", "10.1.0.0/16", "10.0.0.0/9", "10.128.0.0/9", "192.0.2.0/24", "10.1.2.3/32",
     "0.0.0.0/0", "::/0", "2001:db8::/32", "2001:db8::/33", "0.0.0.0/1", "128.0.0.0/1"]
).map(ip_network)  # fmt: skip


@given(conditions=st.lists(st.lists(nets, min_size=1, max_size=3).map(tuple), max_size=4))
def test_there_is_an_address_for_every_way_to_lie_in_networks(conditions):
    found = standpoints(conditions)

    def met(address):
        return tuple(any(address in net for net in each) for each in conditions)

    assert found[0].network is None
    for each in found[1:]:
        assert each.address in each.network
    ways = {met(each.address) for each in found if each.address is not None}
    for text in ("10.0.0.1", "10.1.0.1", "10.1.2.3", "10.200.0.1", "192.0.2.7", "8.8.8.8",
                 "203.0.113.1", "2001:db8::1", "2001:db8:8000::1", "fd00::1"):  # fmt: skip
        assert met(ip_address(text)) in ways or met(ip_address(text)) == (False,) * len(conditions)
    if found[0].address is None:
        assert all(any(met(ip_address(text))) for text in ("192.0.2.77", "fd00::1"))
