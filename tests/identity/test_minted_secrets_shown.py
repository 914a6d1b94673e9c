"""How minted secrets are shown, and what ends one that is remembered."""

import asyncio
import threading

import pytest
from identity.minted_parts import (
    AS_BASIC,
    AS_BEARER,
    AS_FORM,
    desk,
    minted,
    person,
    remembered,
    robot,
    said,
    shown,
)
from identity.parts import SECRET, People, here
from inprocess import basic

from authsvc.changes import secrets as stored
from authsvc.identity import minted_rows
from authsvc.protocol.credentials import (
    Bearer,
    Malformed,
    Password,
    from_api_authorization,
    from_authorization,
)

WAYS = (AS_BASIC, AS_BEARER, AS_FORM)
TAKEN = {"pat": (AS_BASIC, AS_BEARER), "rob": (AS_BASIC, AS_BEARER), "ref": (AS_FORM,)}


def of(database, kind):
    """A secret of that kind, and the name that it is shown with."""
    if kind == "rob":
        return minted(database, kind, robot(database)), "robot.ci"
    return minted(database, kind, person(database)), "alice"


@pytest.mark.parametrize("kind", TAKEN)
@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("then", WAYS)
def test_each_kind_is_taken_in_its_ways_alone_whatever_is_remembered(database, kind, first, then):
    """RT-15; a refresh token that is remembered from a form is none as a password."""
    secret, name = of(database, kind)

    async def story():
        with desk(database) as at:
            for way in (first, then, first):
                credentials, good = shown(secret, name, way), way in TAKEN[kind]
                assert await said(at, credentials) == (name if good else "no: unknown_secret")
                assert remembered(at, credentials) is good

    asyncio.run(story())


@pytest.mark.parametrize("name", ["\0bearer", "\0refresh_token"])
@pytest.mark.parametrize("kind", TAKEN)
def test_no_name_that_can_be_sent_stands_for_a_secret_without_one(database, kind, name):
    secret, _ = of(database, kind)
    header = basic(f"{name}:{secret.text}")[0][1].encode()
    assert from_authorization(header) == Malformed("control_character")
    assert from_api_authorization(header) == Malformed("control_character")


def test_an_empty_name_with_a_refresh_token_is_refused_without_a_look_up(database):
    """BuildKit tries that first, and then sends the form."""
    token = minted(database, "ref", person(database))
    header = basic(f":{token.text}")[0][1].encode()
    assert from_authorization(header) == Malformed("empty_user")


@pytest.mark.parametrize("kind", ["pat", "rob"])
def test_a_bearer_is_never_known_by_its_header_at_the_token_realm(database, kind):
    secret, _ = of(database, kind)
    header = f"Bearer {secret.text}".encode()
    credentials = from_api_authorization(header)
    assert credentials == Bearer(secret.text)
    assert from_authorization(header) == Malformed("scheme")

    async def story():
        with desk(database) as at:
            service = at.authenticator
            await service.identify(credentials, here())
            for _ in range(2):  # the admin API recognises it, by reading it each time
                assert service.remembered(credentials, here(), text=header) is not None
                assert service.recognised(header, here()) is None

    asyncio.run(story())


@pytest.mark.parametrize("kind", ["pat", "rob"])
def test_a_basic_header_is_known_until_its_secret_is_news(database, kind):
    secret, name = of(database, kind)
    header = basic(f"{name}:{secret.text}")[0][1].encode()

    async def story():
        with desk(database) as at:
            service = at.authenticator
            await service.identify(from_authorization(header), here())
            assert service.remembered(from_authorization(header), here(), text=header)
            assert service.recognised(header, here())
            service.forget(frozenset({stored.topic(secret.id)}))
            assert service.recognised(header, here()) is None

    asyncio.run(story())


NEWS = {
    "pat": ["secret:{}", "name:alice", None],
    "rob": ["secret:{}", "name:robot.ci", None],
    "ref": ["secret:{}", "name:alice", None],
}


