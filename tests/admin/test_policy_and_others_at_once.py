"""Documents beside everything else: requests that come twice, tokens meanwhile, nothing in logs."""

import asyncio
import json
from itertools import pairwise

import pytest
from admin.policies import A, at_team, done, fresh_path, grant, left_by, send, stored

pytestmark = pytest.mark.anyio
LARGE = 2 << 20  # bytes; some 10,000 grants


def large(path):
    """A document of LARGE bytes."""
    why = "w" * 100
    each = len(json.dumps(grant(f"{path}/p000000", registry=A, reason=why))) + len(", ")
    numbers = range(LARGE // each + 1)
    grants = [grant(f"{path}/p{number:06}", registry=A, reason=why) for number in numbers]
    assert len(json.dumps(grants)) >= LARGE
    return {"grants": grants}


async def test_a_document_that_comes_twice_is_applied_once(api):  # AD-15
    path = fresh_path()
    body = {"document": {"grants": [grant(path)]}}
    first, made = await left_by(api, api.post("/policy/apply", body, key=path))
    assert (first.status, len(made)) == (200, 1)
    item = await api.find("/grants", on=path)
    await api.delete(f"/grants/{item['id']}")
    again, made = await left_by(api, api.post("/policy/apply", body, key=path))
    assert (again.status, again.json, made) == (200, first.json, [])
    assert await api.all(f"/grants?q={path}") == []
    assert (await api.post("/policy/apply", body)).status == 200
    assert len(await api.all(f"/grants?q={path}")) == 1


async def test_with_the_plan_it_was_made_for_it_is_answered_again_too(api):
    path = fresh_path()
    document = {"grants": [grant(path)]}
    plan = await done(api, "plan", document)
    first = await send(api, "apply", document, plan=plan, key=path)
    again = await send(api, "apply", document, plan=plan, key=path)  # which is stale by now
    assert (again.status, again.json) == (first.status, first.json)
    assert (await send(api, "apply", document, plan=plan)).status == 409


async def test_one_caller_does_not_take_the_turns_of_all_others(api):
    document = large(fresh_path())
    many = [asyncio.create_task(send(api, "plan", document)) for _ in range(12)]
    refused, _ = await asyncio.wait(many, return_when=asyncio.FIRST_COMPLETED)
    assert {each.result().status for each in refused} == {503}
    other = await send(api.as_("olga"), "plan", {"grants": [at_team()]})
    answers = await asyncio.gather(*many)
    assert other.status == 200
    assert {answer.status for answer in answers} == {200, 503}
    for answer in answers:
        if answer.status == 503:
            assert int(answer.headers["retry-after"]) > 0
            assert "2 of your calls are at policies already" in answer.json["detail"]


async def test_five_times_at_once_it_is_applied_once(api):
    path = fresh_path()
    body = {"document": {"grants": [grant(path)]}}
    before = len([r for r in api.realm.records() if r["event"] == "policy"])
    answers = await asyncio.gather(*(api.post("/policy/apply", body, key=path) for _ in range(5)))
    told = [(a.status, a.json) for a in answers if a.status != 503]  # two at once are admitted
    assert told == [(200, told[0][1])] * len(told)
    assert len([r for r in api.realm.records() if r["event"] == "policy"]) == before + 1


async def test_a_key_is_for_one_document_one_caller_and_one_route(api):
    path = fresh_path()
    mine = {"document": {"grants": [at_team(f"team/{path}")]}}
    first = await api.post("/policy/apply", mine, key=path)
    assert (await api.post("/policy/apply", {**mine, "prune": True}, key=path)).status == 422
    theirs = {"document": {"grants": [at_team(f"team/{path}/x")]}}
    other = await api.as_("olga").post("/policy/apply", theirs, key=path)
    assert (first.status, other.status) == (200, 200)
    assert other.json["added"] != first.json["added"]
    assert (await api.post("/groups", {"name": path}, key=path)).status == 201
    assert (await api.as_("carol").post("/policy/apply", mine, key=path)).status == 404
    assert (await api.as_("auditor").post("/policy/apply", mine, key=path)).status == 403


@pytest.mark.parametrize("key", ["", "a" * 256, "a\tb"])
async def test_a_key_that_cannot_be_one_is_422(api, key):
    path = fresh_path()
    headers = [("idempotency-key", key)]
    body = {"document": {"grants": [grant(path)]}}
    assert (await api("POST", "/policy/apply", body, headers=headers)).status == 422
    assert await api.all(f"/grants?q={path}") == []


async def test_a_refused_document_leaves_its_key_free(api):
    path = fresh_path()
    for document, status in (
        ({"grants": [grant(path)], "tests": [f"user:file:bob can push {path} on {A}"]}, 409),
        ({"grants": [grant(path, role="nope")]}, 422),
        ({"grants": [grant(path, "user:nobody-is")]}, 422),
        ({"roles": [{"name": "owner", "allow": ["repository:pull"]}]}, 409),
    ):
        assert (await send(api, "apply", document, key=path)).status == status
        assert (await send(api, "apply", document, key=path)).status == status
    assert (await send(api, "apply", {"grants": [grant(path)]}, key=path)).status == 200


async def test_of_two_documents_that_take_each_other_away_one_is_last(api):
    path = fresh_path()
    await api.make("/namespaces", name=path)

    async def show(visibility):
        document = {"namespaces": [{"name": path, "visibility": visibility}]}
        return [await done(api, "apply", document) for _ in range(3)]

    ones, others, *_ = await asyncio.gather(
        show("public"),
        show("internal"),
        *(api.make("/groups", name=f"{path}-{number}") for number in range(4)),
    )
    plans = sorted([*ones, *others], key=lambda plan: plan["stored"])
    changes = [each for plan in plans for each in plan["changed"]["namespaces"]]
    assert changes[0]["before"]["visibility"] == "private"
    for earlier, later in pairwise(changes):
        assert later["before"] == earlier["after"]
    last = await api.find("/namespaces", name=path)
    assert last["visibility"] == changes[-1]["after"]["visibility"]


async def test_tokens_are_answered_while_a_large_document_is_worked_on(api):
    path = fresh_path()
    document = large(path)
    for verb in ("plan", "apply"):
        work = asyncio.create_task(send(api, verb, document))
        answered = 0
        while not work.done():
            token = await api.realm.get(f"service={A}&scope=repository:team/app:pull", "bob")
            assert token.status == 200
            answered += 1
            await asyncio.sleep(0)
        assert work.result().status == 200, work.result().body[:500]
        assert answered > 10, verb
    assert len((await stored(api))["grants"]) > len(document["grants"])


async def test_nothing_of_a_document_is_logged_and_a_record_holds_what_was_changed_alone(
    api, capfd
):
    path, canary = fresh_path(), "canary-of-a-document"
    good = {"grants": [grant(path, reason=canary)]}
    wrong = [
        {"grants": [grant(path, canary)]}, {"grants": [grant(path, reason=[canary])]},
        {canary: canary}, {"tests": [canary]}, f"{canary}: {canary}", f"{canary}: [", 5,
        {"tests": [f"user:file:{canary} can pull {path}/x on {A}"]},
        {"grants": [grant(path, reason=canary)], "tests": [f"bob can pull {path} on {canary}"]},
    ]  # fmt: skip
    before = len(api.realm.records())
    for document in wrong:
        for verb in ("lint", "test", "plan", "apply"):
            await send(api, verb, document)
    assert canary not in str([r for r in api.realm.records()[before:] if r["event"] != "policy"])
    done = [r for r in api.realm.records()[before:] if r["event"] == "policy"]
    assert {r["outcome"] for r in done} == {"refused"}
    _, [record] = await left_by(api, send(api, "apply", good))
    assert str(record).count(canary) == 1
    said = capfd.readouterr()
    assert canary not in said.out + said.err
