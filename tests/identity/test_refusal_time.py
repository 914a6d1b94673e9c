"""The one time at which refused passwords are answered."""

import asyncio
import itertools

import pytest
from identity.parts import People, hashed, house, htpasswd_line

from authsvc.identity.costs import HEADROOM, LEAST, MOST, HashCosts


class Holds:
    """A source with these hashes."""

    def __init__(self, *hashes):
        self.hashes = hashes

    def samples(self):
        return self.hashes


def bcrypt(cost):
    return htpasswd_line("u", "x", "-B", "-C", str(cost)).strip().partition(":")[2]


def ticking(*seconds):
    """A timer by which each measurement in turn takes that long."""
    times = itertools.chain.from_iterable((0.0, each) for each in seconds)
    return lambda: next(times)


@pytest.mark.parametrize(
    ("measured", "after"),
    [(0.001, LEAST), (0.2, 0.2 * HEADROOM), (0.7, 0.7 * HEADROOM), (3.0, MOST)],
)
def test_the_time_is_that_of_the_slowest_hash_within_bounds(measured, after):
    costs = HashCosts([Holds(bcrypt(4))], timer=ticking(measured, measured, measured))
    assert costs.refusal_after == pytest.approx(after)


def test_without_any_hash_it_is_the_least():
    costs = HashCosts([])
    assert costs.refusal_after == LEAST
    costs.spend("nothing to compare with")


def test_it_is_that_of_a_directory_that_takes_longer():
    took = [0.0, 0.4]
    costs = HashCosts([Holds(bcrypt(4))], asked=[lambda: took[0], lambda: took[1]], timer=ticking(
        0.3, 0.3, 0.3))  # fmt: skip
    assert costs.refusal_after == pytest.approx(0.4 * HEADROOM)
    took[1] = 0.2
    assert costs.refusal_after == pytest.approx(0.3 * HEADROOM)
    took[0] = 5.0
    assert costs.refusal_after == MOST


def test_each_cost_is_measured_once_and_hashes_no_longer_in_use_do_not_count():
    source = Holds(bcrypt(4), bcrypt(5))
    costs = HashCosts([source], timer=ticking(0.3, 0.5, 0.7))
    assert costs.refusal_after == pytest.approx(0.5 * HEADROOM)
    source.hashes = (bcrypt(4), bcrypt(5), bcrypt(4))
    costs.refresh()
    assert costs.refusal_after == pytest.approx(0.5 * HEADROOM)
    source.hashes = (bcrypt(6),)
    costs.refresh()
    assert costs.refusal_after == pytest.approx(0.7 * HEADROOM)
    source.hashes = (bcrypt(4),)
    costs.refresh()
    assert costs.refusal_after == pytest.approx(0.3 * HEADROOM)


def test_a_quick_hash_is_measured_again_since_once_may_be_a_hiccup():
    costs = HashCosts([Holds(bcrypt(4))], timer=ticking(0.19, 0.15, 0.13))
    assert costs.refusal_after == pytest.approx(0.13 * HEADROOM)


def test_an_unusable_hash_costs_nothing_and_does_no_harm():
    costs = HashCosts([Holds("*", hashed("x"))])
    assert LEAST <= costs.refusal_after <= MOST


def test_after_a_late_refusal_all_of_the_next_minute_wait_as_long():
    """BF-02: under load a slow hash must not be told from a quick one by its lateness."""
    people = People()
    people.add("alice")

    async def refused_after(at, *, evaluation):
        arrived = at.clock.monotonic() - evaluation
        await at.refusals.due(arrived)
        return at.clock.monotonic() - arrived

    async def story():
        with house(people.provider()) as at:
            assert await refused_after(at, evaluation=0.01) == pytest.approx(LEAST)
            assert await refused_after(at, evaluation=0.4) == pytest.approx(0.4)
            assert await refused_after(at, evaluation=0.01) == pytest.approx(0.4 * HEADROOM)
            assert await refused_after(at, evaluation=3.0) == pytest.approx(3.0)
            assert await refused_after(at, evaluation=0.01) == pytest.approx(MOST)
            at.clock.advance(60)
            assert await refused_after(at, evaluation=0.01) == pytest.approx(LEAST)

    asyncio.run(story())
