"""AD-21: what a caller may not see answers byte for byte as what is not there, and stays as it is.

But for the id of the request, and for the path that was asked, which the caller wrote.
"""

import json

import pytest
from admin.made import CHANGES, fresh

pytestmark = pytest.mark.anyio
ABSENT = 1 << 40
REQUESTS = [
    pytest.param("GET", "", None, (), id="read"),
    pytest.param("GET", "?x=1", None, (), id="read with a parameter"),
    pytest.param("PATCH", "", "change", [("if-match", "*")], id="change"),
    pytest.param("PATCH", "", "change", (), id="change without a condition"),
    pytest.param("PATCH", "", "change", [("if-match", '"x"')], id="change of another state"),
    pytest.param("PATCH", "", "change", [("if-match", "x")], id="change with no tag"),
    pytest.param("PATCH", "", {"x": 1}, [("if-match", "*")], id="change of no such member"),
    pytest.param("DELETE", "", None, (), id="remove"),
    pytest.param("DELETE", "", None, [("if-match", '"x"')], id="remove another state"),
    pytest.param("DELETE", "?x=1", None, (), id="remove with a parameter"),
]  # fmt: skip
UNSEEN = {
    "carol": tuple(CHANGES),
    "olga": ("registries", "namespaces", "users", "groups", "grants", "robots"),
    "otto": ("namespaces", "users", "groups", "grants", "robots"),
    "temp": ("namespaces", "users", "groups", "grants", "robots"),
}


def said(answer):
    """All of an answer but what differs from one request to the next."""
    own = ("x-request-id", "content-length", "instance", "request_id")
    headers = {name: value for name, value in answer.headers.items() if name not in own}
    return answer.status, headers, [(k, v) for k, v in answer.json.items() if k not in own]


@pytest.mark.parametrize(("method", "query", "body", "headers"), REQUESTS)
@pytest.mark.parametrize("who", UNSEEN)
async def test_an_item(api, who, method, query, body, headers):
    for noun in UNSEEN[who]:
        item = await api.make(f"/{noun}", **fresh(noun))
        sent = CHANGES[noun] if body == "change" else body
        seen, absent = [
            said(await api.as_(who)(method, f"/{noun}/{id_}{query}", sent, headers=headers))
            for id_ in (item["id"], ABSENT)
        ]
        assert seen == absent
        assert (await api.get(f"/{noun}/{item['id']}")).json == item


@pytest.mark.parametrize("headers", [(), [("if-match", "*")], [("idempotency-key", "k")]])
@pytest.mark.parametrize("body", ["good", b"", b"{", b"[" * 99, b"a" * (2 << 20)])
async def test_a_collection_that_is_not_seen_says_no_more_of_any_body(api, headers, body):
    for who, nouns in {"carol": tuple(CHANGES), "olga": ("users", "groups")}.items():
        for noun in nouns:
            sent = json.dumps(fresh(noun)).encode() if body == "good" else body
            before = await api.all(f"/{noun}")
            answer = await api.as_(who)("POST", f"/{noun}", raw=sent, headers=headers)
            nowhere = await api.as_(who)("POST", "/nowhere", raw=sent, headers=headers)
            assert said(answer) == said(nowhere)
            assert await api.all(f"/{noun}") == before


@pytest.mark.parametrize("body", [b'{"document": {}}', b'{"document": 5}', b"", b"{", b"a" * 9_999])
async def test_whoever_owns_nothing_learns_of_no_policy_verb(api, body):
    nowhere = said(await api.as_("carol")("POST", "/nowhere", raw=body))
    for verb in ("lint", "test", "plan", "apply"):
        for query in ("", "?x=1"):
            answer = await api.as_("carol")("POST", f"/policy/{verb}{query}", raw=body)
            assert said(answer) == nowhere
    answer = await api.as_("carol").get("/policy/export")
    assert said(answer) == said(await api.as_("carol").get("/nowhere"))


async def test_a_user_who_is_not_seen_cannot_be_revoked(api):
    item = await api.make("/users", **fresh("users"))
    for who in ("carol", "olga"):
        seen, absent = [
            said(await api.as_(who).post(f"/users/{id_}/revoke", {}))
            for id_ in (item["id"], ABSENT)
        ]
        assert seen == absent
        assert seen[0] == 404


async def test_a_robot_that_is_not_seen_cannot_be_rotated(api):
    item = await api.make("/robots", **fresh("robots"))
    for who in ("carol", "olga", "temp"):
        for body in ({}, {"keep_old": 0}):
            seen, absent = [
                said(await api.as_(who).post(f"/robots/{id_}/rotate", body))
                for id_ in (item["id"], ABSENT)
            ]
            assert seen == absent
            assert seen[0] == 404
    assert (await api.get(f"/robots/{item['id']}")).json == item


async def test_an_id_of_another_collection_is_no_id_of_this_one(api):  # AD-02
    group, user = [await api.make(f"/{noun}", **fresh(noun)) for noun in ("groups", "users")]
    assert (await api.get(f"/users/{group['id']}")).status == 404
    assert (await api.get(f"/groups/{user['id']}")).status == 404
    assert (await api.delete(f"/users/{group['id']}")).status == 404
    assert (await api.post(f"/users/{group['id']}/revoke", {})).status == 404
    assert (await api.get(f"/groups/{group['id']}")).json == group
