"""Policy as code through the API, for an administrator (contract sections 4 and 8)."""

import json

import pytest
from admin.api import PASSPHRASE
from admin.policies import (
    VERBS,
    A,
    B,
    differing,
    done,
    fresh_path,
    grant,
    left_by,
    refused,
    send,
    stored,
)
from inprocess import basic

pytestmark = pytest.mark.anyio
ROOT = {"kind": "user", "source": "file", "name": "root", "id": "root"}
DEVS = {"name": "devs", "members": ["file:dora"]}


def without(document, kind, **members):
    """A document that leaves out the entries of a kind with these members."""
    kept = [each for each in document[kind] if not members.items() <= each.items()]
    assert len(kept) < len(document[kind])
    return {**document, kind: kept}


async def test_an_object_and_a_text_are_the_same_document(api):
    path = fresh_path()
    as_object = {"namespaces": [{"name": path, "registry": A}], "grants": [grant(path)]}
    as_text = (
        f"namespaces:\n  - {{name: {path}, registry: {A}}}\n"
        f"grants:\n  - {{subject: 'user:file:bob', role: reader, on: {path}}}\n"
    )
    plans = [await done(api, "plan", each) for each in (as_object, as_text, json.dumps(as_object))]
    assert plans == [plans[0]] * 3
    assert differing(plans[0])["added"].keys() == {"namespaces", "grants"}


async def test_a_plan_changes_nothing_and_what_is_applied_is_heard_at_once(api):
    path = fresh_path()
    document = {"namespaces": [{"name": path}], "grants": [grant(path, registry=A)]}
    before = await stored(api)
    plan = await done(api, "plan", document)
    effects = plan.pop("effects")["by_name"]
    assert plan.pop("warnings") == []
    assert [(each["subject"], each["on"], each["gains"]) for each in effects] == [
        ("user:file:bob", path, ["pull"])
    ]
    assert await stored(api) == before
    assert await done(api, "apply", document) == plan
    assert await api.token("bob", f"repository:{path}/x:pull") == {f"{path}/x": ["pull"]}
    assert await stored(api) != before
    assert differing(await done(api, "plan", document)) == {}


async def test_where_nothing_differs_there_is_no_record(api):
    document = {"grants": [grant(fresh_path())]}
    _, [record] = await left_by(api, done(api, "apply", document))
    assert record["outcome"] == "granted"
    for again in (document, {}, "", {"tests": [f"anonymous cannot push open/x on {A}"]}):
        applied, records = await left_by(api, done(api, "apply", again))
        assert (differing(applied), records) == ({}, [])


async def test_every_kind_is_made_changed_and_pruned(api):
    path = fresh_path()
    document = {
        "registries": [{"name": f"{path}.test"}],
        "namespaces": [{"name": path, "registry": f"{path}.test"}],
        "roles": [{"name": path, "allow": ["repository:push"]}],
        "groups": [{"name": path, "members": ["file:bob"]}],
        "grants": [grant(path, f"group:{path}", path, registry=f"{path}.test")],
    }
    before = await stored(api)
    made = differing(await done(api, "apply", document))["added"]
    assert {kind: len(items) for kind, items in made.items()} == dict.fromkeys(document, 1)
    document["registries"][0]["ttl"] = 600
    document["namespaces"][0]["visibility"] = "public"
    document["roles"][0]["allow"] = ["repository:pull"]
    document["groups"][0]["members"] = ["file:bob", "file:carol"]
    document["grants"][0]["reason"] = "said later"
    changed = differing(await done(api, "apply", document))["changed"]
    assert {kind: len(items) for kind, items in changed.items()} == dict.fromkeys(document, 1)
    gone = differing(await done(api, "apply", before, prune=True))["removed"]
    assert {kind: len(items) for kind, items in gone.items()} == dict.fromkeys(document, 1)
    assert await stored(api) == before


async def test_nothing_goes_without_prune_and_no_kind_that_is_not_spoken_of(api):
    path = fresh_path()
    await api.make("/namespaces", name=path)
    await api.make("/roles", name=path, allow=["repository:pull"])
    before = await stored(api)
    for document, prune in (({"namespaces": [], "roles": []}, False), ({}, True)):
        assert differing(await done(api, "apply", document, prune=prune)) == {}
    removed = differing(await done(api, "plan", {"roles": []}, prune=True))["removed"]
    assert removed.keys() == {"roles"}
    assert await stored(api) == before


