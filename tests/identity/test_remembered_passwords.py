"""What is remembered of passwords, for how long, and what ends it."""

import asyncio
import threading

import pytest
from identity.parts import SECRET, People, hashed, house, htpasswd_line

from authsvc.errors import Unavailable
from authsvc.identity.credential_cache import CredentialCache, Remembered
from authsvc.identity.htpasswd import Htpasswd
from authsvc.identity.provider import Rejected, Verified
from authsvc.principal import ANONYMOUS


@pytest.fixture
def people():
    people = People()
    people.add("alice")
    return people


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "htpasswd"
    path.write_text(htpasswd_line("bob", SECRET))
    return path


def source(path):
    return Htpasswd("file", path, ["bcrypt"], pause=lambda _seconds: None)


class Held(People):
    """A database that answers when it is let: `asked` is set while a query waits."""

    def __init__(self):
        super().__init__()
        self.asked, self.go = threading.Event(), threading.Event()

    def find(self, name):
        found = self.stored.get(name)
        self.asked.set()
        self.go.wait()
        return found or super().find(name)

    async def until_asked(self):
        await asyncio.get_running_loop().run_in_executor(None, self.asked.wait)
        self.asked.clear()


@pytest.mark.parametrize("jump", [-3_600, 3_600], ids=["HA-23 back", "HA-23 ahead"])
def test_a_clock_that_jumps_an_hour_ends_nothing_and_lets_nothing_last(people, jump):
    async def story():
        with house(people.provider(), ttl=60) as at:
            await at.identify("alice", SECRET)
            at.clock.advance(30)
            at.clock.wall += jump
            assert at.remembered("alice", SECRET) is not None
            at.clock.advance(31)
            assert at.remembered("alice", SECRET) is None

    asyncio.run(story())


def test_a_right_password_is_checked_once_within_its_time_for_every_address(people):
    async def story():
        with house(people.provider(), ttl=60) as at:
            assert at.remembered("alice", SECRET) is None
            verified = await at.identify("alice", SECRET)
            at.clock.advance(59)
            for address in ("192.0.2.1", "198.51.100.1", ""):
                assert at.remembered("alice", SECRET, address=address) is verified
                assert await at.identify("alice", SECRET, address=address) is verified
            assert at.checks == [("local", "verified")]
            assert at.served.count("right") == 6
            at.clock.advance(1)
            assert at.remembered("alice", SECRET) is None
            assert isinstance(await at.identify("alice", SECRET), Verified)
            assert len(at.checks) == 2

    asyncio.run(story())


@pytest.mark.parametrize(
    ("name", "password"), [("alice", SECRET + "x"), ("alic", "e" + SECRET), ("Alice", SECRET)]
)
def test_only_exactly_the_same_name_and_password_is_remembered(people, name, password):
    async def story():
        with house(people.provider()) as at:
            await at.identify("alice", SECRET)
            assert at.remembered(name, password) is None
            assert isinstance(await at.identify(name, password), Rejected)

    asyncio.run(story())


def test_the_same_wrong_password_is_not_evaluated_again_for_its_address(people):
    async def story():
        with house(people.provider(), ttl=60) as at:
            for _ in range(3):
                assert await at.identify("alice", "wrong") == Rejected("wrong_password")
            assert len(at.checks) == 1
            assert at.served == ["none", "wrong", "wrong"]
            assert at.remembered("alice", "wrong") is None
            await at.identify("alice", "wrong", address="198.51.100.1")
            assert len(at.checks) == 2
            await at.identify("alice", "wronger")
            assert len(at.checks) == 3
            at.clock.advance(60)
            await at.identify("alice", "wrong")
            assert len(at.checks) == 4

    asyncio.run(story())


