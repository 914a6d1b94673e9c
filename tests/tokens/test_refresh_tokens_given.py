"""Who gets a refresh token, and what is kept of it."""

import asyncio
import hashlib
import re

import pytest
from inprocess import PASSWORD, basic, form
from refreshed import PUSH, given, giving, run, shown
from sqlalchemy import select

from authsvc.changes import registries
from authsvc.db.models import Secret, Subject

pytestmark = pytest.mark.anyio
ALICE = {"grant_type": "password", "service": "reg-a.test", "username": "alice",
         "password": PASSWORD}  # fmt: skip


@pytest.fixture(scope="module")
async def realm(tmp_path_factory):
    async with giving(tmp_path_factory.mktemp("given")) as running:
        yield running


def stored(realm, token):
    digest = hashlib.sha256(token.encode()).digest()
    with realm.parts.database.read() as session:
        return session.scalar(select(Secret).where(Secret.digest == digest))


@pytest.mark.parametrize(
    ("query", "gets"),
    [
        pytest.param("offline_token=true", True, id="RT-01-asked"),
        pytest.param("", False, id="RT-01-not-asked"),
        pytest.param("offline_token=false", False, id="RT-01-false"),
        pytest.param("access_type=offline", False, id="RT-01-of-the-form"),
    ],
)
async def test_a_get_brings_one_only_when_asked(realm, query, gets):
    answer = await realm.get(f"service=reg-a.test&{query}", "alice")
    assert answer.status == 200
    assert ("refresh_token" in answer.json) is gets


@pytest.mark.parametrize(
    ("more", "gets"),
    [
        pytest.param({"access_type": "offline"}, True, id="RT-01-asked"),
        pytest.param({}, False, id="RT-01-not-asked"),
        pytest.param({"access_type": "online"}, False, id="RT-01-online"),
        pytest.param({"offline_token": "true"}, False, id="RT-01-of-the-query"),
    ],
)
async def test_a_post_brings_one_only_when_asked(realm, more, gets):
    answer = await realm.post(form(**ALICE, **more))
    assert answer.status == 200
    assert ("refresh_token" in answer.json) is gets
    assert answer.token["sub"] == "alice"


async def test_nobody_gets_one_where_the_registry_gives_none(realm):
    answer = await realm.get("service=short.test&offline_token=true", "alice")
    assert answer.status == 200
    assert "refresh_token" not in answer.json


async def test_the_anonymous_get_none(realm):
    query = "service=reg-a.test&offline_token=true&scope=repository:open/x:pull"
    answer = await realm.get(query)
    assert answer.access == {"open/x": ["pull"]}
    assert "refresh_token" not in answer.json


async def test_a_refresh_grant_brings_none_and_the_token_goes_on(realm):  # RT-02
    token = await given(realm)
    for _ in range(3):
        answer = await shown(realm, token, access_type="offline", scope=PUSH)
        assert answer.access == {"team/app": ["pull", "push"]}
        assert "refresh_token" not in answer.json
    with realm.parts.database.read() as session:
        assert stored(realm, token).id == max(session.scalars(select(Secret.id)))


async def test_its_text_says_nothing_and_only_its_digest_is_kept(realm):  # RT-03
    tokens = {await given(realm, who) for who in ("alice", "alice", "bob")}
    assert len(tokens) == 3
    assert all(re.fullmatch(r"asv_ref_[0-9A-Za-z]{36}", token) for token in tokens)
    rows = [stored(realm, token) for token in tokens]
    assert [row.kind for row in rows] == ["ref"] * 3
    with realm.parts.database.read() as session:
        kept = str(session.execute(select(*Secret.__table__.columns)).all())
    assert not any(token[8:20] in kept for token in tokens)
    assert not any(token[8:20] in str(realm.records()) for token in tokens)


async def test_a_person_of_the_database_and_one_of_a_file_are_bound_to_who_they_are(realm):
    for who, source in (("dora", "local"), ("carol", "file")):
        row = stored(realm, await given(realm, who))
        with realm.parts.database.read() as session:
            owner = session.get(Subject, row.subject_id)
        assert (owner.name, owner.source) == (who, source)
        assert owner.external_id == (None if source == "local" else who)
        assert row.password


async def test_the_record_of_the_request_names_it(realm):
    token = await given(realm)
    record = next(each for each in reversed(realm.records()) if each["event"] == "token")
    assert record["after"] == {"refresh_token": {"id": stored(realm, token).id}}
    assert record["outcome"] == "granted"
    await shown(realm, token)
    record = realm.records()[-1]
    kind, secret = record["credential"]["kind"], record["credential"]["id"]
    assert (kind, secret) == ("refresh_token", str(stored(realm, token).id))
    assert record["after"] is None


async def test_one_that_makes_none_go_is_no_change_of_its_own(realm):
    await given(realm, "bob")
    before = len([each for each in realm.records() if each["event"] == "admin"])
    await given(realm, "bob")
    assert len([each for each in realm.records() if each["event"] == "admin"]) == before


async def test_two_refresh_tokens_of_one_person_are_two(realm):
    one, other = await given(realm), await given(realm)
    assert one != other
    assert {(await shown(realm, token)).status for token in (one, other)} == {200}


async def test_a_header_and_a_form_that_show_one_person_bring_one(realm):
    answer = await realm.post(form(**ALICE, access_type="offline"), headers=basic("alice"))
    assert answer.json["refresh_token"]


async def test_when_switched_off_none_are_given_and_those_given_end_for_good(tmp_path):
    async with giving(tmp_path) as realm:
        token, other = await given(realm), await given(realm, service="reg-b.test")
        change = {"refresh_tokens": False}
        run(realm.parts, lambda tx: registries.change(tx, "reg-a.test", change))
        record = realm.records()[-1]
        assert record["after"]["refresh_tokens_ended"] == 1
        assert stored(realm, token) is None
        answer = await realm.get("service=reg-a.test&offline_token=true", "alice")
        assert "refresh_token" not in answer.json
        run(realm.parts, lambda tx: registries.change(tx, "reg-a.test", {"refresh_tokens": True}))
        assert (await shown(realm, token)).status == 400
        assert (await shown(realm, other, service="reg-b.test")).status == 200


async def test_who_asks_for_many_at_once_keeps_nobody_else_from_one(realm):
    await given(realm)
    await given(realm, "bob")
    query, over = "service=reg-a.test&offline_token=true", asyncio.Event()

    async def ask_and_ask():
        while not over.is_set():
            assert (await realm.get(query, "alice")).status in (200, 503)
            await asyncio.sleep(0.001)  # a refusal need not have waited for anything

    crowd = [asyncio.create_task(ask_and_ask()) for _ in range(200)]
    await asyncio.sleep(0)
    bob = [await realm.get(query, "bob") for _ in range(10)]
    over.set()
    await asyncio.gather(*crowd)
    assert all("refresh_token" in each.json for each in bob), [each.status for each in bob]
