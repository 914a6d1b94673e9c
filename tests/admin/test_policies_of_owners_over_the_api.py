"""An owner's documents over the API: no more than their namespaces, and no more than they see.

olga owns `team` at reg-a.test, otto `shared` at all registries, temp `brief` for an hour.
"""

import asyncio

import pytest
from admin.api import SOON
from admin.policies import (
    VERBS,
    A,
    B,
    at_team,
    differing,
    done,
    fresh_path,
    grant,
    refused,
    send,
    stored,
)

pytestmark = pytest.mark.anyio
LATER = "2999-01-01T00:00:00Z"
DORA = "user:file:dora"


def of(*grants, **kinds):
    return {"grants": list(grants), **kinds}


BEYOND = [
    pytest.param(of(at_team("team-x")), 403, id="AD-03 a longer name"),
    pytest.param(of(at_team("tea")), 403, id="AD-03 a letter less"),
    pytest.param(of(at_team("teams/team")), 403, id="AD-03 at the end"),
    pytest.param(of(at_team("te_m")), 403, id="AD-03 an SQL wildcard"),
    pytest.param(of(at_team("team*")), 403, id="AD-04 a glob over neighbours"),
    pytest.param(of(at_team("te*")), 403, id="AD-04 a glob from the middle"),
    pytest.param(of(at_team("**/team")), 403, id="AD-04 a glob that ends there"),
    pytest.param(of(at_team("*")), 403, id="AD-04 all at the root"),
    pytest.param(of(at_team("**")), 403, id="AD-04 everything"),
    pytest.param(of(at_team("{username}")), 403, id="AD-04 homes"),
    pytest.param(of(at_team("{username}/team")), 403, id="AD-04 below homes"),
    pytest.param(of(at_team("team{username}")), 403, id="AD-04 neighbours' homes"),
    pytest.param(of(grant("team")), 403, id="all registries"),
    pytest.param(of(at_team(registry=B)), 403, id="another registry"),
    pytest.param(of(at_team(registry="no.test")), 403, id="a registry that is not there"),
    pytest.param(of(at_team("team-x", effect="deny")), 403, id="a deny elsewhere"),
    pytest.param(of(grant("**", "user:file:olga", "admin")), 403, id="AD-05 admin"),
    pytest.param(of(grant("**", "user:file:olga", "auditor")), 403, id="AD-05 auditor"),
    pytest.param(of(grant("**", "user:file:olga", "catalog-reader", registry=A)), 403, id="AD-05"),
    pytest.param(of(grant("**", "user:file:root", "admin", effect="deny")), 403, id="deny admin"),
    pytest.param(of(at_team(), grant("ops/tools")), 403, id="one of two"),
    pytest.param({"namespaces": [{"name": "team/x"}]}, 403, id="namespace for all"),
    pytest.param({"namespaces": [{"name": "team", "registry": B}]}, 403, id="at another registry"),
    pytest.param({"namespaces": [{"name": "tea", "registry": A}]}, 403, id="namespace elsewhere"),
    pytest.param({"registries": []}, 403, id="registries, though none"),
    pytest.param({"registries": None}, 403, id="registries, though null"),
    pytest.param({"registries": [{"name": A, "read_only": True}]}, 403, id="their registry"),
    pytest.param({"roles": []}, 403, id="roles, though none"),
    pytest.param({"roles": [{"name": "r", "allow": ["repository:pull"]}]}, 403, id="roles"),
    pytest.param({"groups": []}, 404, id="groups, though none"),
    pytest.param({"groups": [{"name": "devs", "members": ["file:olga"]}]}, 404, id="a group"),
    pytest.param({"groups": [{"name": "nope", "members": ["file:olga"]}]}, 404, id="no such group"),
    pytest.param({"tests": [f"anonymous can pull tea/x on {A}"]}, 403, id="a test elsewhere"),
    pytest.param({"tests": [f"anonymous can pull team/x on {B}"]}, 403, id="a test of another"),
    pytest.param({"tests": ["anonymous can pull team/x"]}, 403, id="a test of whichever"),
    pytest.param({"tests": [f"user:file:olga can pull ops/x on {A}"]}, 403, id="about themselves"),
    pytest.param("grants: [{subject: everyone, role: reader, on: tea}]", 403, id="as text"),
]


