"""Minted secrets of people in a directory: what becomes of them with their owner's entry."""

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from identity.minted_parts import AS_FORM, desk, left, minted, person, remembered, said, shown
from identity.parts import NOW, here
from real.company import PASSWORDS, dn_of
from real.company import person as entry

from authsvc.errors import Unavailable
from authsvc.identity.bulkhead import Bulkhead
from authsvc.identity.ldap.provider import Ldap
from authsvc.identity.minted import Owners

TTL, GRACE = 60, 600
FOR_GOOD = "000001010000Z"
LANA = dn_of("lana")


@pytest.fixture
def server(slapd_of_its_own):
    return slapd_of_its_own


@dataclass
class Worker:
    """One worker, whose directory's timer and own clock stand until `wait`."""

    house: object
    corp: Ldap
    standing: object

    def wait(self, seconds):
        self.standing.now += seconds
        self.house.clock.advance(seconds)

    async def says(self, credentials):
        try:
            outcome = await said(self.house, credentials)
        except Unavailable:
            return "503"
        if outcome.startswith("no"):
            return outcome
        found = await self.house.authenticator.identify(credentials, here())
        return f"{outcome}, pulls" if found.bounds.pull_only else outcome


@pytest.fixture
def worker(database, server, sources, standing):
    @contextmanager
    def make(**settings):
        settings = {"cache_ttl": TTL, "password_changed_attribute": "description"} | settings
        corp = sources(server.url, timer=standing, **settings)
        threads = Bulkhead("source corp", threads=2, queue=10)
        ttl, grace = settings["cache_ttl"], settings.get("outage_grace", 0)
        owners = {"corp": Owners(corp, threads, ttl, grace, folds=True)}
        with desk(database, owners=owners) as house:
            yield Worker(house, corp, standing)
        threads.close()

    return make


@pytest.fixture
def secrets(database, server, sources):
    """A personal token of lana's and a refresh token, as credentials."""
    server.replace(LANA, "description", "20260101000000Z")
    known = sources(server.url).knows("lana")
    row = person(database, "lana", "corp", external_id=known.id)
    token = minted(database, "ref", row, password="20260101000000Z")
    return shown(minted(database, "pat", row), "lana"), shown(token, way=AS_FORM)


def told(worker, story, **settings):
    async def whole():
        with worker(**settings) as at:
            await story(at)

    asyncio.run(whole())


async def all_say(at, secrets, *expected):
    assert [await at.says(each) for each in secrets] == list(expected)


def test_who_is_there_is_let_in_by_both_and_asked_for_again_after_cache_ttl(
    database, server, worker, secrets
):
    async def story(at):
        await all_say(at, secrets, "lana", "lana")
        found = await at.house.authenticator.identify(secrets[0], here())
        assert "group:corp:devs" in found.principal.groups
        asked = len(server.said())
        at.wait(TTL - 1)
        assert all(remembered(at.house, each) for each in secrets)
        assert len(server.said()) == asked
        at.wait(1)
        assert not any(remembered(at.house, each) for each in secrets)
        await all_say(at, secrets, "lana", "lana")
        assert len(server.said()) > asked

    told(worker, story)


def test_an_entry_that_is_gone_ends_both_for_good_also_for_a_namesake(
    database, server, worker, secrets
):
    async def story(at):
        await all_say(at, secrets, "lana", "lana")
        server.remove(LANA)
        at.wait(TTL)
        await all_say(at, secrets, "no: unknown_user", "no: unknown_user")
        assert left(database) == []
        server.add([entry("lana", "the newcomer's own")])
        await all_say(at, secrets, "no: wrong_secret", "no: unknown_secret")

    told(worker, story)


def test_an_entry_that_was_given_away_unseen_ends_both_for_good(database, server, worker, secrets):
    async def story(at):
        server.remove(LANA)
        server.add([entry("lana", "the newcomer's own")])
        await all_say(at, secrets, "no: unknown_user", "no: unknown_user")
        assert left(database) == []

    told(worker, story)


OFF = {
    "locked for good": (
        lambda server: server.replace(LANA, "pwdAccountLockedTime", FOR_GOOD),
        lambda server: server.replace(LANA, "pwdAccountLockedTime"),
    ),
    "left out by active_filter": (
        lambda server: server.replace(LANA, "title", "left"),
        lambda server: server.replace(LANA, "title"),
    ),
}


@pytest.mark.parametrize("way", OFF)
def test_who_is_disabled_loses_refresh_tokens_and_the_personal_one_sleeps(
    database, server, worker, secrets, way
):
    """LD-15."""
    off, on = OFF[way]

    async def story(at):
        await all_say(at, secrets, "lana", "lana")
        off(server)
        at.wait(TTL)
        await all_say(at, secrets, "no: disabled", "no: disabled")
        assert len(left(database)) == 1
        on(server)
        at.wait(TTL)
        await all_say(at, secrets, "lana", "no: unknown_secret")

    told(worker, story, active_filter="(!(title=left))")


def test_one_who_is_locked_by_guesses_goes_on_with_both(database, server, worker, secrets):
    """LD-15."""

    async def story(at):
        server.replace(LANA, "pwdAccountLockedTime", "20260101000000Z")
        await all_say(at, secrets, "lana", "lana")

    told(worker, story)


