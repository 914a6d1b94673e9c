"""What counts as a failure, whom a limit refuses, and whom it must not (contract section 2)."""

import asyncio
import math
import unicodedata

import pytest
from identity.limited import HERE, Book, elsewhere, guarded
from identity.parts import NOW, SECRET, here

from authsvc.errors import Unavailable
from authsvc.identity.credential_cache import Remembered
from authsvc.identity.guesses import LimitedGuesses
from authsvc.identity.minted import Stored
from authsvc.identity.provider import Bounds, Rejected, Verified
from authsvc.limits.failures import Ending
from authsvc.principal import LOCAL, Kind, Principal
from authsvc.protocol.credentials import Password
from authsvc.protocol.secrets import mint

WRONG, RIGHT = "wrong_password", "right"
PAIR, ADDRESS, ACCOUNT = "login_failures", "address_failures", "account_failures"


@pytest.fixture
def tell(database):
    """Runs a story with an authenticator of the default limits, or of others."""

    def telling(story, **more):
        async def inside():
            with guarded(database, **more) as at:
                await story(at)

        asyncio.run(inside())

    return telling


def test_ten_failures_limit_an_account_at_an_address_and_nowhere_else(tell):
    """BF-03."""

    async def story(at):
        assert await at.guesses("alice", 12) == [WRONG] * 10 + [PAIR] * 2
        assert await at.tries("alice") == PAIR  # a right password included
        assert await at.tries("bob") == RIGHT
        assert await at.tries("alice", address=elsewhere(1)) == RIGHT
        at.clock.advance(301)
        assert await at.tries("alice") == RIGHT

    tell(story)


def test_a_success_clears_the_failures_before_it(tell):
    async def story(at):
        for begin in range(0, 60, 9):
            assert await at.guesses("alice", 9, begin=begin) == [WRONG] * 9
            assert await at.tries("alice") == RIGHT

    tell(story)


def test_a_laptop_with_a_typo_that_retries_for_an_hour_locks_nobody(tell):
    async def story(at):
        for _ in range(240):
            assert await at.tries("alice", "typo") == WRONG
            at.clock.advance(15)
        assert await at.tries("alice") == RIGHT
        assert await at.tries("alice", address=elsewhere(1)) == RIGHT
        assert len(at.book.checked) < 80  # within credential_ttl not even evaluated

    tell(story)


def test_the_same_wrong_password_within_five_minutes_is_one_failure(tell):
    """Also as POST followed by GET, and when it had to be checked each time."""

    async def story(at):
        for _ in range(100):
            assert await at.tries("alice", "typo") == WRONG
            at.house.authenticator.forget(None)
        assert await at.guesses("alice", 9) == [WRONG] * 9
        assert await at.tries("alice") == PAIR

    tell(story)


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param("ALICE", id="case"),
        pytest.param(" alice ", id="blanks"),
        pytest.param("\uff41lice", id="full-width"),
        pytest.param("alic" + unicodedata.normalize("NFD", "é"), id="another letter"),
    ],
)
def test_names_that_fold_to_one_are_one_account(tell, typed):
    same = "é" not in unicodedata.normalize("NFC", typed)

    async def story(at):
        await at.guesses(typed, 10)
        assert await at.tries("alice") == (PAIR if same else RIGHT)

    tell(story)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8:0:0:ffff::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2", True),
    ],
)
def test_an_address_is_one_of_ipv4_or_a_64_of_ipv6(tell, first, second, same):
    async def story(at):
        await at.guesses("alice", 10, address=first)
        assert await at.tries("alice", address=second) == (PAIR if same else RIGHT)

    tell(story)


def test_one_password_for_a_thousand_names_limits_the_address_and_no_user(tell):
    """BF-08, BF-13: names that exist and names that do not, all alike."""
    book = Book({f"user{number}": SECRET for number in range(0, 1_000, 2)})

    async def story(at):
        answers = [await at.tries(f"user{number}", "Spring2030!") for number in range(300)]
        assert answers[:100] == [WRONG, "unknown_user"] * 50
        assert answers[100:] == [ADDRESS] * 200
        assert len(at.book.checked) == 100
        for number in range(0, 300, 20):
            assert await at.tries(f"user{number}", address=elsewhere(number)) == RIGHT

    tell(story, book=book)