@pytest.mark.parametrize("who", ["root", "auditor", "olga", "otto", "temp"])
async def test_planning_an_export_plans_nothing(api, who):
    caller = api.as_(who)
    document = (await caller.get("/policy/export")).json
    for prune in (False, True):
        plan = await done(caller, "plan", document, prune=prune)
        assert differing(plan) == {}
        assert plan["unchanged"] == sum(map(len, document.values()))


async def test_a_plan_that_was_looked_at_is_carried_out_and_no_other(api):
    path = fresh_path()
    document = {"grants": [grant(path)]}
    plan = await done(api, "plan", document)
    other = {"grants": [grant(path, role="writer")]}
    assert (await refused(api, "root", "apply", other, plan=plan)).status == 409
    assert (await refused(api, "root", "apply", document, plan=plan, prune=True)).status == 409
    await api.make("/groups", name=path)
    stale = await refused(api, "root", "apply", document, plan=plan)
    assert (stale.status, "changed since" in stale.json["detail"]) == (409, True)
    plan = await done(api, "plan", document)
    await api.make("/users", name=path, password=PASSPHRASE)  # no policy holds people
    assert differing(await done(api, "apply", document, plan=plan)) == differing(plan)
    assert (await refused(api, "root", "apply", document, plan=plan)).status == 409


@pytest.mark.parametrize("verb", ["test", "plan", "apply"])
async def test_of_a_plan_three_members_are_enough_and_nonsense_is_another_plan(api, verb):
    document = {"grants": [grant(fresh_path())]}
    plan = await done(api, "plan", document)
    said = {name: plan[name] for name in ("stored", "sha256", "prune")}
    for name, values in {
        "stored": (None, "7", [], {}, -1, 1e300, True), "sha256": (None, 1, "", {}, [[]]),
        "prune": (None, "no", 1, [], {}),
    }.items():  # fmt: skip
        for value in values:
            if value == said[name]:
                continue
            answer = await refused(api, "root", verb, document, plan={**said, name: value})
            assert answer.status == 409, (name, value)
    for nonsense in ({}, {"x": 1}, {"plan": said}, {**plan, "stored": said}):
        assert (await refused(api, "root", verb, document, plan=nonsense)).status == 409
    for wrong in (5, "x", [], [said], True):
        answer = await refused(api, "root", verb, document, plan=wrong)
        assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/plan")
    assert (await send(api, verb, document, plan=said)).status == 200


async def test_tests_that_fail_are_named_each_and_nothing_is_changed(api):
    path = fresh_path()
    verbs = ("cannot pull", "can pull", "can push", "cannot push")
    tests = [f"user:file:bob {verb} {path}/x on {A}" for verb in verbs]
    document = {"grants": [grant(path)], "tests": [*tests, f"anonymous can pull {path}/x"]}
    before = await stored(api)
    answer, [record] = await left_by(api, send(api, "apply", document))
    assert answer.status == 409
    faults = answer.json["errors"]
    assert [each["pointer"] for each in faults] == [f"/document/tests/{n}" for n in (0, 2, 4)]
    assert [each["detail"] for each in faults[:2]] == [tests[0], tests[2]]
    assert "several registries" in faults[2]["detail"]
    assert (record["event"], record["outcome"]) == ("policy", "refused")
    assert await stored(api) == before
    tried = await done(api, "test", document)
    assert (tried["passed"], tried["failed"]) == (2, 3)
    assert [each["held"] for each in tried["tests"]] == [False, True, False, True, False]
    why = tried["tests"][0]["explanation"]
    assert (why["granted"], why["grants"][0]["on"]) == (["pull"], path)
    document["tests"] = [tests[1], tests[3]]
    assert (await done(api, "test", document))["failed"] == 0
    assert differing(await done(api, "apply", document)).keys() == {"added"}


async def test_the_last_administrator_stays_whatever_a_document_says(api):
    name = fresh_path()
    await api.make("/users", name=name, password=PASSPHRASE)
    await api.make("/grants", subject=f"user:{name}", role="admin")
    document = without(await stored(api), "grants", subject=f"user:local:{name}")
    await done(api, "plan", document, prune=True)
    for lockout in (False, True):
        answer = await refused(api, "root", "apply", document, prune=True, allow_lockout=lockout)
        assert answer.status == 409
    await api.make("/users", name=f"{name}-2", password=PASSPHRASE)
    await api.make("/grants", subject=f"user:{name}-2", role="admin")
    assert differing(await done(api, "apply", document | {
        "grants": [*document["grants"], grant("**", f"user:{name}-2", "admin")]
    }, prune=True)).keys() == {"removed"}  # fmt: skip


