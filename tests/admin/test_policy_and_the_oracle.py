"""What an owner learns by documents is no more than by the other routes (AD-21, AD-30)."""

import pytest
from admin.policies import VERBS, A, B, at_team, done, fresh_path, grant, send

pytestmark = pytest.mark.anyio
BOB = "user:file:bob"
ELSEWHERE = ("reg-b.test", "short.test", "off.test")


HIDDEN = [
    pytest.param(grant("**/hidden-glob", role="writer", cidrs=["10.77.0.0/16"]), id="allow, glob"),
    pytest.param(grant("**/hidden-glob", role="maintainer"), id="allow by a glob"),
    pytest.param(grant("*/hidden-glob", effect="deny"), id="deny by a glob"),
    pytest.param(grant("team/hidden", role="writer", registry=B), id="at another registry"),
    pytest.param(grant("te*/hidden", "everyone", "writer", registry=A), id="to everybody"),
    pytest.param(grant("**/hidden/*", "authenticated", "writer"), id="to who signs in"),
    pytest.param(grant("team/**/hidden", effect="deny", registry=B), id="deny at another registry"),
    pytest.param(grant("*/hidden", cidrs=["10.88.0.0/16"], effect="deny"), id="deny in a network"),
]
PLANS = [
    pytest.param(at_team(role="writer"), id="writer"),
    pytest.param(at_team(role="maintainer", effect="deny"), id="deny"),
    pytest.param(at_team("team/**", role="maintainer"), id="glob"),
    pytest.param(at_team("team/{username}", "authenticated", role="writer"), id="homes"),
    pytest.param(at_team(subject="everyone", role="maintainer"), id="everyone"),
]


def said(plan):
    return {name: value for name, value in plan.items() if name != "stored"}


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("planned", PLANS)
async def test_no_name_and_no_network_of_a_grant_above_shows_in_a_plan(api, hidden, planned):
    olga, document = api.as_("olga"), {"grants": [planned]}
    before = said(await done(olga, "plan", document))
    item = await api.make("/grants", **hidden)
    after = said(await done(olga, "plan", document))
    await api.delete(f"/grants/{item['id']}")
    assert "hidden" not in str(after)
    assert "10." not in str(after["effects"])
    assert {**after, "effects": None} == {**before, "effects": None}
    places = [{each["on"] for each in plan["effects"]["by_name"]} for plan in (before, after)]
    assert places[1] <= places[0]


async def test_namespaces_that_are_not_seen_lend_no_name_to_a_plan(api):
    path = fresh_path()
    olga = api.as_("olga")
    document = {"grants": [at_team("team/{username}", "authenticated", role="writer")]}
    before = said(await done(olga, "plan", document))
    item = await api.make("/namespaces", name=f"team/{path}", registry=B, visibility="public")
    assert said(await done(olga, "plan", document)) == before
    await api.delete(f"/namespaces/{item['id']}")


ABSENT = [
    pytest.param(at_team(subject="user:of"), "off", id="nearly a person of the database"),
    pytest.param(at_team(subject="group:devz"), "devs", id="nearly a group"),
    pytest.param(at_team(subject="group:evs"), "devs", id="a letter less"),
]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("named", "near"), ABSENT)
async def test_no_hint_names_a_person_or_a_group(api, verb, named, near):
    document = {"grants": [named]}
    answer = await send(api.as_("olga"), verb, document)
    told = answer.body.decode().replace(named["subject"], "")
    assert near not in told
    assert near in (await send(api, verb, document)).body.decode()  # an administrator is helped


async def test_who_is_there_they_learn_as_by_the_other_routes(api):
    olga = api.as_("olga")
    for subject in ("user:off", "user:nobody-is", "group:devs", "group:none", "user:file:x",
                    "user:corp:x", "group:corp:x"):  # fmt: skip
        posted = await olga.post("/grants", at_team(f"team/{fresh_path()}", subject=subject))
        planned = await send(olga, "plan", {"grants": [at_team("team/p", subject=subject)]})
        assert (posted.status == 201) == (planned.status == 200), subject
        test = f"{subject} can pull team/x on {A}"
        asked = await olga.post("/explain", {"subject": subject, "service": A,
                                             "scope": "repository:team/x:pull"})  # fmt: skip
        tried = await send(olga, "test", {"tests": [test]})
        assert (asked.status == 200) == (tried.status == 200), subject


async def test_who_is_in_a_group_and_whether_anybody_is_shows_in_no_plan_and_no_lint(api):
    empty = fresh_path()
    await api.make("/groups", name=empty)
    olga = api.as_("olga")
    for group in ("devs", empty):
        document = {"grants": [at_team(subject=f"group:{group}", role="writer", effect="deny")]}
        effects = (await done(olga, "plan", document))["effects"]
        assert (effects["people"], effects["groups"]) == (0, 1)
        assert "dora" not in str(effects)
        assert await done(olga, "lint", document) == []
        assert bool(await done(api, "lint", document)) is (group == empty)


async def test_tests_are_explained_as_explain_does(api):
    olga = api.as_("olga")
    above = [
        await api.make("/grants", **each)
        for each in (
            grant("**", role="writer", cidrs=["10.0.0.0/8"]),
            grant("**", effect="deny", registry=B),
            grant("*/x", "authenticated", "maintainer", effect="deny", cidrs=["192.0.2.0/24"]),
        )
    ]  # fmt: skip
    asked = [
        (subject, action, name, address)
        for subject in (BOB, "user:file:alice", "anonymous")
        for action in ("pull", "push,pull")
        for name in ("team/x", "team")
        for address in ("10.1.2.3", "192.0.2.7", "203.0.113.1")
    ]
    tests = [f"{s} can {a} {name} on {A} from {ip}" for s, a, name, ip in asked]
    tried = (await done(olga, "test", {"tests": tests}))["tests"]
    for each, (subject, action, name, address) in zip(tried, asked, strict=True):
        question = {"subject": subject, "scope": f"repository:{name}:{action}", "service": A}
        answer = await olga.post("/explain", {**question, "ip": address})
        assert each["explanation"] == answer.json
    assert any(g["on"] == "a grant above" for each in tried for g in each["explanation"]["grants"])
    for item in above:
        await api.delete(f"/grants/{item['id']}")


async def test_the_registries_of_others_are_named_to_nobody(api):
    olga = api.as_("olga")
    for document in (
        {"grants": [at_team(registry="reg-z.test")]}, {"tests": ["anonymous can pull team/x"]},
        {"tests": ["anonymous can pull team/x on reg-z.test"]}, {"grants": [grant("team")]},
        {"namespaces": [{"name": "team", "registry": "reg-z.test"}]}, {"grants": [at_team()]},
        {"tests": [f"anonymous can pull team/x on {A}"]},
    ):  # fmt: skip
        for verb in VERBS:
            body = (await send(olga, verb, document)).body.decode()
            assert not any(name in body for name in ELSEWHERE)