@pytest.mark.parametrize("ttl", [TTL, 0])
def test_a_new_password_ends_refresh_tokens_for_good_and_nothing_else(
    database, server, worker, secrets, ttl
):
    async def story(at):
        await all_say(at, secrets, "lana", "lana")
        server.replace(LANA, "description", "20260102000000Z")
        at.wait(TTL)
        await all_say(at, secrets, "lana", "no: password_changed")
        server.replace(LANA, "description", "20260101000000Z")
        at.wait(TTL)
        await all_say(at, secrets, "lana", "no: unknown_secret")

    told(worker, story, cache_ttl=ttl)


def test_a_server_that_lags_behind_ends_no_refresh_token(database, server, worker, secrets):
    async def story(at):
        server.replace(LANA, "description", "20251231000000Z")
        await all_say(at, secrets, "lana", "lana")

    told(worker, story)


def test_without_the_attribute_a_new_password_ends_nothing(database, server, worker, secrets):
    async def story(at):
        server.replace(LANA, "description", "20260102000000Z")
        await all_say(at, secrets, "lana", "lana")

    told(worker, story, password_changed_attribute="")


def test_the_name_of_today_counts_in_any_letters_and_the_old_one_no_more(
    database, server, worker, secrets
):
    token = secrets[0].secret

    async def story(at):
        assert await at.says(shown(token, "LANA")) == "lana"
        assert await at.says(shown(token, "svetlana")) == "no: other_user"
        server.rename(LANA, "uid=svetlana")
        at.wait(TTL)
        assert await at.says(shown(token, "lana")) == "no: other_user"
        assert await at.says(shown(token, "Svetlana")) == "svetlana"
        assert await at.says(secrets[1]) == "svetlana"
        assert len(left(database)) == 2

    told(worker, story)


def test_without_a_grace_an_outage_is_503_once_the_last_look_is_old_and_ends_nothing(
    database, server, worker, secrets
):
    async def story(at):
        await all_say(at, secrets, "lana", "lana")
        server.stop()
        at.wait(TTL - 1)
        await all_say(at, secrets, "lana", "lana")
        at.wait(1)
        await all_say(at, secrets, "503", "503")
        server.start()
        at.wait(TTL)
        await all_say(at, secrets, "lana", "lana")

    told(worker, story)


@pytest.mark.parametrize("ttl_of_memory", [TTL, 0], ids=["remembered", "asked anew"])
def test_with_a_grace_they_pull_for_that_long_and_get_503_then(
    database, server, worker, secrets, ttl_of_memory
):
    async def story(at):
        await all_say(at, secrets, "lana", "lana")
        at.wait(TTL - 1)
        at.corp.refresh()
        server.stop()
        if not ttl_of_memory:
            at.house.authenticator.forget(None)
        at.wait(TTL)
        await all_say(at, secrets, "lana, pulls", "lana, pulls")
        at.wait(GRACE - 2 * TTL)  # since they were let in last
        await all_say(at, secrets, "lana, pulls", "lana, pulls")
        at.wait(1)
        await all_say(at, secrets, "503", "503")
        server.start()
        at.wait(TTL)
        at.corp.refresh()
        await all_say(at, secrets, "lana", "lana")

    told(worker, story, outage_grace=GRACE)


def test_nobody_who_was_not_seen_before_the_outage_has_a_grace(database, server, worker, secrets):
    async def story(at):
        server.stop()
        await all_say(at, secrets, "503", "503")
        assert len(left(database)) == 2

    told(worker, story, outage_grace=GRACE)


CHANGES = {
    "gone": (lambda server: server.remove(LANA), ["no: unknown_user", "no: unknown_user"]),
    "disabled": (
        lambda server: server.replace(LANA, "pwdAccountLockedTime", FOR_GOOD),
        ["no: disabled", "no: disabled"],
    ),
    "a new password": (
        lambda server: server.replace(LANA, "description", "20260102000000Z"),
        ["lana, pulls", "no: password_changed"],
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("forgotten", [True, False])
def test_what_was_seen_before_an_outage_counts_within_it(
    database, server, worker, secrets, change, forgotten
):
    edit, expected = CHANGES[change]

    async def story(at):
        await all_say(at, secrets, "lana", "lana")
        edit(server)
        at.wait(TTL - 1)
        at.corp.refresh()  # it sees the change, and nobody shows a secret
        server.stop()
        if forgotten:
            at.house.authenticator.forget(None)
        at.wait(TTL)
        await all_say(at, secrets, *expected)

    told(worker, story, outage_grace=GRACE)


def test_the_entries_of_others_are_of_no_matter(database, server, worker, secrets):
    async def story(at):
        await all_say(at, secrets, "lana", "lana")
        verified = at.corp.verify("bob", PASSWORDS["bob"], NOW)
        server.remove(dn_of("bob"))
        at.corp.recheck(verified.principal)
        at.wait(TTL)
        await all_say(at, secrets, "lana", "lana")
        server.add([entry("bob", PASSWORDS["bob"])])

    told(worker, story)