def test_a_hundred_failures_from_anywhere_leave_an_account_to_known_addresses(tell):
    """BF-03, F32."""

    async def story(at):
        assert await at.tries("alice") == RIGHT
        for number in range(10):
            answers = await at.guesses("alice", 12, address=elsewhere(number), begin=20 * number)
            assert answers == [WRONG] * 10 + [PAIR] * 2
        fresh = elsewhere(77)
        assert await at.tries("alice", address=fresh) == ACCOUNT
        assert await at.tries("alice", "more", address=fresh) == ACCOUNT
        at.clock.advance(120)  # what was remembered is over
        assert await at.tries("alice") == RIGHT
        assert await at.tries("alice", "typo") == WRONG
        assert await at.tries("bob", address=fresh) == RIGHT
        at.clock.advance(3_600)
        assert await at.tries("alice", address=fresh) == RIGHT

    tell(story)


def test_a_limited_address_still_serves_who_is_known_there(tell):
    """An office behind one address, and somebody in it who guesses."""

    async def story(at):
        assert await at.tries("alice") == RIGHT
        for number in range(100):
            await at.tries(f"nobody{number}", "x")
        assert await at.tries("bob") == ADDRESS
        at.clock.advance(120)
        assert await at.tries("alice") == RIGHT
        assert await at.tries("alice", "typo") == WRONG

    tell(story)


def test_who_cannot_be_looked_up_is_refused_for_a_moment_and_not_limited(tell):
    async def full(*_):
        raise Unavailable("the queue is full", what="database")

    async def story(at):
        assert await at.tries("alice") == RIGHT
        at.known.flush()
        at.known._seen.clear()  # as after a start
        thread, at.known._thread = at.known._thread, full
        assert await at.guesses("alice", 11) == [WRONG] * 10 + [PAIR]
        assert not at.failures.noted
        assert at.told == []
        at.known._thread = thread
        assert await at.guesses("alice", 5, begin=20) == [WRONG] * 5

    tell(story)


def test_at_a_known_address_ten_times_as_many_failures_are_let_through(tell):
    async def story(at):
        assert await at.tries("alice") == RIGHT
        answers = await at.guesses("alice", 102)
        assert answers == [WRONG] * 100 + [PAIR] * 2
        assert await at.tries("alice") == PAIR
        refused = await at.failures.begin("alice", HERE, "one more")
        for reached in (refused, await at.failures.refused("alice", HERE)):
            assert (reached.limit.text, reached.error().quota) == ("100/5minutes", 100)

    tell(story, account="1000/hour", address="1000/minute")


def test_guesses_at_a_remembered_password_are_no_free_door(tell):
    """BF-15: from the very address where it is remembered, by every door."""

    async def story(at):
        header = b"Basic of alice"
        assert await at.tries("alice") == RIGHT
        authenticator, shown = at.house.authenticator, Password("alice", SECRET)
        assert authenticator.remembered(shown, here(HERE), text=header)
        assert authenticator.recognised(header, here(HERE))
        await at.guesses("alice", 100)
        assert authenticator.remembered(shown, here(HERE)) is None
        assert authenticator.recognised(header, here(HERE)) is None
        assert await at.tries("alice") == PAIR
        assert authenticator.remembered(Password("bob", SECRET), here(HERE)) is None

    tell(story, account="", address="")


