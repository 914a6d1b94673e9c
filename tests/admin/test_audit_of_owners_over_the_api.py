"""What owners read of the audit log: all that concerns their namespaces, and no trace of the rest.

olga owns `team` at reg-a.test, carol its neighbour `team-x`, bob `team/sub`, which lies below
olga's, otto `shared`, where nothing happens.
"""

import base64
import json

import pytest
from admin.api import PASSWORD

pytestmark = pytest.mark.anyio

OWNERS = ("olga", "carol", "bob", "otto")
HIDDEN = (
    "writer", "seq", "prev", "hash", "claimed", "credential", "address", "peer", "request_id",
    "client_id", "user_agent", "key_id",
)  # fmt: skip
SCOPES = (
    "repository:team/app:pull,push,delete", "repository:team-x/app:pull",
    "repository:team/sub/a:pull",
    "repository:else/where:pull", "registry:catalog:*", "repository:Not A Name:pull",
)  # fmt: skip


@pytest.fixture(scope="module")
async def told(api):
    """An installation where something happened everywhere, and its administrator."""
    for who, path, registry in (
        ("carol", "team-x", None),
        ("bob", "team/sub", "reg-a.test"),
    ):
        await api.make(
            "/grants", subject=f"user:file:{who}", role="owner", on=path, registry=registry
        )
    for path in ("team-x", "team/sub", "else"):
        await api.make("/namespaces", name=path, registry="reg-a.test")
    for number, path in enumerate(("team", "team-x", "team/sub", "else")):
        await api.make("/grants", subject="user:file:alice", role="reader", on=f"{path}/app")
        await api.make("/robots", name=f"machine{number}", namespace=path, role="reader")
    await api.token("alice", *SCOPES)
    await api.token("alice", "repository:team/app:pull", service="reg-b.test")
    await api.realm.get(f"service=reg-a.test&scope={SCOPES[0]}", "alice:wrong")
    pats = api.as_("alice")
    scopes = ["repository:team/app:pull", "repository:team-x/app:pull"]
    await pats.make("/pats", name="a label", scopes=scopes)
    document = {
        "grants": [
            {"subject": "everyone", "role": "reader", "on": f"{path}/policy"}
            for path in ("team", "team-x", "team/sub", "else")
        ]
    }
    applied = await api.post("/policy/apply", {"document": document})
    assert applied.status == 200, applied.body
    wrong = await api.as_("olga").post("/namespaces", {"name": "else/mine"})
    assert wrong.status == 403
    return api


async def records(api, who, query="?"):
    return await api.as_(who).all(f"/audit{query}")


def texts(value):
    """All texts within a JSON value."""
    if isinstance(value, dict):
        return [text for each in value.values() for text in texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in texts(each)]
    return [value] if isinstance(value, str) else []


def about(found, word):
    return [each for each in found if word in json.dumps(each)]


@pytest.mark.parametrize(
    ("who", "own", "others"),
    [
        ("olga", ["team/app", "team/sub", "team/policy", "machine0", "machine2",
          '"pat": {"user": "file:alice", "scopes": ["repository:team/app:pull"]}'],
         ["team-x", "else", "machine1", "machine3", "shared"]),
        ("carol", ["team-x/app", "team-x/policy", "machine1"],
         ["team/", '"team"', "else", "machine0", "machine2", "machine3"]),
        ("bob", ["team/sub/a", "team/sub/policy", "machine2"],
         ["team-x", "team/app", "team/policy", '"team"', "else", "machine0", "machine1"]),
    ],
)  # fmt: skip
async def test_an_owner_reads_what_lies_there_and_no_trace_of_the_rest(told, who, own, others):
    found = await records(told, who)
    for word in own:
        assert about(found, word), word
    for word in (*others, "Not A Name", "catalog", "a label", "127.0.0.1", "reg-b.test"):
        assert not about(found, word), word
    for each in found:
        assert [each[name] for name in HIDDEN] == [None] * len(HIDDEN)
        assert each["event"] in ("token", "admin", "policy")
        assert each["actor"]["id"] is None


async def test_who_owns_a_path_where_nothing_happened_reads_of_their_own_grant_alone(told):
    answer = await told.as_("otto").get("/audit")
    assert [each["after"]["grant"]["on"] for each in answer.json] == ["shared"]
    assert "link" not in answer.headers


