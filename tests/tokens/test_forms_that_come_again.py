"""A form that was read before is not read again; its sender is judged each time all the same."""

import asyncio
import json
from urllib.parse import urlencode

import pytest
from refreshed import given, giving, local, run

from authsvc.changes import users

pytestmark = pytest.mark.anyio
FORM = (b"content-type", b"application/x-www-form-urlencoded")
SCOPE = "repository:team/app:pull,push"


@pytest.fixture
async def realm(tmp_path):
    async with giving(tmp_path) as running:
        yield running


def refreshing(token, scope=SCOPE):
    return urlencode(
        {"grant_type": "refresh_token", "refresh_token": token, "service": "reg-a.test",
         "scope": scope, "client_id": "docker"}
    ).encode()  # fmt: skip


def scope_of(*headers, method="POST", query=b""):
    return {"method": method, "path": "/token", "query_string": query, "headers": [*headers],
            "client": ("192.0.2.1", 4711)}  # fmt: skip


async def ask(realm, body, *headers, **more):
    """Through the direct door: whether it took a task of its own, the status and the body."""
    door, scope = realm.app.direct, scope_of(*headers, **more)
    answered = asyncio.get_running_loop().create_future()
    at_once = door.begin(scope, body, answered.set_result)
    status, _, text = await answered if at_once else await door.answer(scope, body)
    return at_once, status, json.loads(text)


async def test_the_third_time_it_is_answered_at_once_and_alike(realm):
    body = refreshing(await given(realm, "dora"))
    answers = [await ask(realm, body, FORM) for _ in range(4)]
    assert [status for _, status, _ in answers] == [200] * 4
    assert [at_once for at_once, _, _ in answers][2:] == [True, True]
    assert {answer["scope"] for _, _, answer in answers} == {SCOPE}


async def test_what_has_ended_is_refused_though_the_form_is_known(realm):
    body = refreshing(await given(realm, "dora"))
    for _ in range(3):
        assert (await ask(realm, body, FORM))[1] == 200
    run(realm.parts, lambda tx: users.revoke(tx, local("dora")))
    await asyncio.sleep(1.1)  # until every worker must have seen it
    _, status, answer = await ask(realm, body, FORM)
    assert (status, answer["error"]) == (400, "invalid_grant")


async def test_a_known_form_counts_only_as_a_form(realm):
    token = await given(realm, "dora")
    body = refreshing(token)
    for _ in range(3):
        assert (await ask(realm, body, FORM))[1] == 200
    for headers in (
        [(b"content-type", b"application/json")],
        [FORM, (b"content-encoding", b"gzip")],
        [FORM, (b"authorization", b"Basic eDp5")],
    ):
        assert (await ask(realm, body, *headers))[1] in (400, 401, 415)
    assert (await ask(realm, body, FORM, query=b"service=reg-b.test"))[1] == 400
    query = b"service=reg-a.test"
    for header in (body, b"Bearer " + token.encode()):
        shown = (b"authorization", header)
        assert (await ask(realm, None, shown, method="GET", query=query))[1] == 401
