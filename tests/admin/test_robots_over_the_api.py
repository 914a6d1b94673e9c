"""/robots: what is shown once, what an entity tag is of, and what owners get."""

import asyncio
import json
from datetime import datetime

import pytest
from admin.api import SOON, without_secret
from admin.made import NUMBERS, fresh
from admin.test_no_secret_anywhere import stored
from sqlalchemy import update

from authsvc.clock import utc
from authsvc.db.models import Secret
from authsvc.protocol.secrets import kind_of

pytestmark = pytest.mark.anyio
LATER = "2999-01-01T00:00:00Z"
MINE = {"role": "writer", "namespace": "team", "registry": "reg-a.test"}


def name():
    return f"machine{next(NUMBERS)}"


async def made(api, **more):
    """The item and the secret of a new robot."""
    answer = await api.post("/robots", {**fresh("robots"), **more})
    assert answer.status == 201, answer.body
    return without_secret(answer.json), answer.json["secret"]


async def rotated(api, item, body, **more):
    answer = await api.post(f"/robots/{item['id']}/rotate", body, **more)
    assert answer.status == 200, answer.body
    return answer


async def test_a_secret_is_shown_by_the_answer_that_makes_it(api):
    item, first = await made(api, name="robot.shown", namespace="team", role="writer")
    assert kind_of(first) == "rob"
    assert item["name"] == "shown"
    answer = await rotated(api, item, {})
    second = answer.json["secret"]
    assert kind_of(second) == "rob"
    assert second != first
    shown = await api.get(f"/robots/{item['id']}")
    assert without_secret(answer.json) == shown.json
    assert answer.headers["etag"] == shown.headers["etag"]
    assert [each["expires_at"] is None for each in shown.json["secrets"]] == [False, True]


KEPT = [
    pytest.param({}, 86_400, id="a day"),
    pytest.param({"keep_old": "24h"}, 86_400, id="a length"),
    pytest.param({"keep_old": 90}, 90, id="seconds"),
    pytest.param({"keep_old": 0}, None, id="nothing"),
    pytest.param({"keep_old": "0"}, None, id="nothing in a text"),
    pytest.param({"keep_old": "0h"}, None, id="no hours"),
]


@pytest.mark.parametrize(("body", "seconds"), KEPT)
async def test_the_previous_secret_is_kept_as_asked(api, body, seconds):
    item, _ = await made(api)
    [*old, new] = (await rotated(api, item, body)).json["secrets"]
    assert new["expires_at"] is None
    assert len(old) == (seconds is not None)
    for each in old:
        kept = times(each["expires_at"]) - times(new["created_at"])
        assert kept.total_seconds() == seconds


def times(text):
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    "body",
    [{"keep_old": value} for value in (-1, "1w", "", "366d", 1.5, True, None, [], 10**12, "24")]
    + [{"keep": "1h"}, {"secret": "asv_rob_mine"}],
)
async def test_a_rotation_that_says_something_else_is_refused(api, body):
    item, _ = await made(api)
    answer = await api.post(f"/robots/{item['id']}/rotate", body)
    assert answer.status == 422
    assert [fault["pointer"] for fault in answer.json["errors"]] == [f"/{next(iter(body))}"]
    assert (await api.get(f"/robots/{item['id']}")).json == item


async def test_a_repeat_shows_no_secret_and_says_what_to_do(api):  # AD-15
    body, key = fresh("robots"), f"robot-{next(NUMBERS)}"
    first = await api.post("/robots", body, key=key)
    again = await api.post("/robots", body, key=key)
    assert (first.status, again.status) == (201, 200)
    item = without_secret(first.json)
    assert again.json == {**item, "advice": again.json["advice"]}
    assert "rotate" in again.json["advice"]
    assert again.headers["location"] == first.headers["location"]

    turned = await rotated(api, item, {}, key=key)
    repeat = await rotated(api, item, {}, key=key)
    assert "secret" in turned.json
    assert repeat.json == {**without_secret(turned.json), "advice": repeat.json["advice"]}
    assert len((await api.get(f"/robots/{item['id']}")).json["secrets"]) == 2
    other = await api.post(f"/robots/{item['id']}/rotate", {"keep_old": 0}, key=key)
    assert other.status == 422
    assert len((await api.get(f"/robots/{item['id']}")).json["secrets"]) == 2


async def test_the_key_of_another_caller_is_another_key(api):  # AD-15
    key = f"mine-{next(NUMBERS)}"
    root = await api.post("/robots", {**MINE, "name": name()}, key=key)
    olga = await api.as_("olga").post("/robots", {**MINE, "name": name()}, key=key)
    assert (root.status, olga.status) == (201, 201)
    assert root.json["secret"] != olga.json["secret"]
    temp = await api.as_("otto").post(f"/robots/{olga.json['id']}/rotate", {}, key=key)
    assert temp.status == 404


async def test_a_repeat_after_a_refusal_is_tried_anew(api):
    body, key = {**fresh("robots"), "registry": "late.test"}, f"late-{next(NUMBERS)}"
    assert (await api.post("/robots", body, key=key)).status == 422
    await api.make("/registries", name="late.test")
    answer = await api.post("/robots", body, key=key)
    assert answer.status == 201
    assert "secret" in answer.json