async def test_the_right_of_who_applies_goes_only_when_they_say_so(api):
    name = fresh_path()
    await api.make("/users", name=name, password=PASSPHRASE)
    await api.make("/grants", subject=f"user:{name}", role="admin")
    who = f"{name}:{PASSPHRASE}"
    document = without(await stored(api), "grants", subject=f"user:local:{name}")
    answer = await refused(api, who, "apply", document, prune=True)
    assert (answer.status, "your own right" in answer.json["detail"]) == (409, True)
    spare = f"{name}-2"
    await api.make("/users", name=spare, password=PASSPHRASE)
    document["grants"].append(grant("**", f"user:{spare}", "admin"))
    await done(api.as_(who), "apply", document, prune=True, allow_lockout=True)
    assert (await api.as_(who).get("/policy/export")).status == 404


async def test_one_record_holds_the_plan_and_who_applied_it_from_where(api):
    path = fresh_path()
    document = {"namespaces": [{"name": path}], "grants": [grant(path, reason="asked for")]}
    sent = [*basic("root"), ("content-type", "application/json"), ("x-request-id", path)]
    body = json.dumps({"document": document}).encode()
    answer, [record] = await left_by(
        api,
        api.realm.call(
            "POST", "/api/v1/policy/apply", headers=sent, body=body, peer="198.51.100.9"
        ),
    )
    assert (record["event"], record["outcome"], record["actor"]) == ("policy", "granted", ROOT)
    assert record["credential"] == {"kind": "password", "id": None}
    assert (record["address"], record["peer"]) == ("198.51.100.9", "198.51.100.9")
    assert record["request_id"] == path == answer.headers["x-request-id"]
    assert (record["before"], record["after"]) == (None, differing(answer.json))


async def test_a_long_plan_is_recorded_by_counts_and_a_hash(api):
    path = fresh_path()
    document = {"grants": [grant(f"{path}/p{number}") for number in range(501)]}
    applied, [record] = await left_by(api, done(api, "apply", document))
    counts, hashed = record["after"]["counts"], record["after"]["sha256"]
    assert (counts, hashed) == ({"added": {"grants": 501}}, applied["sha256"])
    groups = [{"name": f"{path}-{number}", "members": [f"file:{path}-{each:04}-{'x' * 200}"
               for each in range(2_000)]} for number in range(3)]  # fmt: skip
    _, [record] = await left_by(api, done(api, "apply", {"groups": groups}))
    assert record["after"]["counts"] == {"added": {"groups": 3}}
    assert len(json.dumps(record)) < 10_000


async def test_an_auditor_is_told_all_and_applies_nothing(api):
    auditor, document = api.as_("auditor"), await stored(api)
    assert (await auditor.get("/policy/export")).json == document
    more = {**document, "grants": [*document["grants"], grant(fresh_path())]}
    for verb in ("lint", "test", "plan"):
        assert await done(auditor, verb, more) == await done(api, verb, more)
    for wish in (more, document, {}, {"tests": []}, ""):
        assert (await refused(api, "auditor", "apply", wish)).status == 403
    right = await api.make("/grants", subject="user:file:auditor", role="owner", on="audited")
    both = {"grants": [right | {"reason": "both"}]}
    del both["grants"][0]["id"]
    assert differing(await done(auditor, "plan", both)) == differing(await done(api, "plan", both))
    await done(auditor, "apply", both)
    assert (await refused(api, "auditor", "apply", await stored(api))).status == 403
    await api.delete(f"/grants/{right['id']}")


@pytest.mark.parametrize("kind", ["namespaces", "grants"])
async def test_effects_of_more_than_a_thousand_changes_are_counts(api, kind):
    path = fresh_path()
    for number, told in ((1_000, True), (1_001, False)):
        paths = [f"{path}/p{each}" for each in range(number)]
        document = {
            "namespaces": [{"name": each, "visibility": "public"} for each in paths],
            "grants": [grant(each, registry=A) for each in paths],
        }
        effects = (await done(api, "plan", {kind: document[kind]}))["effects"]
        assert bool(effects["by_name"]) is told
        assert effects["people"] == (kind == "grants")


@pytest.mark.parametrize("verb", VERBS)
async def test_a_document_in_which_nothing_is_wrong_is_taken_by_all_verbs(api, verb):
    path = fresh_path()
    document = {"groups": [DEVS], "grants": [grant(path, "group:devs", registry=B)], "tests": []}
    assert (await send(api, verb, document)).status == 200
