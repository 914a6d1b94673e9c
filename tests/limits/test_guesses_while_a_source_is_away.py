"""Guesses while a source is away: they count for the account, and outages limit nobody else.

A wrong password is answered 503 then, and the right one by what is remembered: that is an answer.
"""

import asyncio

import pytest
from identity.limited import HERE, elsewhere, guarded
from identity.parts import SECRET

from authsvc.errors import Unavailable

WRONG, RIGHT = "wrong_password", "right"
PAIR, ACCOUNT = "login_failures", "account_failures"
AWAY = Unavailable("the directory does not answer", what="book")


@pytest.fixture
def tell(database):
    """Runs a story with an authenticator of the default limits, or of others."""

    def telling(story, **more):
        async def inside():
            with guarded(database, **more) as at:
                await story(at)

        asyncio.run(inside())

    return telling


async def unanswered(at, password, address=HERE):
    with pytest.raises(Unavailable):
        await at.tries("alice", password, address)


@pytest.mark.parametrize(
    ("spread", "most", "limit"),
    [
        pytest.param(lambda _: HERE, 10, PAIR, id="one address"),
        pytest.param(elsewhere, 100, ACCOUNT, id="an address each"),
    ],
)
def test_guesses_at_what_is_remembered_are_not_free_while_a_source_is_away(
    tell, spread, most, limit
):
    """BF-15."""

    async def story(at):
        assert await at.tries("alice", address=elsewhere(200)) == RIGHT
        at.book.fault = AWAY
        for number in range(most):
            await unanswered(at, f"guess {number}", spread(number))
        assert await at.tries("alice", "one more", spread(most)) == limit
        assert await at.tries("alice", address=spread(most)) == limit
        assert at.house.remembered("alice", SECRET, address=spread(most)) is None
        assert await at.tries("alice", address=elsewhere(200)) == RIGHT

    tell(story)


def test_a_burst_of_guesses_while_a_source_is_away_never_passes_the_limit(tell):
    async def story(at):
        at.book.fault, at.book.moment = AWAY, 0.001
        attempts = [at.tries("alice", f"guess {number}") for number in range(50)]
        answers = await asyncio.gather(*attempts, return_exceptions=True)
        assert sum(isinstance(answer, Unavailable) for answer in answers) == 10
        assert answers.count(PAIR) == 40

    tell(story)


@pytest.mark.parametrize("spread", [lambda _: HERE, elsewhere], ids=["one address", "their own"])
def test_two_hundred_pods_with_one_right_password_are_limited_by_no_outage(tell, spread):
    """Nothing is remembered of it, and each tries it again for hours."""

    async def story(at):
        at.book.fault = AWAY
        for _ in range(40):
            pods = [unanswered(at, SECRET, spread(number)) for number in range(200)]
            await asyncio.gather(*pods)
            at.clock.advance(310)
        at.book.fault = None
        pods = [at.tries("alice", address=spread(number)) for number in range(200)]
        assert set(await asyncio.gather(*pods)) == {RIGHT}

    tell(story, account="15/hour")


def test_an_outage_limits_no_address(tell):
    """An office in which everybody signs in meanwhile."""

    async def story(at):
        at.book.fault = AWAY
        for number in range(300):
            with pytest.raises(Unavailable):
                await at.tries(f"user{number}")
        at.book.fault = None
        assert await at.tries("bob") == RIGHT

    tell(story)


def test_a_password_that_was_shown_in_an_outage_is_forgiven_when_it_is_right(tell):
    async def story(at):
        at.book.fault = AWAY
        for _ in range(50):
            await unanswered(at, SECRET)
        at.book.fault = None
        assert await at.tries("alice") == RIGHT
        assert await at.guesses("alice", 10, address=elsewhere(1)) == [WRONG] * 10
        assert await at.tries("alice", address=elsewhere(2)) == ACCOUNT
        at.house.authenticator.forget(None)
        assert await at.guesses("alice", 100, begin=20) == [WRONG] * 100

    tell(story, account="10/hour", address="")
