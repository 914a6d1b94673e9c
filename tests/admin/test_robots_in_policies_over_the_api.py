"""Robots in documents over the API: by the guard of /robots, without secrets, none lost."""

import pytest
from admin.policies import A, B, differing, done, fresh_path, refused, send

pytestmark = pytest.mark.anyio


def robot(name, namespace="team", role="writer", **members):
    return {"name": name, "namespace": namespace, "role": role, "registry": A, **members}


async def test_what_a_document_makes_is_an_item_without_a_secret_until_it_is_rotated(api):
    name = fresh_path()
    made = await done(api, "apply", {"robots": [robot(name, namespace=name, registry=None)]})
    (shown,) = made["added"]["robots"]
    assert shown == {
        "name": name, "namespace": name, "role": "writer", "registry": None, "enabled": True,
        "expires_at": None, "cidrs": [],
    }  # fmt: skip
    item = await api.find("/robots", name=name)
    assert item == {"id": item["id"], "secrets": [], **shown}
    rotated = await api.post(f"/robots/{item['id']}/rotate", {})
    assert rotated.json["secret"].startswith("asv_rob_")
    export = await api.get("/policy/export")
    assert {"name": name, "namespace": name, "role": "writer"} in export.json["robots"]
    assert rotated.json["secret"].encode() not in export.body
    again = await done(api, "plan", {"robots": [{**shown, "role": "reader"}]})
    assert [each["after"]["role"] for each in again["changed"]["robots"]] == ["reader"]
    assert again["effects"]["by_name"][0]["subject"] == f"robot:{name}"


BEYOND = [
    pytest.param(robot("x", registry=None), 403, id="for all registries"),
    pytest.param(robot("x", registry=B), 403, id="at another registry"),
    pytest.param(robot("x", "team-x"), 403, id="AD-03 a longer name"),
    pytest.param(robot("x", "ops"), 403, id="AD-03 elsewhere"),
    pytest.param(robot("x", role="owner"), 422, id="RB-07 owner"),
    pytest.param(robot("x", role="catalog-reader"), 422, id="RB-07 the catalog"),
    pytest.param(robot("x", secrets=[]), 422, id="secrets"),
    pytest.param(robot("x", id=1), 422, id="an id"),
    pytest.param(robot("x", expires_at="30d"), 422, id="a length"),
]


@pytest.mark.parametrize(("entry", "status"), BEYOND)
async def test_an_owner_writes_robots_of_their_namespaces_alone(api, entry, status):
    for verb in ("plan", "apply"):
        assert (await refused(api, "olga", verb, {"robots": [entry]})).status == status


async def test_an_owners_document_is_about_their_robots(api):
    own, other = fresh_path(), fresh_path()
    await api.make("/robots", **robot(other, namespace="ops"))
    olga = api.as_("olga")
    document = {
        "robots": [robot(own)],
        "grants": [
            {"subject": f"robot:{own}", "role": "writer", "on": "team", "registry": A},
            {"subject": f"robot:{own}", "role": "reader", "on": "team/base", "registry": A},
        ],
        "tests": [f"robot:{own} can push team/app on {A}"],
    }
    plan = await done(olga, "plan", document)
    assert {kind: len(held) for kind, held in differing(plan)["added"].items()} == {
        "grants": 1, "robots": 1,
    }  # fmt: skip
    await done(olga, "apply", document, plan=plan)
    exported = (await olga.get("/policy/export")).json
    assert [each["name"] for each in exported["robots"]] == [own]
    assert other not in str(exported)
    taken = await send(olga, "apply", {"robots": [robot(other)]})
    assert (taken.status, taken.json["errors"][0]["pointer"]) == (422, "/document/robots/0")
    assert "ops" not in taken.json["errors"][0]["detail"]
    removed = differing(await done(olga, "apply", {"robots": []}, prune=True))["removed"]
    assert [each["name"] for each in removed["robots"]] == [own]
    assert [each["on"] for each in removed["grants"]] == ["team/base"]
    assert await api.find("/robots", name=other)


async def test_an_unknown_caller_and_a_robot_learn_nothing(api):
    for who in ("bob", "nobody"):
        answer = await send(api.as_(who), "plan", {"robots": [robot("x")]})
        assert answer.status in (401, 404)