def test_a_limited_account_learns_nothing_from_what_is_remembered(tell):
    async def story(at):
        header = b"Basic of alice"
        assert await at.tries("alice") == RIGHT
        for number in range(10):
            await at.guesses("alice", 10, address=elsewhere(number), begin=20 * number)
        authenticator, shown = at.house.authenticator, Password("alice", SECRET)
        assert authenticator.remembered(shown, here(HERE), text=header)
        fresh = here(elsewhere(50))
        assert authenticator.remembered(shown, fresh, text=header) is None
        assert authenticator.recognised(header, fresh) is None
        assert await at.tries("alice", address=elsewhere(50)) == ACCOUNT
        assert authenticator.recognised(header, here(HERE))

    tell(story)


def test_an_address_where_a_remembered_password_was_right_is_known_too(tell):
    async def story(at):
        for number in range(20):
            assert await at.tries("alice", address=elsewhere(number)) == RIGHT
        assert len(at.book.checked) == 1
        for number in range(100, 110):
            await at.guesses("alice", 10, address=elsewhere(number), begin=20 * number)
        at.clock.advance(120)
        for number in range(20):
            assert await at.tries("alice", address=elsewhere(number)) == RIGHT
        assert await at.tries("alice", address=elsewhere(20)) == ACCOUNT

    tell(story)


def test_minted_secrets_that_exist_are_neither_counted_nor_refused(tell):
    """F32: nor is anybody limited by showing some that do not, or a refresh token as a password."""
    secret, gone, refresh = mint("pat", bytes), mint("pat", lambda n: b"\1" * n), mint("ref", bytes)

    def find(shown):
        alice = Principal(Kind.USER, LOCAL, "alice", "1")
        if shown.secret == gone:
            return Rejected("unknown_secret")
        return Stored(id=1, kind="pat", owner=alice, enabled=True, made=NOW, used=NOW, ends=None)

    async def story(at):
        for number in range(200):
            shown = f"{number}" if number % 4 else (gone, refresh)[number % 8 == 0]
            await at.tries("alice", shown)
        assert await at.tries("alice") == PAIR
        for number in range(200):
            await at.tries(f"nobody{number}", "x")
        assert await at.tries("bob") == ADDRESS
        for _ in range(3):
            assert await at.tries("alice", secret) == RIGHT
            assert at.house.authenticator.remembered(Password("alice", secret), here(HERE))
        assert await at.tries("alice", secret, elsewhere(1)) == RIGHT

    tell(story, find=find)


@pytest.mark.parametrize(
    ("spread", "most"),
    [
        pytest.param(lambda n: ("alice", HERE), 10, id="F30 one account, one address"),
        pytest.param(lambda n: (f"user{n}", HERE), 100, id="F30 one address"),
        pytest.param(lambda n: ("alice", elsewhere(n)), 100, id="F30 one account"),
    ],
)
def test_guesses_at_the_same_time_never_pass_a_limit_together(tell, spread, most):
    """Those in flight are counted before they are checked."""

    async def story(at):
        attempts = []
        for number in range(300):
            name, address = spread(number)
            attempts.append(at.tries(name, f"guess {number}", address))
        answers = await asyncio.gather(*attempts)
        assert len(at.book.checked) == most
        assert sum(answer in (WRONG, "unknown_user") for answer in answers) == most

    tell(story)


@pytest.mark.parametrize("spread", [lambda _: HERE, elsewhere], ids=["one address", "their own"])
def test_two_hundred_pods_that_start_cold_with_one_right_password_lock_nobody(tell, spread):
    async def story(at):
        pods = [at.tries("alice", address=spread(number)) for number in range(200)]
        assert set(await asyncio.gather(*pods)) == {RIGHT}
        assert len(at.book.checked) == 1

    tell(story)


@pytest.mark.parametrize("spread", [lambda _: HERE, elsewhere], ids=["one address", "their own"])
def test_two_hundred_pods_with_a_rotated_secret_lock_nobody(tell, spread):
    """They were there before, show the old secret for an hour, and then the new one."""

    async def story(at):
        for number in range(200):
            assert await at.tries("alice", address=spread(number)) == RIGHT
        at.book.people["alice"] = "the new one"
        at.house.authenticator.forget(frozenset({"name:alice"}))
        for _ in range(12):
            pods = [at.tries("alice", SECRET, spread(number)) for number in range(200)]
            assert set(await asyncio.gather(*pods)) == {WRONG}
            at.clock.advance(300)
        pods = [at.tries("alice", "the new one", spread(number)) for number in range(200)]
        assert set(await asyncio.gather(*pods)) == {RIGHT}

    tell(story)


