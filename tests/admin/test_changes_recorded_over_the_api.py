"""Audit over the API: one record for each change and each refusal, with all that AU-06 asks for."""

import json

import pytest
from admin.api import PASSPHRASE, without_secret
from admin.made import CHANGES, NOUNS, NUMBERS, fresh
from inprocess import basic

from authsvc.audit.records import MEMBERS

pytestmark = pytest.mark.anyio
AGENT = 'cur"l\x1b[31m/8'
ROOT = {"kind": "user", "source": "file", "name": "root", "id": "root"}


async def left_by(api, call):
    """The answer to a call, and the records that it left."""
    before = len(api.realm.records())
    answer = await call
    records = api.realm.records()[before:]
    assert all(tuple(record) == MEMBERS for record in records)  # AU-01
    return answer, records


async def told(api, method, path, body=None, *, peer="198.51.100.9", more=()):
    """A request by root as a program of somebody's makes it."""
    headers = [("user-agent", AGENT), ("x-request-id", f"r-{next(NUMBERS)}"), *more]
    sent = [*headers, *basic("root"), ("content-type", "application/json")]
    data = b"" if body is None else json.dumps(body).encode()
    path = f"/api/v1{path}"
    return await api.realm.call(method, path, headers=sent, body=data, peer=peer)


def checked(answer, record, outcome):
    assert (record["event"], record["outcome"]) == ("admin", outcome)
    assert record["actor"] == ROOT
    assert record["credential"] == {"kind": "password", "id": None}
    assert (record["address"], record["peer"]) == ("198.51.100.9", "198.51.100.9")
    assert record["request_id"] == answer.headers["x-request-id"]
    assert record["user_agent"] == AGENT
    assert record["decision_id"] is record["asked"] is record["granted"] is None


@pytest.mark.parametrize("noun", NOUNS)
async def test_each_change_leaves_one_record(api, noun):
    await api.get("/me")
    answer, [record] = await left_by(api, told(api, "POST", f"/{noun}", fresh(noun)))
    checked(answer, record, "granted")
    item = without_secret(answer.json)
    assert record["before"] is None
    assert item in record["after"].values()

    path = f"/{noun}/{item['id']}"
    tag = [("if-match", answer.headers["etag"])]
    answer, [record] = await left_by(api, told(api, "PATCH", path, CHANGES[noun], more=tag))
    checked(answer, record, "granted")
    assert item in record["before"].values()
    assert answer.json in record["after"].values()

    item = answer.json
    answer, [record] = await left_by(api, told(api, "DELETE", path))
    checked(answer, record, "granted")
    assert record["after"] is None
    gone = list(record["before"].values())
    assert item in gone or [item] in gone


@pytest.mark.parametrize("noun", NOUNS)
async def test_what_changes_nothing_leaves_no_record(api, noun):
    item = await api.make(f"/{noun}", **fresh(noun))
    path = f"/{noun}/{item['id']}"
    same = {"reason": item["reason"]} if noun == "grants" else {}
    answer, records = await left_by(api, told(api, "PATCH", path, same, more=[("if-match", "*")]))
    assert (answer.status, answer.json, records) == (200, item, [])
    for read in (path, f"/{noun}", "/audit", "/me"):
        answer, records = await left_by(api, told(api, "GET", read))
        assert (answer.status, records) == (200, [])


ELSEWHERE = {"subject": "user:file:olga", "role": "owner", "on": "team-x", "registry": "reg-a.test"}
REFUSED = [
    ("root", "POST", "/groups", {"name": "devs"}, 409),
    ("root", "POST", "/groups", {"name": "n", "members": ["no"]}, 422),
    ("root", "DELETE", "/groups/999999", None, 404),
    ("root", "DELETE", "/roles/1", None, 409),
    ("auditor", "POST", "/groups", {"name": "n"}, 403),
    ("auditor", "POST", "/users", {"name": "n", "password": PASSPHRASE}, 403),
    ("auditor", "POST", "/roles", {"name": "n", "allow": ["repository:pull"]}, 403),
    ("auditor", "POST", "/registries", {"name": "n"}, 403),
    ("auditor", "POST", "/keys/rotate", {}, 403),
    ("olga", "POST", "/namespaces", {"name": "other"}, 403),
    ("olga", "POST", "/grants", {"subject": "user:file:olga", "role": "admin"}, 403),
    ("olga", "POST", "/grants", ELSEWHERE, 403),
    ("temp", "POST", "/grants", {"subject": "user:file:bob", "role": "reader", "on": "brief"}, 403),
]


