"""Minted secrets of people in an htpasswd file: what becomes of them with their owner's line."""

import asyncio
from math import inf

import pytest
from identity.minted_parts import AS_FORM, desk, left, minted, person, remembered, said, shown
from identity.parts import NOW, SECRET, htpasswd_line
from inprocess import installation
from sqlalchemy import select

from authsvc.assembly.minted import end_lost
from authsvc.assembly.offline import Offline
from authsvc.assembly.online import online
from authsvc.audit import reader
from authsvc.changes import secrets as stored
from authsvc.changes.unit_of_work import UnitOfWork
from authsvc.clock import FrozenClock
from authsvc.db.models import Change
from authsvc.errors import Unavailable
from authsvc.identity.bulkhead import Bulkhead
from authsvc.identity.htpasswd import Htpasswd
from authsvc.identity.minted import Owners

BOB, CAROL = (htpasswd_line(name, SECRET) for name in ("bob", "carol"))
OTHER = htpasswd_line("bob", "the next one of his")
FAULTY = BOB.replace(":", ":!", 1)
COMMENT = "#" + BOB


class File(Htpasswd):
    """A source that is written by the test, and reads at once what is written."""

    def __init__(self, path, content=BOB + CAROL):
        self.path = path
        if content:
            path.write_text(content)
        super().__init__("file", path, ["bcrypt"], pause=lambda _seconds: None)

    def holds(self, content):
        self.path.write_text(content)
        self.refresh()


@pytest.fixture
def file(tmp_path):
    return File(tmp_path / "people")


@pytest.fixture
def secrets(database, file):
    """Bob's personal token and his refresh token, as credentials."""
    return of_bob(database, file)


def of_bob(database, file):
    row = person(database, "bob", "file")
    token = minted(database, "ref", row, password=file.verify("bob", SECRET, NOW).password)
    return shown(minted(database, "pat", row), "bob"), shown(token, way=AS_FORM)


def told(database, file, story):
    async def whole():
        threads = Bulkhead("secrets", threads=1, queue=10)
        with desk(database, owners={"file": Owners(file, threads, inf)}) as at:
            await story(at)
        threads.close()

    asyncio.run(whole())


async def all_say(at, secrets, *expected):
    assert [await said(at, each) for each in secrets] == list(expected)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(CAROL, id="others"),
        pytest.param(CAROL + COMMENT, id="commented out"),
        pytest.param("# nobody any more\n", id="nobody"),
    ],
)
def test_a_line_that_is_gone_ends_both_for_good(database, file, secrets, content):
    """HT-10."""

    async def story(at):
        await all_say(at, secrets, "bob", "bob")
        file.holds(content)
        assert not any(remembered(at, each) for each in secrets)  # at once
        await all_say(at, secrets, "no: unknown_user", "no: unknown_user")
        assert left(database) == []
        file.holds(CAROL + BOB)
        await all_say(at, secrets, "no: wrong_secret", "no: unknown_secret")

    told(database, file, story)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(CAROL + FAULTY, id="faulty"),
        pytest.param(FAULTY + BOB + CAROL, id="twice"),
        pytest.param("bob\n" + CAROL, id="no hash"),
    ],
)
def test_a_line_that_became_faulty_disables_its_owner(database, file, secrets, content):
    async def story(at):
        await all_say(at, secrets, "bob", "bob")
        file.holds(content)
        await all_say(at, secrets, "no: disabled", "no: disabled")
        file.holds(BOB)
        await all_say(at, secrets, "bob", "no: unknown_secret")

    told(database, file, story)


def test_a_new_password_ends_refresh_tokens_for_good_and_nothing_else(database, file, secrets):
    async def story(at):
        await all_say(at, secrets, "bob", "bob")
        file.holds(OTHER + CAROL)
        assert [remembered(at, each) for each in secrets] == [True, False]
        await all_say(at, secrets, "bob", "no: password_changed")
        file.holds(BOB + CAROL)
        await all_say(at, secrets, "bob", "no: unknown_secret")

    told(database, file, story)


def test_what_others_have_in_the_file_is_of_no_matter(database, file, secrets):
    async def story(at):
        await all_say(at, secrets, "bob", "bob")
        file.holds(htpasswd_line("carol", "another") + BOB)
        assert all(remembered(at, each) for each in secrets)

    told(database, file, story)