async def test_rotations_at_once_leave_two_secrets(api):
    item, _ = await made(api)
    answers = await asyncio.gather(*(rotated(api, item, {}) for _ in range(5)))
    assert len({answer.json["secret"] for answer in answers}) == 5
    held = (await api.get(f"/robots/{item['id']}")).json["secrets"]
    assert [each["expires_at"] is None for each in held] == [False, True]


async def test_a_robot_in_use_can_be_changed(api):
    """Its last use is shown, and is no part of what an entity tag is of."""
    item, _ = await made(api)
    path = f"/robots/{item['id']}"
    tag = (await api.get(path)).headers["etag"]
    used = utc(api.realm.parts.clock.now())
    with api.realm.parts.database.write() as session:
        session.execute(
            update(Secret).where(Secret.subject_id == item["id"]).values(last_used_at=used)
        )
    now = await api.get(path)
    assert times(now.json["secrets"][0]["last_used_at"]) == used
    assert now.headers["etag"] == tag
    assert (await api.patch(path, {"enabled": False}, tag=tag)).status == 200
    assert (await api.patch(path, {"enabled": True}, tag=tag)).status == 412


# olga owns `team` at reg-a.test, temp owns `brief` for an hour.
OWNERS = [
    pytest.param("olga", {}, 201, id="the namespace"),
    pytest.param("olga", {"namespace": "team/app"}, 201, id="below it"),
    pytest.param("olga", {"namespace": "team-x"}, 403, id="AD-03 a longer name"),
    pytest.param("olga", {"namespace": "shared"}, 403, id="another owner's"),
    pytest.param("olga", {"registry": None}, 403, id="all registries"),
    pytest.param("olga", {"registry": "reg-b.test"}, 403, id="another registry"),
    pytest.param("olga", {"registry": "no.test"}, 403, id="a registry that is not there"),
    pytest.param("olga", {"namespace": "team/*"}, 422, id="a glob"),
    pytest.param("olga", {"role": "owner"}, 422, id="RB-17 owner"),
    pytest.param("olga", {"role": "admin"}, 422, id="RB-17 admin"),
    pytest.param("olga", {"role": "catalog-reader"}, 422, id="RB-17 catalog-reader"),
    pytest.param("temp", {"namespace": "brief"}, 403, id="AD-29 a lasting robot"),
    pytest.param(
        "temp", {"namespace": "brief", "expires_at": LATER}, 403, id="AD-29 a longer robot"
    ),
    pytest.param(
        "temp", {"namespace": "brief", "expires_at": SOON}, 201, id="as long as its owner"
    ),
    pytest.param("auditor", {}, 403, id="an auditor"),
    pytest.param("carol", {}, 404, id="nobody of these"),
]


@pytest.mark.parametrize(("who", "members", "status"), OWNERS)
async def test_a_robot_by_an_owner(api, who, members, status):
    before = await api.all("/robots")
    body = {**MINE, "name": name(), **members}
    answer = await api.as_(who).post("/robots", body)
    assert answer.status == status, answer.body
    if status == 201:
        path = f"/robots/{answer.json['id']}"
        assert (await api.as_(who).post(f"{path}/rotate", {"keep_old": 0})).status == 200
        assert (await api.as_(who).patch(path, {"enabled": False})).status == 200
        assert (await api.as_(who).delete(path)).status == 200
    assert await api.all("/robots") == before


async def test_lists_hold_what_an_owner_sees(api):
    items = {
        place: (await made(api, **members))[0]
        for place, members in {
            "at": MINE,
            "below": {**MINE, "namespace": "team/app"},
            "all registries": {**MINE, "registry": None},
            "another registry": {**MINE, "registry": "reg-b.test"},
            "longer": {**MINE, "namespace": "team-x"},
        }.items()
    }
    olga = api.as_("olga")
    listed = await olga.get("/robots?limit=500")
    seen = {item["id"] for item in listed.json}
    assert listed.headers["x-total-count"] == str(len(seen))
    shown = {place for place, item in items.items() if item["id"] in seen}
    assert shown == {"at", "below", "all registries"}
    for place, item in items.items():
        for method, rest, body in (
            ("GET", "", None),
            ("POST", "/rotate", {}),
            ("DELETE", "", None),
        ):
            answer = await olga(method, f"/robots/{item['id']}{rest}", body)
            mine = 403 if place == "all registries" and method != "GET" else 200
            assert answer.status == (mine if place in shown else 404), (place, method)
    found = await api.get(f"/robots?q={items['longer']['name']}")
    assert [each["id"] for each in found.json] == [items["longer"]["id"]]


async def test_the_grant_of_a_robot_is_changed_by_the_robot_alone(api):
    item, _ = await made(api, **MINE)
    grant = await api.find("/grants", subject=f"robot:{item['name']}")
    path = f"/grants/{grant['id']}"
    for answer in (await api.delete(path), await api.patch(path, {"role": "reader"})):
        assert answer.status == 409
        assert f"this is the role of robot '{item['name']}'" in answer.json["detail"]
    assert (await api.delete(f"/robots/{item['id']}")).status == 200
    assert (await api.get(path)).status == 404