async def test_the_ending_of_a_request_is_that_of_the_part_that_is_seen(told):
    whole = about(await records(told, "root", "?event=token"), "team/sub/a:")[0]
    seen = {
        who: about(await records(told, who, "?event=token"), whole["decision_id"])[0]
        for who in ("olga", "carol", "bob")
    }
    assert whole["outcome"] == "reduced"
    assert {who: each["outcome"] for who, each in seen.items()} == {
        "olga": "reduced", "carol": "granted", "bob": "granted",
    }  # fmt: skip
    assert seen["carol"]["reason"] is None
    assert seen["carol"]["granted"] == ["repository:team-x/app:pull"]


@pytest.mark.parametrize(
    "query",
    [
        "who=root", "what=else", "what=team-x", "address=127.0.0.1", "registry=reg-b.test",
        "event=login", "event=key", "event=limit", "outcome=error", "decision=x", "who=system",
    ],
)  # fmt: skip
async def test_filters_find_nothing_of_what_is_not_seen(told, query):
    shown = await records(told, "bob", f"?{query}")
    assert all("team/sub" in json.dumps(each) for each in shown)
    if not query.startswith("who=root"):
        assert shown == []


async def test_an_outcome_that_only_the_part_has_is_found_by_it(told):
    found = await records(told, "carol", "?event=token&outcome=granted")
    assert about(found, "repository:team-x/app:pull")


async def test_pages_lead_to_the_same_and_their_cursors_say_nothing(told):
    whole = await records(told, "olga")
    writers = {each["writer"] for each in await records(told, "root")}
    found, rest = [], "/audit?limit=1"
    while rest:
        answer = await told.as_("olga").get(rest)
        found += answer.json
        link = answer.headers.get("link", "")
        rest = link.partition(">")[0].removeprefix("</api/v1") if link else ""
        cursor = rest.partition("cursor=")[2]
        held = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        assert not any(writer.encode() in held for writer in writers)
    assert found == whole
    assert len({each["id"] for each in found}) == len(found)


async def test_a_request_without_an_answer_tells_nobody_which_accounts_there_are(told):
    refused = [each for each in await records(told, "root") if each["claimed"] == "alice"]
    assert refused
    for who in OWNERS:
        times = {each["time"] for each in await records(told, who, "?outcome=refused")}
        assert times.isdisjoint(each["time"] for each in refused)


async def test_a_grant_above_that_decided_is_not_named(told):
    deny = await told.make(
        "/grants", subject="user:file:alice", role="writer", on="team", effect="deny"
    )
    own = await told.make(
        "/grants", subject="user:file:alice", role="reader", on="team-x/no", effect="deny"
    )
    await told.token("alice", "repository:team/sub/denied:pull", "repository:team-x/no:pull")
    for who, word, expected in (
        ("bob", "team/sub/denied", None),
        ("olga", "team/sub/denied", deny["id"]),
        ("carol", "team-x/no:", own["id"]),
    ):
        found = about(await records(told, who, "?event=token"), word)[0]
        assert {no["grant"] for no in found["asked"][0]["refused"]} == {expected}
    await told.delete(f"/grants/{deny['id']}")


async def test_an_auditor_reads_all_and_finds_by_every_filter(told):
    """AU-10"""
    whole = await records(told, "auditor")
    assert whole == await records(told, "root")
    for query, admits in (
        ("who=alice", lambda each: each["actor"]["name"] == "alice" or each["claimed"] == "alice"),
        ("who=file:alice", lambda each: each["actor"]["source"] == "file"
         and each["actor"]["name"] == "alice"),
        ("event=policy", lambda each: each["event"] == "policy"),
        ("outcome=refused", lambda each: each["outcome"] == "refused"),
        ("address=127.0.0.1", lambda each: each["address"] == "127.0.0.1"),
    ):  # fmt: skip
        expected = [each for each in whole if admits(each)]
        assert expected
        assert await records(told, "auditor", f"?{query}") == expected
    for path in ("team/sub", "team-x", "else/where"):
        found = await records(told, "auditor", f"?what={path}")
        assert found
        for each in found:
            assert any(f"{path}" in text for text in texts(each))


async def test_people_without_a_namespace_find_no_such_page(told):
    assert (await told.as_("alice").get("/audit")).status == 404
    assert (await told.as_(f"alice:{PASSWORD}").get("/audit")).status == 404
