"""Contract section 5, rule 10, over the API: what is removed gives nothing to a later namesake."""

import pytest
from admin.api import PASSPHRASE

pytestmark = pytest.mark.anyio
APP = "repository:{}/app:pull,push"


async def test_a_person(api):
    who = f"ann:{PASSPHRASE}"
    user = await api.make("/users", name="ann", password=PASSPHRASE)
    group = await api.make("/groups", name="anns", members=["ann", "file:bob"])
    for subject, on in (("user:ann", "ann-own"), ("group:anns", "ann-group")):
        await api.make("/grants", subject=subject, role="writer", on=on)
    await api.make("/grants", subject="user:ann", role="auditor")
    await api.make("/grants", subject="user:ann", role="reader", effect="deny", on="open")
    scopes = [APP.format("ann-own"), APP.format("ann-group"), "repository:open/x:pull"]
    assert await api.token(who, *scopes[:2]) == {
        "ann-own/app": ["pull", "push"],
        "ann-group/app": ["pull", "push"],
    }
    assert len(await api.as_(who).all("/grants")) > 3
    assert (await api.as_(who).get("/me/decisions")).status == 200

    removed = await api.delete(f"/users/{user['id']}")
    assert (removed.status, removed.json["removed"], removed.json["groups"]) == (
        200,
        user,
        ["anns"],
    )
    assert (await api.as_(who).get("/me")).status == 401
    assert (await api.realm.get("service=reg-a.test", who)).status == 401

    twin = await api.make("/users", name="ann", password=PASSPHRASE)
    assert twin["id"] != user["id"]
    assert await api.token(who, *scopes) == {"open/x": ["pull"]}
    me = (await api.as_(who).get("/me")).json
    assert (me["id"], me["groups"], me["owns"], me["grants"]) == (str(twin["id"]), [], [], [])
    assert (me["admin"], me["auditor"]) == (False, False)
    assert (await api.as_(who).get("/grants")).status == 404
    assert (await api.get(f"/groups/{group['id']}")).json["members"] == ["user:file:bob"]


async def test_a_group(api):
    body = {"name": "crew", "members": ["file:carol"]}
    group = await api.make("/groups", **body)
    outer = await api.make("/groups", name="all-crews", members=["group:crew"])
    await api.make("/grants", subject="group:crew", role="writer", on="crew-own")
    await api.make("/grants", subject="group:all-crews", role="writer", on="crew-outer")
    scopes = [APP.format("crew-own"), APP.format("crew-outer")]
    assert len(await api.token("carol", *scopes)) == 2
    assert (await api.delete(f"/groups/{group['id']}")).status == 200
    assert await api.token("carol", *scopes) == {}
    await api.make("/groups", **body)
    assert await api.token("carol", *scopes) == {}
    assert (await api.get(f"/groups/{outer['id']}")).json["members"] == []


async def test_a_namespace(api):
    body = {"name": "left", "registry": "reg-a.test"}
    space = await api.make("/namespaces", **body, visibility="public")
    await api.make("/namespaces", name="left/deep", registry="reg-a.test", visibility="public")
    for on in ("left", "left/deep", "left/*"):
        members = {"role": "writer", "on": on, "registry": "reg-a.test"}
        await api.make("/grants", subject="user:file:carol", **members)
    robot = await api.make(
        "/robots", name="left", namespace="left/deep", registry="reg-a.test", role="reader"
    )
    stays = await api.make("/grants", subject="user:file:dora", role="reader", on="left")
    near = await api.make("/grants", subject="user:file:carol", role="reader", on="left-x")
    scopes = [APP.format("left"), APP.format("left/deep"), APP.format("left-x")]
    assert len(await api.token("carol", *scopes)) == 3
    removed = await api.delete(f"/namespaces/{space['id']}")
    assert removed.status == 200
    assert [item["name"] for item in removed.json["namespaces"]] == ["left", "left/deep"]
    assert len(removed.json["grants"]) == 4, "the three, and the robot's"
    assert removed.json["stays"] == {"namespaces": [], "grants": [stays], "robots": []}
    assert (await api.get(f"/robots/{robot['id']}")).status == 404
    await api.make("/namespaces", **body)
    assert await api.token("carol", *scopes) == {"left-x/app": ["pull"]}
    assert (await api.get(f"/grants/{near['id']}")).status == 200


async def test_a_registry(api):
    registry = await api.make("/registries", name="gone.test")
    await api.make("/namespaces", name="gone", registry="gone.test", visibility="public")
    grant = await api.make(
        "/grants", subject="user:file:carol", role="writer", on="gone", registry="gone.test"
    )
    scope = APP.format("gone")
    assert await api.token("carol", scope, service="gone.test") == {"gone/app": ["pull", "push"]}
    removed = await api.delete(f"/registries/{registry['id']}")
    assert (removed.json["namespaces"], removed.json["grants"]) == (1, 1)
    assert (await api.realm.get("service=gone.test", "carol")).status == 400
    assert (await api.get(f"/grants/{grant['id']}")).status == 404
    await api.make("/registries", name="gone.test")
    assert await api.token("carol", scope, service="gone.test") == {}
    assert not [one for one in await api.all("/namespaces") if one["registry"] == "gone.test"]


async def test_a_role_that_is_in_use_stays(api):
    role = await api.make("/roles", name="used", allow=["repository:push"])
    grant = await api.make("/grants", subject="user:file:carol", role="used", on="used")
    assert (await api.delete(f"/roles/{role['id']}")).status == 409
    assert await api.token("carol", APP.format("used")) == {"used/app": ["push"]}
    assert (await api.delete(f"/grants/{grant['id']}")).status == 200
    assert (await api.delete(f"/roles/{role['id']}")).status == 200


@pytest.mark.parametrize("name", ["admin", "owner", "reader"])
async def test_a_role_that_is_built_in_stays_as_it_is(api, name):
    role = await api.find("/roles", name=name)
    assert (await api.delete(f"/roles/{role['id']}")).status == 409
    assert (await api.patch(f"/roles/{role['id']}", {"allow": ["repository:pull"]})).status == 409
    assert (await api.get(f"/roles/{role['id']}")).json == role
