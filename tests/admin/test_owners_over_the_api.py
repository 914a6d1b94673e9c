"""Owners over the API: no more than their namespaces, and nobody gets more than they hold."""

import pytest
from admin.api import SOON
from admin.made import NUMBERS

pytestmark = pytest.mark.anyio
MINE = {"subject": "user:file:bob", "role": "reader", "registry": "reg-a.test"}
LATER = "2999-01-01T00:00:00Z"
# olga owns `team` at reg-a.test.
PLACES = [
    pytest.param({"on": "team"}, 201, id="the namespace"),
    pytest.param({"on": "team/app"}, 201, id="below it"),
    pytest.param({"on": "team/a*"}, 201, id="a glob below it"),
    pytest.param({"on": "team/**"}, 201, id="all names below it"),
    pytest.param({"on": "team/{username}"}, 201, id="a home below it"),
    pytest.param({"on": "team-x"}, 403, id="AD-03 a longer name"),
    pytest.param({"on": "team-x/app"}, 403, id="AD-03 below a longer name"),
    pytest.param({"on": "team2"}, 403, id="AD-03 a digit more"),
    pytest.param({"on": "te_m"}, 403, id="AD-03 an SQL wildcard"),
    pytest.param({"on": "tea"}, 403, id="AD-03 a letter less"),
    pytest.param({"on": "teams/team"}, 403, id="AD-03 at the end"),
    pytest.param({"on": "team*"}, 403, id="AD-04 a glob over neighbours"),
    pytest.param({"on": "te*"}, 403, id="AD-04 a glob from the middle"),
    pytest.param({"on": "*/app"}, 403, id="AD-04 a glob from the start"),
    pytest.param({"on": "**/team"}, 403, id="AD-04 a glob that ends there"),
    pytest.param({"on": "team**"}, 403, id="AD-04 a glob over all that begins so"),
    pytest.param({"on": "{username}"}, 403, id="AD-04 homes"),
    pytest.param({"on": "**"}, 403, id="AD-04 everything"),
    pytest.param({"on": "team", "registry": None}, 403, id="all registries"),
    pytest.param({"on": "team", "registry": "reg-b.test"}, 403, id="another registry"),
    pytest.param({"on": "team", "registry": "nope.test"}, 403, id="a registry that is not there"),
    pytest.param({"on": "Team"}, 422, id="upper case"),
    pytest.param({"on": "team/../ops"}, 422, id="up and out"),
    pytest.param({"on": "team//app"}, 422, id="two slashes"),
    pytest.param({"on": "team/"}, 422, id="a slash at the end"),
    pytest.param({"on": "tеam"}, 422, id="a Cyrillic letter"),  # noqa: RUF001
    pytest.param({"on": "ｔｅａｍ"}, 422, id="full-width letters"),  # noqa: RUF001
    pytest.param({"on": "team/app\n"}, 422, id="a line feed at the end"),
    pytest.param({"on": "team%2f..%2fops"}, 422, id="percent signs"),
    pytest.param({"on": "team' OR '1'='1"}, 422, id="SQL"),
    pytest.param({"on": ""}, 422, id="nothing"),
    pytest.param({"on": "team", "role": "maintainer"}, 201, id="a role within their own"),
    pytest.param({"on": "team", "role": "owner"}, 201, id="another owner"),
    pytest.param({"on": "team", "effect": "deny"}, 201, id="a deny"),
    pytest.param({"on": "team-x", "effect": "deny"}, 403, id="a deny elsewhere"),
    pytest.param({"on": "**", "role": "admin", "registry": None}, 403, id="AD-05 admin"),
    pytest.param({"role": "admin", "on": "team"}, 422, id="AD-05 admin of a path"),
    pytest.param({"on": "**", "role": "auditor", "registry": None}, 403, id="AD-05 auditor"),
    pytest.param({"on": "**", "role": "catalog-reader"}, 403, id="AD-05 catalog"),
    pytest.param({"on": "**", "registry": None, "effect": "deny"}, 403, id="a deny everywhere"),
    pytest.param({"on": "team", "role": "nope"}, 422, id="no such role"),
    pytest.param({"on": "team", "subject": "user:nobody-here"}, 422, id="no such person"),
]
FOREIGN = ["id", "changed_in", "created_at", "fingerprint", "subject_id", "registry_id", "role_id",
           "pattern", "owner", "admin", "source"]  # fmt: skip


async def counted(api, path="/grants"):
    answer = await api.get(path)
    assert answer.headers["x-total-count"] == str(len(await api.all(path)))
    return int(answer.headers["x-total-count"])