@pytest.mark.parametrize(("document", "status"), BEYOND)
async def test_beyond_their_namespaces_nothing_is_theirs_by_any_verb(api, document, status):
    for verb in VERBS:
        for prune in (False, True):
            answer = await refused(api, "olga", verb, document, prune=prune, allow_lockout=True)
            assert answer.status == status, verb


WITHIN = [
    pytest.param(of(at_team()), id="the namespace"),
    pytest.param(of(at_team("team/a*")), id="a glob below it"),
    pytest.param(of(at_team("team/{username}")), id="a home below it"),
    pytest.param(of(at_team("team/app", effect="deny")), id="a deny"),
    pytest.param(of(at_team("team/app", role="owner")), id="another owner"),
    pytest.param(of(at_team("team/app", subject="everyone")), id="to everyone"),
    pytest.param(of(at_team("team/app", expires_at=LATER)), id="with an end"),
    pytest.param({"namespaces": [{"name": "team/n", "registry": A, "visibility": "public"}]}),
    pytest.param({"tests": [f"user:file:olga can push team/x on {A}"]}, id="a test"),
]


@pytest.mark.parametrize("document", WITHIN)
async def test_within_them_documents_do_what_the_other_routes_do(api, document):
    olga, before = api.as_("olga"), await stored(api)
    own = (await olga.get("/policy/export")).json
    plan = await done(olga, "plan", document)
    for verb in ("lint", "test"):
        await done(olga, verb, document)
    await done(olga, "apply", document, plan=plan)
    assert differing(await done(olga, "plan", document)) == {}
    await done(olga, "apply", own, prune=True)
    assert await stored(api) == before


OUTLASTING = [
    pytest.param(of(grant("brief/x")), id="AD-29 for ever"),
    pytest.param(of(grant("brief/x", expires_at=LATER)), id="AD-29 beyond their own end"),
    pytest.param(of(grant("brief/x", effect="deny")), id="AD-29 a lasting deny"),
    pytest.param(of(grant("brief", "user:file:temp", "owner")), id="AD-29 their own, for ever"),
    pytest.param({"namespaces": [{"name": "brief/x"}]}, id="AD-29 a namespace"),
    pytest.param({"namespaces": [{"name": "brief", "visibility": "public"}]}, id="AD-29 public"),
]


@pytest.mark.parametrize("document", OUTLASTING)
async def test_an_owner_for_an_hour_writes_nothing_that_outlasts_it(api, document):
    for verb in ("plan", "test", "apply"):
        answer = await refused(api, "temp", verb, document, allow_lockout=True)
        assert (answer.status, "end" in answer.json["detail"]) == (403, True), verb
    inside = of(grant("brief/ok", expires_at=SOON))
    assert (await send(api.as_("temp"), "apply", inside)).status == 200


async def test_what_is_not_theirs_to_write_they_change_by_no_document(api):
    lasting = await api.make("/grants", **grant("brief/kept", DORA, reason="kept"))
    space = await api.make("/namespaces", name="brief/space", visibility="internal")
    temp = api.as_("temp")
    for document in (
        of(grant("brief/kept", DORA, reason="mine")),
        of(grant("brief/kept", DORA)),
        {"namespaces": [{"name": "brief/space"}]},
    ):
        assert (await refused(api, "temp", "apply", document)).status == 403
    for kinds in ({"grants": []}, {"namespaces": []}):
        answer = await refused(api, "temp", "apply", kinds, prune=True, allow_lockout=True)
        assert answer.status == 403
        if "grants" in kinds:
            told = f"reader on 'brief/kept' for {DORA} would go: your own right"
            assert answer.json["detail"].startswith(told)
    own = (await temp.get("/policy/export")).json
    assert differing(await done(temp, "apply", own, prune=True)) == {}
    for path, item in (
        (f"/grants/{lasting['id']}", lasting),
        (f"/namespaces/{space['id']}", space),
    ):
        assert (await api.get(path)).json == item
        await api.delete(path)