def test_a_file_knows_names_in_their_own_letters_alone(database, file, secrets):
    """There may be a Bob beside bob."""

    async def story(at):
        assert await said(at, shown(secrets[0].secret, "Bob")) == "no: other_user"

    told(database, file, story)


def test_a_file_that_went_away_ends_nothing_and_one_that_never_came_says_nothing(
    database, file, secrets
):
    async def story(at):
        file.path.unlink()
        file.refresh()
        await all_say(at, secrets, "bob", "bob")

    told(database, file, story)
    never = File(file.path, "")

    async def unheard(at):
        for each in secrets:
            with pytest.raises(Unavailable):
                await said(at, each)
        never.holds(BOB)
        await all_say(at, secrets, "bob", "bob")

    told(database, never, unheard)


def tended(database, *files):
    """What the job of one worker does; the topics of the changes that it made."""
    work = UnitOfWork(database, FrozenClock(NOW), lambda: None)
    end_lost(Offline(None, database, None, work, None), files)
    with database.read() as session:
        return sorted(topic for some in session.scalars(select(Change.topics)) for topic in some)


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        pytest.param(CAROL, ["no: wrong_secret", "no: unknown_secret"], id="gone"),
        pytest.param(FAULTY + CAROL, ["bob", "no: unknown_secret"], id="faulty"),
        pytest.param(OTHER + CAROL, ["bob", "no: unknown_secret"], id="another password"),
        pytest.param(BOB, ["bob", "bob"], id="of another only"),
    ],
)
def test_what_ends_them_is_seen_though_nobody_shows_one_meanwhile(
    database, file, secrets, between, expected
):
    """A name that comes back is hardly the same person."""
    carols = minted(database, "pat", person(database, "carol", "file"))
    before = left(database)

    async def story(at):
        await all_say(at, secrets, "bob", "bob")
        file.holds(between)
        topics = tended(database, file)
        gone = set(before) - set(left(database)) - {carols.id}
        assert {stored.topic(each) for each in gone} <= set(topics)
        at.authenticator.forget(frozenset(topics))
        file.holds(BOB + CAROL)
        await all_say(at, secrets, *expected)
        ended = between == BOB
        assert (carols.id in left(database)) is not ended

    told(database, file, story)


def test_the_job_leaves_alone_what_it_cannot_know(database, file, secrets):
    """A file that is gone, one that is broken, another source, other people's."""
    persons = [person(database, "bob"), person(database, "bob", "corp")]
    for each in persons:
        minted(database, "pat", each)
    before = left(database)
    assert tended(database, file) == []
    file.holds("not a line of any use\n")
    assert (file.state(), tended(database, file)) == ("degraded", [])
    file.holds(CAROL)
    file.path.unlink()
    file.refresh()
    assert tended(database, file, File(file.path.with_name("never"), "")) == []
    assert left(database) == before


def test_many_are_ended_in_parts_each_with_its_record(database, file, secrets, monkeypatch):
    monkeypatch.setattr(stored, "AT_ONCE", 2)
    owner = person(database, "dave", "file")
    for number in range(5):
        minted(database, "pat", owner, name=f"token {number}")
    topics = tended(database, file)
    assert len(left(database)) == 2
    assert len([each for each in topics if each.startswith("secret:")]) == 5
    with database.read() as session:
        records = list(reader.records(session, limit=10))
    assert [len(each["before"]["secrets"]) for each in records] == [2, 2, 1]
    assert {each["after"]["reason"] for each in records} == {"unknown_user"}
    assert {each["actor"]["kind"] for each in records} == {"system"}


def test_a_worker_has_that_job_and_one_of_all_runs_it(tmp_path):
    settings, base = installation(tmp_path)
    row = person(base.database, "eve", "file")
    minted(base.database, "pat", row)

    async def story():
        parts = online(settings)
        (job,) = (each for each in parts.jobs if each.name == "secrets of files")
        assert job.exclusive
        assert job.every <= 10
        job.run()
        parts.offline.database.dispose()

    asyncio.run(story())
    assert left(base.database) == []
    base.database.dispose()