@pytest.mark.parametrize(("members", "status"), PLACES)
async def test_a_grant_by_an_owner(api, members, status):
    before = await api.all("/grants")
    answer = await api.as_("olga").post("/grants", {**MINE, **members})
    assert answer.status == status, answer.body
    if status == 201:
        assert {**MINE, **members}.items() <= answer.json.items()
        assert (await api.as_("olga").delete(f"/grants/{answer.json['id']}")).status == 200
    assert await api.all("/grants") == before


@pytest.mark.parametrize(("members", "status"), PLACES)
async def test_a_grant_of_theirs_becomes_by_patch_no_more_than_they_could_make(
    api, members, status
):
    place = f"team/patched{next(NUMBERS)}"
    item = await api.as_("olga").make("/grants", **MINE, on=place, reason="before")
    path = f"/grants/{item['id']}"
    answer = await api.as_("olga").patch(path, members)
    assert answer.status == (200 if status == 201 else status), answer.body
    now = (await api.get(path)).json
    assert now == ({**item, **members} if answer.status == 200 else item)
    assert (await api.delete(path)).status == 200


@pytest.mark.parametrize("extra", FOREIGN)
async def test_no_member_that_is_not_theirs_is_taken(api, extra):
    before = await api.all("/grants")
    answer = await api.as_("olga").post("/grants", {**MINE, "on": "team/mass", extra: 1})
    assert answer.status == 422
    assert [fault["pointer"] for fault in answer.json["errors"]] == [f"/{extra}"]
    assert await api.all("/grants") == before


async def test_lists_and_their_totals_hold_what_they_see_and_no_more(api):
    made = {
        place: await api.make("/grants", subject="user:file:dora", role="reader", **members)
        for place, members in {
            "at": {"on": "team", "registry": "reg-a.test"},
            "below": {"on": "team/app", "registry": "reg-a.test"},
            "glob": {"on": "team/{username}/*", "registry": "reg-a.test"},
            "all registries": {"on": "team/app"},
            "another registry": {"on": "team/app", "registry": "reg-b.test"},
            "longer": {"on": "team-x", "registry": "reg-a.test"},
            "wildcard": {"on": "te_m", "registry": "reg-a.test"},
            "above": {"on": "**", "registry": "reg-a.test"},
            "over": {"on": "team*", "registry": "reg-a.test"},
        }.items()
    }
    olga = api.as_("olga")
    seen = {item["id"] for item in await olga.all("/grants")}
    shown = {place for place, item in made.items() if item["id"] in seen}
    assert shown == {"at", "below", "glob", "all registries"}
    assert await counted(olga) == len(seen) < await counted(api)
    assert await counted(olga, "/grants?q=te_m") == await counted(olga, "/grants?q=team-x") == 0
    assert await counted(olga, "/grants?q=dora") == 4
    for place, item in made.items():
        status = 200 if place in shown else 404
        assert (await olga.get(f"/grants/{item['id']}")).status == status
        answer = await olga.delete(f"/grants/{item['id']}")
        assert answer.status == (403 if place == "all registries" else status)  # AD-02
    for place in made.keys() - {"at", "below", "glob"}:
        assert (await api.get(f"/grants/{made[place]['id']}")).json == made[place]


async def test_what_they_see_of_namespaces_and_registries(api):
    for name in ("team/one", "team-x", "te_m", "team2"):
        await api.make("/namespaces", name=name, registry="reg-a.test")
    await api.make("/namespaces", name="team/one", registry="reg-b.test")
    await api.make("/namespaces", name="team/all")
    olga, otto = api.as_("olga"), api.as_("otto")
    seen = {(item["name"], item["registry"]) for item in await olga.all("/namespaces")}
    assert seen == {("team", "reg-a.test"), ("team/one", "reg-a.test"), ("team/all", None)}
    assert await counted(olga, "/namespaces") == 3
    assert [item["name"] for item in await olga.all("/registries")] == ["reg-a.test"]
    assert await otto.all("/registries") == await api.all("/registries")
    assert await otto.all("/namespaces") == []
    everyones = await api.find("/namespaces", name="team/all")
    assert (
        await olga.patch(f"/namespaces/{everyones['id']}", {"visibility": "public"})
    ).status == 403
    assert (await olga.delete(f"/namespaces/{everyones['id']}")).status == 403
    mine = await api.find("/namespaces", name="team/one", registry="reg-a.test")
    answer = await olga.patch(f"/namespaces/{mine['id']}", {"visibility": "internal"})
    assert (answer.status, answer.json["visibility"]) == (200, "internal")
    assert (await olga.delete(f"/namespaces/{mine['id']}")).status == 200
    assert (await api.find("/namespaces", name="team/one"))["registry"] == "reg-b.test"