def test_a_secret_that_was_rotated_away_from_two_hundred_new_pods_locks_nobody(tell):
    """None of them was there before; each counts where it is, and all as one for the account."""

    async def story(at):
        for round_ in range(8):
            pods = [at.tries("alice", "the old one", elsewhere(n)) for n in range(200)]
            assert set(await asyncio.gather(*pods)) == {WRONG}
            assert await at.tries("alice", address=elsewhere(300 + round_)) == RIGHT
            at.clock.advance(400)
        pods = [at.tries("alice", address=elsewhere(number)) for number in range(200)]
        assert set(await asyncio.gather(*pods)) == {RIGHT}

    tell(story, account="10/hour")


@pytest.mark.parametrize(
    ("spread", "newcomer"),
    [
        pytest.param(lambda n: (f"user{n}", HERE), ("newcomer", HERE), id="one address"),
        pytest.param(lambda n: ("user0", elsewhere(n)), ("user0", elsewhere(99)), id="one account"),
    ],
)
def test_many_right_passwords_at_once_limit_nobody_who_comes_later(tell, spread, newcomer):
    book = Book({"newcomer": SECRET, **{f"user{number}": SECRET for number in range(40)}})

    async def story(at):
        at.book.moment = 0.05
        first = [at.tries(name, address=address) for name, address in map(spread, range(40))]
        first += [at.tries(spread(n)[0], f"wrong {n}", spread(n)[1]) for n in range(2)]
        answers = await asyncio.gather(*first)
        assert answers[:5] == [RIGHT] * 5
        assert not at.failures.noted
        assert at.told == []
        at.book.moment = 0.0
        assert await at.tries(*newcomer[:1], address=newcomer[1]) == RIGHT

    tell(story, book=book, address="5/5minutes", account="5/hour")


def test_who_is_refused_while_others_are_in_doubt_may_come_again_in_a_second(tell):
    async def story(at):
        attempts = [await at.failures.begin(f"user{n}", HERE, SECRET) for n in range(3)]
        assert (attempts[2].wait, attempts[2].certain) == (1.0, False)
        for attempt in attempts[:2]:
            await at.failures.end(attempt, Ending.WRONG)
        refused = await at.failures.begin("user3", HERE, SECRET)
        assert (refused.wait, refused.certain) == (300.0, True)

    tell(story, address="2/5minutes")


def test_an_answer_by_grace_clears_no_failures_and_makes_no_address_known(tell):
    async def grace():
        who = Principal(Kind.USER, "book", "alice", "alice")
        return Verified(who, bounds=Bounds(pull_only=True))

    async def story(at):
        guesses = LimitedGuesses(at.failures, at.refusing)
        assert await at.guesses("alice", 9) == [WRONG] * 9
        await guesses.within(Password("alice", SECRET), HERE, grace)
        assert await at.guesses("alice", 2, begin=50) == [WRONG, PAIR]
        assert not await at.known.knows("alice", HERE)

    tell(story)


def test_a_password_remembered_by_grace_makes_no_address_known(tell):
    who = Principal(Kind.USER, "book", "alice", "alice")
    by_grace = Verified(who, bounds=Bounds(pull_only=True))

    async def story(at):
        cache, account = at.house.authenticator._cache, at.failures.account("alice")
        held = Remembered(by_grace, frozenset(), math.inf, lambda: True, account, {HERE})
        cache.remember(cache.digest("alice", SECRET), HERE, held)
        assert await at.tries("alice", address=elsewhere(1)) == RIGHT
        assert not await at.known.knows("alice", elsewhere(1))

    tell(story)