@pytest.mark.parametrize(
    ("kind", "way", "topic"),
    [(kind, way, topic) for kind in NEWS for way in TAKEN[kind] for topic in NEWS[kind]],
)
def test_news_of_a_secret_or_its_owner_end_what_is_remembered_however_it_was_shown(
    database, kind, way, topic
):
    secret, name = of(database, kind)
    news = None if topic is None else frozenset({topic.format(secret.id)})
    credentials = shown(secret, name, way)

    async def story():
        with desk(database) as at:
            await said(at, credentials)
            others = {f"secret:{secret.id + 1}", "name:bob", "name:ci", "name:robot.alice", "base"}
            at.authenticator.forget(frozenset(others))
            assert remembered(at, credentials)
            at.authenticator.forget(news)
            assert not remembered(at, credentials)

    asyncio.run(story())


def test_the_end_of_one_secret_leaves_the_other_and_the_password(database):
    owner, people = person(database), People()
    people.add("alice")
    one, other = (minted(database, "pat", owner, name=label) for label in "ab")

    async def story():
        with desk(database, people.provider()) as at:
            for each in (shown(one), shown(other), Password("alice", SECRET)):
                assert await said(at, each) == "alice"
            at.authenticator.forget(frozenset({stored.topic(one.id)}))
            assert not remembered(at, shown(one))
            assert remembered(at, shown(other))
            assert remembered(at, Password("alice", SECRET))

    asyncio.run(story())


def test_a_new_password_leaves_a_personal_token_as_it_is(database):
    """It outlives it, whoever signs in with which password (contract section 6)."""
    people, token = People(), minted(database, "pat", person(database))
    people.add("alice")

    async def story():
        with desk(database, people.provider()) as at:
            assert await said(at, shown(token)) == "alice"
            people.add("alice", "the next one of hers")
            assert await said(at, Password("alice", "the next one of hers")) == "alice"
            assert await said(at, Password("alice", "a wrong one")) == "no: wrong_password"
            assert remembered(at, shown(token))

    asyncio.run(story())


class Slow:
    """Look-ups that have read the row and say so, and that end when they are let."""

    def __init__(self, database):
        self._database = database
        self._asked = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.go = threading.Event()

    def find(self, credentials):
        found = minted_rows.find(self._database, credentials)
        self._loop.call_soon_threadsafe(self._asked.set)
        self.go.wait()
        return found

    async def has_read(self):
        await self._asked.wait()
        self._asked.clear()


@pytest.mark.parametrize("way", [AS_BASIC, AS_BEARER])
@pytest.mark.parametrize("topic", ["secret:{}", None])
def test_a_look_up_overtaken_by_news_is_made_again_and_nobody_joins_it(database, way, topic):
    token = minted(database, "pat", person(database))
    news = None if topic is None else frozenset({topic.format(token.id)})

    async def story():
        slow = Slow(database)
        with desk(database, find=slow.find) as at:
            early = asyncio.ensure_future(said(at, shown(token, way=way)))
            await slow.has_read()
            with database.write() as session:
                session.delete(session.get(stored.Secret, token.id))
            at.authenticator.forget(news)
            late = asyncio.ensure_future(said(at, shown(token, way=way)))
            await asyncio.sleep(0)  # it has joined, or begun anew
            slow.go.set()
            assert (await early).startswith("no: ")
            assert (await late).startswith("no: ")
            assert not remembered(at, shown(token, way=way))

    asyncio.run(story())


def test_news_of_others_lets_a_look_up_under_way_be_remembered(database):
    token = minted(database, "pat", person(database))

    async def story():
        slow = Slow(database)
        with desk(database, find=slow.find) as at:
            asked = asyncio.ensure_future(said(at, shown(token)))
            await slow.has_read()
            at.authenticator.forget(frozenset({f"secret:{token.id + 1}", "name:bob"}))
            slow.go.set()
            assert await asked == "alice"
            assert remembered(at, shown(token))

    asyncio.run(story())


def test_equal_secrets_at_once_are_looked_up_once(database):
    token, looked = minted(database, "ref", person(database)), []

    def find(credentials):
        looked.append(credentials)
        return minted_rows.find(database, credentials)

    async def story():
        with desk(database, find=find) as at:
            asked = (said(at, shown(token, way=AS_FORM)) for _ in range(50))
            assert await asyncio.gather(*asked) == ["alice"] * 50

    asyncio.run(story())
    assert len(looked) == 1
    assert token.text not in repr(looked)