@pytest.mark.parametrize("news", [frozenset({"name:alice", "base"}), None])
def test_news_about_the_account_ends_what_is_remembered_of_it(people, news):
    async def story():
        with house(people.provider()) as at:
            await at.identify("alice", SECRET)
            await at.identify("alice", "the next one of hers")
            people.add("alice", "the next one of hers")
            at.authenticator.forget(news)
            assert at.remembered("alice", SECRET) is None
            assert await at.identify("alice", SECRET) == Rejected("wrong_password")
            assert isinstance(await at.identify("alice", "the next one of hers"), Verified)

    asyncio.run(story())


def test_news_about_others_ends_nothing(people):
    async def story():
        with house(people.provider()) as at:
            await at.identify("alice", SECRET)
            at.authenticator.forget(
                frozenset({"name:bob", "base", "keys", "subject:user:local:alice"})
            )
            assert at.remembered("alice", SECRET) is not None

    asyncio.run(story())


def test_a_new_local_person_hides_the_remembered_one_of_a_file(people, path):
    async def story():
        with house(people.provider(), source(path)) as at:
            assert (await at.identify("bob", SECRET)).principal.source == "file"
            people.add("bob", "the local one's own")
            at.authenticator.forget(frozenset({"name:bob"}))
            assert await at.identify("bob", SECRET) == Rejected("wrong_password")

    asyncio.run(story())


def test_a_changed_line_ends_what_was_right_and_what_was_wrong(people, path):
    file = source(path)

    async def story():
        with house(people.provider(), file) as at:
            await at.identify("bob", SECRET)
            await at.identify("bob", "his next one")
            await at.identify("carol", SECRET)
            path.write_text(htpasswd_line("bob", "his next one") + htpasswd_line("carol", SECRET))
            file.refresh()
            assert at.remembered("bob", SECRET) is None
            assert await at.identify("bob", SECRET) == Rejected("wrong_password")
            assert isinstance(await at.identify("bob", "his next one"), Verified)
            assert isinstance(await at.identify("carol", SECRET), Verified)

    asyncio.run(story())


def test_a_line_in_an_earlier_file_hides_the_remembered_one_of_a_later(tmp_path, path):
    first = tmp_path / "first"
    first.write_text("# nobody yet\n")
    earlier = source(first)

    async def story():
        with house(earlier, source(path)) as at:
            assert isinstance(await at.identify("bob", SECRET), Verified)
            first.write_text(htpasswd_line("bob", "another bob"))
            earlier.refresh()
            assert at.remembered("bob", SECRET) is None
            assert await at.identify("bob", SECRET) == Rejected("wrong_password")

    asyncio.run(story())


def test_an_untouched_line_stays_remembered_when_its_file_changes(path):
    file = source(path)

    async def story():
        with house(file) as at:
            verified = await at.identify("bob", SECRET)
            path.write_text(path.read_text() + htpasswd_line("carol", SECRET))
            file.refresh()
            assert at.remembered("bob", SECRET) is verified

    asyncio.run(story())


@pytest.mark.parametrize("password", [SECRET, "wrong"])
def test_equal_requests_at_once_share_one_evaluation(people, password):
    """RX-01."""

    async def story():
        with house(people.provider()) as at:
            addresses = [f"192.0.2.{number}" for number in range(20)]
            answers = await asyncio.gather(
                *(at.identify("alice", password, address=each) for each in addresses)
            )
            assert len(set(map(type, answers))) == 1
            assert len(at.checks) == 1
            for each in addresses:  # a wrong one is remembered for each of them
                await at.identify("alice", password, address=each)
            assert len(at.checks) == 1

    asyncio.run(story())


def test_a_client_that_goes_away_takes_nothing_from_those_who_wait_with_it():
    people = Held()
    people.add("alice")

    async def story():
        with house(people.provider()) as at:
            first = asyncio.ensure_future(at.identify("alice", SECRET))
            await people.until_asked()
            second = asyncio.ensure_future(at.identify("alice", SECRET))
            await asyncio.sleep(0)
            first.cancel()
            people.go.set()
            assert isinstance(await second, Verified)
            assert at.remembered("alice", SECRET) is not None

    asyncio.run(story())