@pytest.mark.parametrize("off", ["pair", "address", "account"])
def test_an_empty_limit_is_off_and_the_others_are_not(tell, off):
    async def story(at):
        answers = await at.guesses("alice", 15)
        answers += [await at.tries(f"user{number}", "x") for number in range(100)]
        for number in range(100, 200):
            answers.append(await at.tries("alice", f"guess {number}", elsewhere(number)))
        limits = {"pair": PAIR, "address": ADDRESS, "account": ACCOUNT}
        expected = {text for each, text in limits.items() if each != off}
        assert set(answers) - {WRONG, "unknown_user"} == expected

    tell(story, **{off: ""})


def test_with_all_limits_off_nobody_is_refused(tell):
    async def story(at):
        assert set(await at.guesses("alice", 200)) == {WRONG}
        assert await at.tries("alice") == RIGHT

    tell(story, pair="", address="", account="")


def test_each_worker_takes_its_share_and_one_at_least(tell):
    """BF-05."""

    async def story(at):
        assert await at.guesses("alice", 4) == [WRONG] * 2 + [PAIR] * 2

    async def least(at):
        assert await at.guesses("alice", 2) == [WRONG, PAIR]

    tell(story, workers=4)
    tell(least, workers=64)


def test_a_refusal_is_late_told_once_in_a_window_and_says_when_to_come_back(tell):
    """AU-11."""

    async def story(at):
        await at.guesses("alice", 10)
        for _ in range(20):
            arrived = at.clock.monotonic()
            assert await at.tries("alice") == PAIR
            assert at.clock.monotonic() - arrived == pytest.approx(0.25)
        for number in range(120):
            await at.tries(f"nobody{number}", "x")
        assert at.told == [(PAIR, "alice", True), (ADDRESS, "nobody90", False)]
        at.clock.advance(400)
        await at.guesses("alice", 11, begin=100)
        assert at.told[2:] == [(PAIR, "alice", True)]

    tell(story)


def test_whether_there_is_an_account_is_asked_once_in_a_window_while_the_answer_waits(tell):
    """F31, BF-13: the look-up of a name that nobody knows does not make its refusals later."""

    async def story(at):
        thread, waits, looked_up = at.known._thread, asyncio.Event(), []
        sleep = at.refusing._sleep

        async def sleeping(seconds):
            waits.set()
            await sleep(seconds)

        async def looking(call, asked):
            looked_up.append(asked)
            await asyncio.wait_for(waits.wait(), 10)
            return await thread(call, asked)

        assert await at.guesses("nobody", 10) == ["unknown_user"] * 10
        at.refusing._sleep, at.known._thread = sleeping, looking
        for _ in range(20):
            at.clock.advance(3)  # beyond what a look-up holds
            arrived = at.clock.monotonic()
            assert await at.tries("nobody") == PAIR
            assert at.clock.monotonic() - arrived == pytest.approx(0.25)
        assert len(looked_up) == 1
        assert at.told == [(PAIR, "nobody", False)]

    tell(story)


@pytest.mark.parametrize(
    ("account", "address", "free"),
    [
        pytest.param(None, None, {"alice here", "alice there", "bob here"}, id="everything"),
        pytest.param("ALICE", None, {"alice here", "alice there"}, id="an account"),
        pytest.param(None, HERE, {"alice here", "bob here"}, id="an address"),
        pytest.param("alice", HERE, {"alice here"}, id="both"),
        pytest.param("carol", None, set(), id="another account"),
    ],
)
def test_what_is_cleared_begins_anew_and_the_rest_stays(tell, account, address, free):
    there = elsewhere(1)

    async def story(at):
        for name, where in (("alice", HERE), ("alice", there), ("bob", HERE)):
            await at.guesses(name, 10, address=where)
        await at.failures.clear_here(account, address)
        answers = {
            "alice here": await at.tries("alice"),
            "alice there": await at.tries("alice", address=there),
            "bob here": await at.tries("bob"),
        }
        assert {who for who, answer in answers.items() if answer == RIGHT} == free

    tell(story)