async def test_prune_reaches_what_they_manage_and_nothing_else(api):
    kept = [
        grant("team/all-registries", DORA), grant("team/x", DORA, registry=B),
        grant("**", DORA, registry=A), grant("team*", DORA, registry=A),
        grant("team-x", DORA, registry=A), grant("*/x", DORA, registry=A),
    ]  # fmt: skip
    gone = [at_team("team/x", subject=DORA), at_team("team/g*", subject=DORA)]
    spaces = [{"name": "team/all-registries"}, {"name": "team/other", "registry": B}]
    own = (await api.as_("olga").get("/policy/export")).json
    before = await stored(api)
    await done(api, "apply", of(*kept, *gone, namespaces=spaces))
    removed = differing(await done(api.as_("olga"), "apply", own, prune=True))["removed"]
    assert removed.keys() == {"grants"}
    assert {each["on"] for each in removed["grants"]} == {"team/x", "team/g*"}
    left = await stored(api)
    for each in kept:
        assert each in left["grants"]
    assert all(space in left["namespaces"] for space in spaces)
    await done(api, "apply", before, prune=True)


async def test_an_owner_above_is_out_of_reach_of_an_owner_below(api):
    path = fresh_path()
    above = await api.make("/grants", **at_team("team", subject="user:file:otto", role="owner"))
    below = at_team(f"team/{path}", subject="user:file:carol", role="owner")
    await api.make("/grants", **below)
    carol = api.as_("carol")
    assert (await carol.get("/policy/export")).json == {
        "namespaces": [], "grants": [below], "robots": [],
    }  # fmt: skip
    for document in (of(below), of()):
        removed = (await done(carol, "plan", document, prune=True))["removed"]["grants"]
        assert all(each["on"] == f"team/{path}" for each in removed)
    again = {**at_team("team", subject="user:file:otto", role="owner"), "reason": "mine"}
    assert (await refused(api, "carol", "apply", of(below, again))).status == 403
    answer = await refused(api, "carol", "apply", of(), prune=True)
    assert (answer.status, "your own right" in answer.json["detail"]) == (409, True)
    await done(carol, "apply", of(), prune=True, allow_lockout=True)
    assert (await carol.get("/policy/export")).status == 404
    await api.delete(f"/grants/{above['id']}")


async def test_a_deny_counts_for_what_documents_hand_on_too(api):  # AD-29, rule 5
    taken = await api.make(
        "/grants", **at_team("team/secret", subject="user:file:olga", role="writer", effect="deny")
    )
    for document in (
        of(at_team("team/secret")), of(at_team("team/**", role="writer")),
        of(at_team("team/secret", subject="everyone", effect="deny")),
        {"namespaces": [{"name": "team/secret", "registry": A, "visibility": "public"}]},
    ):  # fmt: skip
        assert (await refused(api, "olga", "apply", document)).status == 403
    own = (await api.as_("olga").get("/policy/export")).json
    kept = [each for each in own["grants"] if each["on"] != "team/secret"]
    assert (await refused(api, "olga", "apply", of(*kept), prune=True)).status == 403
    await api.delete(f"/grants/{taken['id']}")


async def test_an_applied_document_and_the_loss_of_a_right_come_one_after_the_other(api):
    path = f"team/{fresh_path()}"
    right = await api.make("/grants", **at_team(path, subject="user:file:carol", role="owner"))
    carol = api.as_("carol")
    documents = [of(at_team(f"{path}/n{number}")) for number in range(12)]

    async def lose():
        await asyncio.sleep(0.05)
        return await api.delete(f"/grants/{right['id']}")

    *answers, lost = await asyncio.gather(
        *(send(carol, "apply", each) for each in documents), lose()
    )
    assert lost.status == 200
    assert {answer.status for answer in answers} <= {200, 404, 503}
    records = [
        r for r in api.realm.records() if r["outcome"] == "granted" and r["event"] != "login"
    ]
    ended = max(r["seq"] for r in records if path in str(r["before"]))
    mine = [r["seq"] for r in records if r["actor"]["name"] == "carol" and path in str(r["after"])]
    assert all(seq < ended for seq in mine)
    assert len(mine) == sum(answer.status == 200 for answer in answers)
    assert (await send(carol, "apply", documents[0])).status == 404