@pytest.mark.parametrize(("who", "method", "path", "body", "status"), REFUSED)
async def test_a_refused_change_leaves_one_record_and_nothing_else(
    api, who, method, path, body, status
):
    await api.as_(who).get("/me")
    before = {noun: await api.all(f"/{noun}") for noun in (*NOUNS, "keys")}
    answer, [record] = await left_by(api, api.as_(who)(method, path, body))
    assert answer.status == status
    assert record["outcome"] == "refused"
    assert record["event"] == ("key" if path.startswith("/keys") else "admin")
    assert record["actor"]["name"] == who
    assert record["reason"]
    assert record["before"] is record["after"] is None
    assert {noun: await api.all(f"/{noun}") for noun in (*NOUNS, "keys")} == before


async def test_what_is_sent_again_is_recorded_once(api):
    body, key = fresh("groups"), [("idempotency-key", f"audited-{next(NUMBERS)}")]
    _, first = await left_by(api, told(api, "POST", "/groups", body, more=key))
    _, again = await left_by(api, told(api, "POST", "/groups", body, more=key))
    assert (len(first), again) == (1, [])


async def test_a_first_sign_in_is_recorded_once_and_each_refused_one(api):
    await api.make("/users", name="newcomer", password=PASSPHRASE)
    who = f"newcomer:{PASSPHRASE}"
    user, [record] = await left_by(api, api.as_(who).get("/me"))
    assert (record["event"], record["outcome"]) == ("login", "granted")
    assert record["actor"] == {"kind": "user", "source": "local", "name": "newcomer",
                               "id": user.json["id"]}  # fmt: skip
    assert (record["claimed"], record["peer"]) == (None, "127.0.0.1")
    for _ in range(3):
        assert (await left_by(api, api.as_(who).get("/me")))[1] == []
    nobody = {"kind": "anonymous", "source": None, "name": None, "id": None}
    for _ in range(3):
        _, [record] = await left_by(api, api.as_("newcomer:wrong").get("/me"))
        assert (record["event"], record["outcome"]) == ("login", "refused")
        assert (record["actor"], record["claimed"]) == (nobody, "newcomer")
        assert record["reason"] == "wrong_password"


async def test_a_password_in_the_place_of_a_name_is_kept_nowhere(api):  # PX-08
    secret = "my secret pass phrase"
    _, [record] = await left_by(api, api.as_(f"{secret}:x").get("/me"))
    assert len(record["claimed"]) == 12
    assert int(record["claimed"], 16) >= 0
    assert secret not in str(record)


async def test_the_address_behind_a_proxy_that_is_not_trusted_is_the_peers(api):  # PX-15
    more = [("x-forwarded-for", "203.0.113.7"), ("forwarded", "for=203.0.113.8")]
    answer, [record] = await left_by(api, told(api, "POST", "/groups", fresh("groups"), more=more))
    checked(answer, record, "granted")


async def test_a_change_is_heard_by_the_token_realm_at_once(api):
    for _ in range(10):
        on = f"heard{next(NUMBERS)}"
        scope = f"repository:{on}/x:push"
        grant = await api.make("/grants", subject="user:file:carol", role="writer", on=on)
        assert await api.token("carol", scope) == {f"{on}/x": ["push"]}
        await api.patch(f"/grants/{grant['id']}", {"role": "reader"})
        assert await api.token("carol", scope) == {}
        await api.delete(f"/grants/{grant['id']}")
        registry = await api.make("/registries", name=f"{on}.test")
        assert await api.token("carol", "", service=f"{on}.test") == {}
        await api.patch(f"/registries/{registry['id']}", {"enabled": False})
        assert (await api.realm.get(f"service={on}.test", "carol")).status == 400
