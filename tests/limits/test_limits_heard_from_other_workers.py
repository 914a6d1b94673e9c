"""Who is limited is known to every worker, also where a password is remembered (contract 2)."""

import pytest
from identity.limited import HERE, elsewhere
from identity.parts import SECRET, here

from authsvc.limits.news import STREAM
from authsvc.protocol.credentials import Password

WRONG, RIGHT = "wrong_password", "right"
PAIR, ACCOUNT, ADDRESS = "login_failures", "account_failures", "address_failures"
HEADER = b"Basic of alice"


async def exchange(*workers):
    for worker in workers:
        await worker.failures.exchange()


def door(worker, address):
    """Whether what is remembered of alice opens there, by each of the quick ways in."""
    authenticator, shown = worker.house.authenticator, Password("alice", SECRET)
    return (
        authenticator.remembered(shown, here(address), text=HEADER) is not None,
        authenticator.recognised(HEADER, here(address)) is not None,
    )


def test_a_limited_pair_is_limited_where_its_password_is_remembered_too(redis_server, tell):
    async def story(one, other):
        assert [await worker.tries("alice", address=elsewhere(1)) for worker in (one, other)] == [
            RIGHT, RIGHT,
        ]  # fmt: skip
        assert await one.guesses("alice", 10) == [WRONG] * 10
        await exchange(one, other)
        assert await other.tries("alice") == PAIR
        assert door(other, HERE) == (False, False)
        assert door(other, elsewhere(1)) == (True, True)
        one.clock.advance(301)
        assert await other.tries("alice") == RIGHT

    tell(redis_server, story)


def test_a_known_address_that_is_limited_is_limited_at_every_worker(redis_server, tell):
    async def story(one, other):
        for worker in (one, other):
            assert await worker.tries("alice") == RIGHT
        assert door(other, HERE) == (True, True)
        assert await one.guesses("alice", 100) == [WRONG] * 100
        await exchange(one, other)
        assert door(other, HERE) == (False, False)
        assert await other.tries("alice") == PAIR
        (said,) = other.failures.noted._notes.values()
        assert (said[1].limit.amount, said[1].limit.text) == (100, "100/5minutes")

    tell(redis_server, story, account="", address="")


def test_a_limited_account_or_address_is_served_where_it_is_known_and_nowhere_else(
    redis_server, tell
):
    async def story(one, other):
        for worker in (one, other):
            assert await worker.tries("alice") == RIGHT
            assert await worker.tries("bob", address=elsewhere(8)) == RIGHT
        for number in range(3):
            await one.tries("alice", f"guess {number}", elsewhere(number))
            await one.tries(f"nobody{number}", "guess", elsewhere(9))
        await exchange(one, other)
        assert await other.tries("alice", address=elsewhere(7)) == ACCOUNT
        assert await other.tries("bob", address=elsewhere(9)) == ADDRESS
        assert door(other, elsewhere(7)) == (False, False)
        assert door(other, HERE) == (True, True)

    tell(redis_server, story, account="3/hour", address="3/hour")


@pytest.mark.parametrize(
    ("limits", "address"),
    [
        pytest.param({"account": ""}, elsewhere(0), id="the pair"),
        pytest.param({"pair": "", "account": "10/hour"}, elsewhere(50), id="the account"),
        pytest.param({"pair": "", "address": "10/hour"}, elsewhere(0), id="the address"),
    ],
)
def test_a_remembered_password_makes_no_address_known_where_another_worker_saw_a_limit(
    redis_server, tell, limits, address
):
    """It was let in before the news were heard: it is let go again, and nothing stays of it."""

    async def story(one, other):
        assert await other.tries("alice") == RIGHT
        await one.guesses("alice", 10, address=elsewhere(0))
        assert await other.tries("alice", address=address) == RIGHT
        assert await other.tries("alice", address=elsewhere(77)) == (RIGHT)
        assert door(other, address) == (True, True)
        await exchange(one, other)
        assert door(other, address) == (False, False)
        assert not await other.known.knows("alice", address)
        assert await other.known.knows("alice", HERE)
        free = "account" not in limits or not limits["account"]
        assert await other.known.knows("alice", elsewhere(77)) == free
        assert await other.tries("alice", address=address) in {PAIR, ACCOUNT, ADDRESS}

    tell(redis_server, story, **limits)