@pytest.mark.parametrize(
    ("members", "status"),
    [
        pytest.param({"name": "team/new", "registry": "reg-a.test"}, 201, id="theirs"),
        pytest.param({"name": "team/new"}, 403, id="all registries"),
        pytest.param({"name": "team/new", "registry": "reg-b.test"}, 403, id="another registry"),
        pytest.param({"name": "team/new", "registry": "no.test"}, 403, id="no such registry"),
        pytest.param({"name": "team-x/new", "registry": "reg-a.test"}, 403, id="a neighbour"),
        pytest.param({"name": "new", "registry": "reg-a.test"}, 403, id="elsewhere"),
        pytest.param({"name": "team", "registry": "reg-a.test"}, 409, id="there already"),
        pytest.param({"name": "team/*", "registry": "reg-a.test"}, 422, id="a glob"),
    ],
)
async def test_a_namespace_by_an_owner(api, members, status):
    answer = await api.as_("olga").post("/namespaces", members)
    assert answer.status == status, answer.body
    if status == 201:
        await api.delete(f"/namespaces/{answer.json['id']}")


async def test_groups_are_no_detour(api):
    group = await api.find("/groups", name="devs")
    for method in ("PATCH", "DELETE", "GET"):
        body = {"members": ["file:olga", "file:carol"]} if method == "PATCH" else None
        answer = await api.as_("olga")(method, f"/groups/{group['id']}", body,
                                       headers=[("if-match", "*")])  # fmt: skip
        assert answer.status == 404
    assert (await api.get(f"/groups/{group['id']}")).json == group


@pytest.mark.parametrize(
    ("members", "status"),
    [
        pytest.param({}, 403, id="AD-29 for ever"),
        pytest.param({"expires_at": LATER}, 403, id="AD-29 beyond their own end"),
        pytest.param({"effect": "deny"}, 403, id="AD-29 a lasting deny"),
        pytest.param({"expires_at": SOON}, 201, id="AD-29 to the same end"),
    ],
)
async def test_an_owner_for_an_hour_gives_nothing_that_outlasts_it(api, members, status):
    temp = api.as_("temp")
    wanted = {"subject": "user:file:bob", "role": "writer", "on": "brief/app", **members}
    answer = await temp.post("/grants", wanted)
    assert answer.status == status, answer.body
    if status == 201:
        path = f"/grants/{answer.json['id']}"
        for longer in (None, LATER):
            assert (await temp.patch(path, {"expires_at": longer})).status == 403
        assert (await api.get(path)).json == answer.json
        assert (await temp.delete(path)).status == 200


async def test_an_owner_for_an_hour_changes_nothing_that_lasts(api):  # AD-29
    temp = api.as_("temp")
    space = await api.make("/namespaces", name="brief/space")
    grant = await api.make("/grants", subject="user:file:bob", role="reader", on="brief/kept")
    me = await api.find("/grants", subject="user:file:temp")
    assert (await temp.post("/namespaces", {"name": "brief/other"})).status == 403
    for path, body in (
        (f"/namespaces/{space['id']}", {"visibility": "public"}),
        (f"/grants/{grant['id']}", {"role": "writer"}),
        (f"/grants/{grant['id']}", {"expires_at": SOON}),
        (f"/grants/{me['id']}", {"expires_at": None}),
    ):
        assert (await temp.patch(path, body)).status == 403
    for path, item in ((f"/namespaces/{space['id']}", space), (f"/grants/{grant['id']}", grant)):
        assert (await temp.delete(path)).status == 403
        assert (await api.get(path)).json == item


async def test_a_deny_counts_for_what_they_hand_on(api):  # AD-29, rule 5
    olga = api.as_("olga")
    deny = await api.make(
        "/grants", subject="user:file:olga", role="writer", effect="deny", on="team/secret",
        registry="reg-a.test",
    )  # fmt: skip
    table = [
        ("reader", "team/secret", 403), ("writer", "team/secret", 403), ("writer", "team", 403),
        ("maintainer", "team/**", 403), ("writer", "team/open", 201),
    ]  # fmt: skip
    for role, on, status in table:
        answer = await olga.post("/grants", {**MINE, "role": role, "on": on})
        assert answer.status == status, (role, on)
    path = f"/grants/{deny['id']}"
    for body in ({"effect": "allow"}, {"on": "team/other"}, {"role": "reader"},
                 {"subject": "user:file:bob"}, {"expires_at": SOON}):  # fmt: skip
        assert (await olga.patch(path, body)).status == 403
    assert (await olga.delete(path)).status == 403
    assert (await api.get(path)).json == deny
    assert (await api.delete(path)).status == 200
