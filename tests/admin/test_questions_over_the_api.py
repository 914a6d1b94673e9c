"""explain and who-can over the API: the shapes of contract section 4, and who may ask (AD-30)."""

import pytest
from admin.api import PASSPHRASE
from admin.made import NUMBERS

pytestmark = pytest.mark.anyio
SHAPE = {"subject", "service", "granted", "denied", "grants", "visibility", "smallest"}
CONSIDERED = {"id", "subject", "role", "on", "effect", "counted", "why_not"}
ABOVE = {"id": None, "subject": None, "role": None, "on": "a grant above", "effect": "allow",
         "counted": True, "why_not": None}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
async def world(api):
    await api.make("/namespaces", name="private-a", registry="reg-a.test")
    await api.make("/namespaces", name="inside", visibility="internal")
    await api.make("/users", name="lena", password=PASSPHRASE)
    await api.make("/grants", subject="user:lena", role="maintainer", on="**")
    await api.make("/grants", subject="user:lena", role="reader", on="team/app",
                   registry="reg-a.test")  # fmt: skip
    await api.make("/grants", subject="everyone", role="writer", effect="deny", on="team/closed")
    await api.make("/grants", subject="group:devs", role="writer", on="team/tools")


async def explain(api, subject, scope, **more):
    return await api.post(
        "/explain", {"subject": subject, "scope": scope, "service": "reg-a.test", **more}
    )


def words(answer):
    """What an answer says, but for the request's id and the place asked about."""
    return answer.status, {name: text for name, text in answer.json.items() if name != "request_id"}


@pytest.mark.parametrize("who", ["root", "auditor"])
async def test_who_reads_all_is_told_all(api, who):
    answer = await explain(api.as_(who), "user:lena", "repository:team/app:push,pull")
    assert answer.status == 200
    assert answer.json.keys() >= SHAPE
    assert all(grant.keys() == CONSIDERED for grant in answer.json["grants"])
    assert (answer.json["granted"], answer.json["denied"]) == (["pull", "push"], [])
    assert {(g["role"], g["on"]) for g in answer.json["grants"] if g["counted"]} == {
        ("maintainer", "**"), ("reader", "team/app"),
    }  # fmt: skip
    assert answer.json["smallest"] is None


async def test_an_owner_is_told_of_grants_at_or_below_and_of_no_other(api):
    answer = await explain(api.as_("olga"), "user:lena", "repository:team/app:push")
    assert answer.status == 200
    own = [grant for grant in answer.json["grants"] if grant["id"] is not None]
    assert [(grant["role"], grant["on"]) for grant in own] == [("reader", "team/app")]
    assert [grant for grant in answer.json["grants"] if grant["id"] is None] == [ABOVE]
    assert answer.json["granted"] == ["push"]


async def test_everybody_is_told_of_their_own_grants_and_of_what_they_lack(api):
    answer = await explain(api.as_("bob"), "user:file:bob", "repository:team/app:pull,push")
    assert (answer.json["granted"], answer.json["denied"]) == (["pull"], ["push"])
    assert [(g["role"], g["on"]) for g in answer.json["grants"] if g["counted"]] == [
        ("reader", "team")
    ]
    assert answer.json["smallest"] == {"role": "writer", "on": "team/app"}


@pytest.mark.parametrize("who", ["carol", "olga", "otto"])
async def test_a_private_namespace_and_none_read_the_same(api, who):  # AD-30
    told = [
        await explain(api.as_(who), f"user:file:{who}", f"repository:{name}/x:pull,push")
        for name in ("private-a", "private-z")
    ]
    assert told[0].status == 200
    assert told[0].body.replace(b"private-a", b"private-z") == told[1].body


HIDDEN = [
    pytest.param("user:file:bob", "repository:private-a/x:pull", id="a private namespace"),
    pytest.param("user:file:bob", "repository:private-z/x:pull", id="an absent namespace"),
    pytest.param("user:lena", "repository:inside/x:pull", id="a local person"),
    pytest.param("user:not-there", "repository:inside/x:pull", id="an absent person"),
    pytest.param("user:nowhere:bob", "repository:inside/x:pull", id="an absent source"),
    pytest.param("robot:ci", "repository:inside/x:pull", id="a robot"),
    pytest.param("group:devs", "repository:inside/x:pull", id="a group"),
    pytest.param("anonymous", "repository:open/x:pull", id="nobody"),
    pytest.param("nonsense", "repository:open/x:pull", id="nonsense"),
    pytest.param("user:file:bob", "registry:catalog:*", id="the catalog"),
    pytest.param("user:file:bob", "repository:team-x/app:pull", id="a longer name"),
    pytest.param("user:file:bob", "repository:te_m/app:pull", id="an SQL wildcard"),
]