def test_all_who_wait_are_told_when_the_source_cannot_be_asked():
    people = Held()
    people.down = True

    async def story():
        with house(people.provider()) as at:
            waiting = [asyncio.ensure_future(at.identify("alice", SECRET)) for _ in range(3)]
            await people.until_asked()
            people.go.set()
            answers = await asyncio.gather(*waiting, return_exceptions=True)
            assert [type(answer) for answer in answers] == [Unavailable] * 3
            assert at.checks == [("local", "unavailable")]

    asyncio.run(story())


@pytest.mark.parametrize("news", [frozenset({"name:alice"}), None])
def test_an_answer_overtaken_by_news_is_not_remembered_and_nobody_joins_it(news):
    people = Held()
    people.add("alice")

    async def story():
        with house(people.provider()) as at:
            early = asyncio.ensure_future(at.identify("alice", SECRET))
            await people.until_asked()  # it has read the row
            people.add("alice", "the next one of hers")
            at.authenticator.forget(news)
            late = asyncio.ensure_future(at.identify("alice", SECRET))
            await people.until_asked()
            people.go.set()
            assert isinstance(await early, Verified)
            assert await late == Rejected("wrong_password")
            assert at.remembered("alice", SECRET) is None

    asyncio.run(story())


def test_news_about_others_lets_an_evaluation_under_way_be_remembered():
    people = Held()
    people.add("alice")

    async def story():
        with house(people.provider()) as at:
            asked = asyncio.ensure_future(at.identify("alice", SECRET))
            await people.until_asked()
            at.authenticator.forget(frozenset({"name:bob"}))
            people.go.set()
            await asked
            assert at.remembered("alice", SECRET) is not None

    asyncio.run(story())


def test_with_a_time_of_nothing_nothing_is_remembered(people):
    async def story():
        with house(people.provider(), ttl=0) as at:
            for _ in range(2):
                await at.identify("alice", SECRET)
                await at.identify("alice", "wrong")
            assert len(at.checks) == 4

    asyncio.run(story())


def right(ends=1.0, about=("name:a",)):
    return Remembered(Verified(ANONYMOUS), frozenset(about), ends, lambda: True)


def wrong(ends=1.0):
    return Remembered(Rejected("no"), frozenset({"name:a"}), ends, lambda: True)


def test_the_least_recently_used_goes_first_and_guesses_push_out_nothing_right():
    cache = CredentialCache(b"k" * 32, right=2, wrong=3)
    one, two, three = (cache.digest("a", secret) for secret in "123")
    cache.remember(one, "", right())
    cache.remember(two, "", right())
    assert cache.right(one, 0.0)
    cache.remember(three, "", right())
    for number in range(100):
        cache.remember(cache.digest("a", f"guess {number}"), "192.0.2.1", wrong())
    assert [bool(cache.right(each, 0.0)) for each in (one, two, three)] == [True, False, True]
    last, gone = cache.digest("a", "guess 99"), cache.digest("a", "guess 96")
    assert cache.wrong(last, "192.0.2.1", 0.0)
    assert cache.wrong(last, "192.0.2.2", 0.0) is None
    assert cache.wrong(gone, "192.0.2.1", 0.0) is None


def test_forgetting_leaves_nothing_of_an_entry_behind():
    cache = CredentialCache(b"k" * 32)
    key = cache.digest("a", "1")
    cache.remember(key, "", right(about=("name:a", "name:b")))
    cache.forget(frozenset({"name:b"}))
    assert cache.right(key, 0.0) is None
    cache.remember(key, "", right())
    cache.remember(key, "", right(about=("name:c",)))
    cache.forget(frozenset({"name:a"}))
    assert cache.right(key, 0.0)
    assert cache.right(key, 1.0) is None


def test_two_processes_remember_under_different_keys():
    keys = (CredentialCache(bytes([number]) * 32) for number in range(2))
    digests = {cache.digest("alice", hashed(SECRET)) for cache in keys}
    assert len(digests) == 2