async def test_removing_a_namespace_says_which_robots_went_and_which_stay(api):
    space = f"place{next(NUMBERS)}"
    namespace = await api.make("/namespaces", name=space, registry="reg-a.test")
    gone, _ = await made(api, namespace=f"{space}/app", registry="reg-a.test")
    stays, _ = await made(api, namespace=space)
    answer = await api.delete(f"/namespaces/{namespace['id']}")
    assert answer.json["robots"] == [gone]
    assert answer.json["stays"]["robots"] == [stays]
    assert (await api.get(f"/robots/{gone['id']}")).status == 404
    assert (await api.get(f"/robots/{stays['id']}")).status == 200


async def test_no_secret_of_a_robot_is_found_again(api, capfd):  # PX-09
    answers, secrets, key = [], [], f"canary-{next(NUMBERS)}"
    body = fresh("robots")
    answer = await api.post("/robots", body, key=key)
    item = without_secret(answer.json)
    secrets.append(answer.json["secret"])
    path = f"/robots/{item['id']}"
    for sent in ({}, {"keep_old": 0}):
        secrets.append((await rotated(api, item, sent, key=f"{key}-{len(secrets)}")).json["secret"])
    answers += [
        await api.post("/robots", body, key=key),
        await api.post(f"{path}/rotate", {}, key=f"{key}-1"),
        await api.post("/robots", body),
        await api.get(path),
        await api.get("/robots?limit=500"),
        await api.patch(path, {"enabled": False}),
        await api.post("/robots", {**fresh("robots"), "name": secrets[0]}),
        await api.post("/robots", {**fresh("robots"), "secret": secrets[0]}),
        await api.post(f"{path}/rotate", {"keep_old": secrets[0]}),
        await api.get("/audit?limit=500"),
        await api.get("/policy/export"),
        await api.delete(path),
    ]
    assert [answer.status for answer in answers] == [
        200, 200, 409, 200, 200, 200, 422, 422, 422, 200, 200, 200,
    ]  # fmt: skip
    said = capfd.readouterr()
    places = [stored(api.realm.parts), said.out + said.err, json.dumps(api.realm.records())]
    places += [answer.body.decode() for answer in answers]
    for secret in secrets:
        middle = secret[8:38]  # what is secret of it
        assert not [text for text in places if middle in text]


async def test_a_robot_has_its_own_and_what_is_public_and_nothing_of_people(api):  # RB-17
    space = f"place{next(NUMBERS)}"
    item, secret = await made(api, namespace=f"{space}/own", role="writer")
    await api.make("/namespaces", name=f"{space}/internal", visibility="internal")
    await api.make("/namespaces", name=f"{space}/public", visibility="public")
    await api.make("/grants", subject="authenticated", role="writer", on=f"{space}/people")
    await api.make("/grants", subject="everyone", role="reader", on=f"{space}/everyone")
    scopes = [
        f"repository:{space}/{part}/x:pull,push"
        for part in ("own", "internal", "public", "people", "everyone")
    ]
    given = await api.token(f"robot.{item['name']}:{secret}", *scopes, "registry:catalog:*")
    assert given == {
        f"{space}/own/x": ["pull", "push"],
        f"{space}/public/x": ["pull"],
        f"{space}/everyone/x": ["pull"],
    }


@pytest.mark.parametrize("called", ["system", "scanner-x", "admin", "root"])
async def test_a_robot_named_like_somebody_of_the_system_manages_nothing(api, called):  # RB-13
    item, secret = await made(api, name=f"{called}-{next(NUMBERS)}")
    robot = api.as_(f"robot.{item['name']}:{secret}")
    assert (await robot.get("/me")).json["subject"] == f"robot:{item['name']}"
    for method, path, body in (
        ("GET", "/robots", None),
        ("GET", f"/robots/{item['id']}", None),
        ("POST", f"/robots/{item['id']}/rotate", {}),
        ("DELETE", f"/robots/{item['id']}", None),
        ("POST", "/robots", fresh("robots")),
        ("GET", "/users", None),
    ):
        assert (await robot(method, path, body)).status == 404
    assert (await api.get(f"/robots/{item['id']}")).json["secrets"][:-1] == []


async def test_what_keeps_a_robot_out_is_explained_to_those_who_see_it(api):
    """An owner whom it is a guest of could ask address by address where its runners are."""
    asked = {"scope": "repository:team/app:pull", "service": "reg-a.test", "ip": "192.0.2.7"}
    for home, who, reasons in (
        ("ops", "olga", {}),
        ("ops", "root", {"pull": "outside_networks"}),
        ("team", "olga", {"pull": "outside_networks"}),
    ):
        more = {"registry": "reg-a.test", "cidrs": ["10.0.0.0/8"]}
        robot = f"robot:{(await made(api, namespace=home, **more))[0]['name']}"
        await api.make("/grants", subject=robot, role="reader", on="team/app")
        told = await api.as_(who).post("/explain", {"subject": robot, **asked})
        assert (told.status, told.json["reasons"]) == (200, reasons)