@pytest.mark.parametrize("who", ["carol", "olga", "otto", "temp"])
async def test_about_others_they_are_told_the_same_nothing(api, who):  # AD-30
    nothing = words(await api.as_("carol").post("/who-can", {}))[1] | {
        "instance": "/api/v1/explain"
    }
    for case in HIDDEN:
        subject, scope = case.values
        answer = await explain(api.as_(who), subject, scope)
        assert words(answer) == (404, nothing), case.id


@pytest.mark.parametrize("who", ["carol", "olga"])
async def test_registries_are_named_to_nobody_who_may_not_list_them(api, who):  # AD-30
    asked = {"subject": f"user:file:{who}", "scope": "repository:team/app:pull"}
    answer = await api.as_(who).post("/explain", asked)
    assert answer.status == 422
    assert [fault["pointer"] for fault in answer.json["errors"]] == ["/service"]
    assert b"reg-" not in answer.body
    assert b"reg-b.test" in (await api.post("/explain", asked)).body


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        pytest.param({"scope": "repository:a/b:pull"}, "/subject", id="no subject"),
        pytest.param({"scope": "repository:a/b"}, "/scope", id="no actions"),
        pytest.param({"scope": "repository:a/../b:pull"}, "/scope", id="up"),
        pytest.param({"scope": "repository:a:pull repository:b:pull"}, "/scope", id="two entries"),
        pytest.param({"scope": "repository:A/B:pull"}, "/scope", id="upper case"),
        pytest.param({"ip": "10.0.0.0/8"}, "/ip", id="a network"),
        pytest.param({"subject": "group:devs"}, "/subject", id="a group"),
        pytest.param({"subject": "everyone"}, "/subject", id="an audience"),
        pytest.param({"action": "pull"}, "/action", id="no such member"),
    ],
)
async def test_what_is_no_question_is_422_with_its_place(api, body, pointer):
    whole = {"subject": "user:lena", "scope": "repository:a/b:pull", "service": "reg-a.test"}
    asked = {k: v for k, v in {**whole, **body}.items() if f"/{k}" != pointer or k in body}
    answer = await api.post("/explain", asked)
    assert answer.status == 422
    assert [fault["pointer"] for fault in answer.json["errors"]] == [pointer]


async def test_who_can_names_people_of_grants_and_groups(api):
    body = {"action": "push", "name": "team/tools/x", "service": "reg-a.test"}
    for who in ("root", "auditor", "olga"):
        answer = await api.as_(who).post("/who-can", body)
        assert answer.status == 200
        assert all(able.keys() == {"subject", "grants"} for able in answer.json)
        able = {one["subject"] for one in answer.json}
        assert {"user:file:dora", "user:file:root", "user:file:olga", "user:local:lena"} <= able
        assert not able & {"user:file:bob", "user:file:auditor", "group:devs", "everyone"}


@pytest.mark.parametrize("name", ["private-a/x", "private-z/x", "team-x", "te_m", "tea", "open/x"])
async def test_who_can_tells_owners_nothing_of_other_places(api, name):  # AD-30
    body = {"action": "pull", "name": name, "service": "reg-a.test"}
    absent = words(await api.as_("carol").post("/who-can", body))
    assert absent[0] == 404
    for who in ("olga", "otto", "temp"):
        assert words(await api.as_(who).post("/who-can", body)) == absent
    elsewhere = body | {"name": "team", "service": "reg-b.test"}
    assert words(await api.as_("olga").post("/who-can", elsewhere)) == absent


async def test_explain_agrees_with_tokens(api):  # RB-15
    people = {"user:file:bob": "bob", "user:file:carol": "carol", "user:file:root": "root",
              "user:local:lena": f"lena:{PASSPHRASE}", "anonymous": ""}  # fmt: skip
    names = ("team/app", "team/closed/x", "team/tools/x", "open/x", "inside/x", "private-a/x",
             "shared/x", "ops/tools", "absent/x")  # fmt: skip
    compared = 0
    for subject, who in people.items():
        for name in names:
            for service in ("reg-a.test", "reg-b.test"):
                scope = f"repository:{name}:delete,pull,push"
                asked = {"subject": subject, "scope": scope, "service": service, "ip": "127.0.0.1"}
                told = (await api.post("/explain", asked)).json
                assert told["granted"] == (await api.token(who, scope, service=service)).get(
                    name, []
                )
                assert sorted(told["granted"] + told["denied"]) == ["delete", "pull", "push"]
                compared += 1
    assert compared == 90


async def test_the_smallest_change_is_one_that_works(api):
    name = f"fresh{next(NUMBERS)}/app"
    scope = f"repository:{name}:pull,push"
    smallest = (await explain(api, "user:file:carol", scope)).json["smallest"]
    await api.make("/grants", subject="user:file:carol", **smallest)
    assert await api.token("carol", scope) == {name: ["pull", "push"]}
    assert (await explain(api, "user:file:carol", scope)).json["denied"] == []