def test_what_a_worker_could_not_say_any_more_is_found_out_all_the_same(redis_server, tell):
    async def story(one, other):
        assert await other.tries("alice", address=elsewhere(1)) == RIGHT
        await one.guesses("alice", 10)  # and dies
        assert await other.tries("alice") == RIGHT
        await exchange(other)
        assert await other.tries("alice") == PAIR

    tell(redis_server, story)


def test_what_was_cleared_is_not_brought_back_by_news_that_come_late(redis_server, tell):
    async def story(one, other, late):
        await one.guesses("alice", 10)
        await one.guesses("bob", 10)
        await exchange(one)
        await one.guesses("carol", 10)  # said after it was cleared
        for worker in (one, other):
            await worker.failures.clear_here("ALICE", None)
            await worker.failures.clear_here("carol", None)
        for name in ("alice", "carol"):
            await one.failures.clear_shared(name, None)
        await exchange(one, other, late)
        for worker in (one, other, late):
            assert await worker.tries("alice") == RIGHT
            assert await worker.tries("bob") == PAIR
            assert len(worker.failures.noted) == 1

    tell(redis_server, story, workers=3)


def test_a_limit_that_was_cleared_and_is_reached_again_is_heard_again(redis_server, tell):
    async def story(one, other):
        await one.guesses("alice", 10)
        await exchange(one, other)
        await one.failures.clear_shared("alice", None)
        for worker in (one, other):
            await worker.failures.clear_here("alice", None)
        assert await other.tries("alice", address=elsewhere(1)) == RIGHT
        await one.guesses("alice", 10, begin=20)
        await exchange(one, other)
        assert await other.tries("alice") == PAIR

    tell(redis_server, story)


def test_a_worker_that_starts_hears_what_was_said_before(redis_server, tell):
    async def story(one, other):
        for number in range(1_200):
            one.failures._reached(b"p%023d" % number, one.failures._limits[b"p"], 300)
        await one.guesses("alice", 10)
        await exchange(one)
        await exchange(other)
        assert list(other.failures.noted._notes) == [*one.failures.noted._notes][-1:]

    tell(redis_server, story)


def test_what_is_said_is_kept_within_bounds_and_names_nobody(redis_server, tell):
    async def story(one, _):
        await one.guesses("alice", 10)
        await exchange(one)

    tell(redis_server, story)
    name = STREAM.decode()
    said = redis_server.say(f"XRANGE {name} - +")
    assert b"until" in said
    assert b"alice" not in said
    assert b"192.0" not in said
    assert 3_600 <= int(redis_server.say(f"TTL {name}").strip().lstrip(b":")) <= 3_660


def test_while_redis_is_away_each_worker_knows_its_own_limits_and_hears_the_rest_after_it(
    redis_of_its_own, tell
):
    async def story(one, other):
        await exchange(one, other)
        redis_of_its_own.stop()
        assert await other.tries("alice") == RIGHT
        assert await other.tries("alice", address=elsewhere(1)) == RIGHT
        await one.guesses("bob", 10)
        await exchange(one, other)
        assert await one.tries("bob") == PAIR
        assert await other.known.knows("alice", elsewhere(1))
        redis_of_its_own.start()
        for worker in (one, other):
            worker.failures._counting._shared.look()
        await one.guesses("alice", 10, address=elsewhere(2))
        await exchange(one, other)
        assert await other.tries("alice", address=elsewhere(2)) == PAIR
        assert await other.tries("bob") == RIGHT

    tell(redis_of_its_own, story)
