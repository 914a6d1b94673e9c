"""/pats: what is shown once, who sees what, and what a caller with a minted secret may do."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from admin.api import PASSPHRASE, without_secret
from admin.made import NUMBERS, fresh
from admin.test_no_secret_anywhere import stored

from authsvc.admin.permissions import PERMISSIONS
from authsvc.protocol.secrets import kind_of

pytestmark = pytest.mark.anyio
TEAM = "repository:team/app:pull,push"


def label():
    return f"label{next(NUMBERS)}"


async def made(api, **members):
    """The item and the secret of a new token."""
    answer = await api.post("/pats", {"name": label(), **members})
    assert answer.status == 201, answer.body
    return without_secret(answer.json), answer.json["secret"]


def bearer(api, secret):
    """A caller who shows a secret without a name."""

    async def call(method, path, body=None, *, headers=()):
        sent = [*headers, ("authorization", f"Bearer {secret}")]
        return await api.as_("")(method, path, body, headers=sent)

    return call


async def person(api, *roles):
    """A person of the database with these roles, and their name."""
    name = f"pat{next(NUMBERS)}"
    await api.make("/users", name=name, password=PASSPHRASE)
    for role in roles:
        await api.make("/grants", subject=f"user:{name}", **role)
    return name


async def test_a_secret_is_shown_by_the_answer_that_makes_it_and_by_no_other(api):
    carol = api.as_("carol")
    answer = await carol.post("/pats", {"name": label(), "scopes": [TEAM, TEAM]})
    item, secret = without_secret(answer.json), answer.json["secret"]
    assert answer.status == 201
    assert kind_of(secret) == "pat"
    assert item == {
        "id": item["id"], "name": item["name"], "user": "file:carol", "scopes": [TEAM],
        "admin": False, "expires_at": None, "last_used_at": None,
    }  # fmt: skip
    assert answer.headers["location"] == f"/api/v1/pats/{item['id']}"
    shown = await carol.get(f"/pats/{item['id']}")
    assert shown.json == item
    assert shown.headers["etag"] == answer.headers["etag"]
    assert item in await carol.all("/pats")
    removed = await carol.delete(f"/pats/{item['id']}", tag=answer.headers["etag"])
    assert removed.json == {"removed": item}
    assert (await carol.get(f"/pats/{item['id']}")).status == 404


async def test_a_repeat_gets_no_secret_and_the_key_is_the_callers(api):  # AD-15
    body, key = {"name": label()}, label()
    first = await api.as_("carol").post("/pats", body, key=key)
    again = await api.as_("carol").post("/pats", body, key=key)
    assert (first.status, again.status) == (201, 200)
    assert again.json.keys() == {*without_secret(first.json), "advice"}
    assert again.json["id"] == first.json["id"]
    assert again.headers["etag"] == first.headers["etag"]
    assert len(await api.as_("carol").all(f"/pats?q={body['name']}")) == 1
    other = await api.as_("bob").post("/pats", body, key=key)
    assert other.status == 201
    assert other.json["id"] != first.json["id"]


async def test_people_see_their_own_and_administrators_and_auditors_all(api):
    item, _ = await made(api.as_("carol"))
    path = f"/pats/{item['id']}"
    for who in ("bob", "olga", "otto"):
        caller = api.as_(who)
        assert (await caller.get(path)).status == 404
        assert (await caller.delete(path)).status == 404
        assert item not in await caller.all("/pats")
    for who in ("root", "auditor"):
        assert (await api.as_(who).get(path)).json == item
        assert item in await api.as_(who).all(f"/pats?q={item['name']}")
        assert item in await api.as_(who).all("/pats?q=carol")
    assert (await api.as_("auditor").delete(path)).status == 403
    assert (await api.delete(path)).status == 200


async def test_only_administrators_make_one_for_somebody_else(api):
    body = {"name": label(), "user": "file:bob"}
    assert (await api.as_("carol").post("/pats", body)).status == 404
    assert (await api.as_("auditor").post("/pats", body)).status == 403
    absent = {"name": label(), "user": "file:nobody"}
    assert (await api.as_("carol").post("/pats", absent)).status == 404
    answer = await api.post("/pats", body)
    assert answer.json["user"] == "file:bob"
    assert (await api.as_(f"bob:{answer.json['secret']}").get("/me")).json["name"] == "bob"


@pytest.mark.parametrize(
    ("members", "place"),
    [
        ({"user": "file:nobody"}, "/user"),
        ({"user": "nobody"}, "/user"),
        ({"user": "gone:bob"}, "/user"),
        ({"user": "robot.ci"}, "/user"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": [TEAM, "repository:x:*"]}, "/scopes/1"),
        ({"scopes": [TEAM], "admin": True}, ""),
        ({"secret": "mine"}, "/secret"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
    ],
)
async def test_what_is_wrong_is_told_with_its_place(api, members, place):
    before = await api.all("/pats")
    answer = await api.post("/pats", {"name": label(), **members})
    assert answer.status == 422
    assert [fault["pointer"] for fault in answer.json["errors"]] == [place]
    assert await api.all("/pats") == before


async def test_one_with_admin_ends_within_90_days(api):  # AD-28
    now = datetime.now(UTC)
    late = (now + timedelta(days=91)).isoformat()
    answer = await api.post("/pats", {"name": label(), "admin": True, "expires_at": late})
    assert answer.status == 422
    item, _ = await made(api, admin=True)
    assert datetime.fromisoformat(item["expires_at"]) - now < timedelta(days=91)


async def test_a_label_is_taken_once_per_person(api):
    item, _ = await made(api)
    answer = await api.post("/pats", {"name": item["name"]})
    assert answer.status == 409
    await made(api.as_("carol"), name=item["name"])


async def test_a_token_does_not_change(api):
    item, _ = await made(api)
    for method in ("PATCH", "PUT"):
        answer = await api(method, f"/pats/{item['id']}", {"admin": True})
        assert answer.status == 405
        assert answer.headers["allow"] == "DELETE, GET"


async def secrets_that_manage_nothing(api):
    """Of an administrator without `admin`, and narrowed; and of a robot."""
    plain, narrow = await made(api), await made(api, scopes=[TEAM])
    robot = (await api.post("/robots", fresh("robots"))).json
    return {"plain": plain[1], "narrow": narrow[1], "robot": robot["secret"]}


async def test_what_carries_no_rights_reads_about_its_owner_and_nothing_else(api):  # AD-28
    for kind, secret in (await secrets_that_manage_nothing(api)).items():
        call, before = bearer(api, secret), await api.all("/grants")
        for method, path in PERMISSIONS:
            body = None if method == "GET" else {}
            answer = await call(method, path.replace("{id}", "1"), body)
            if method == "GET" and path.startswith("/me"):
                assert answer.status == 200, (kind, method, path, answer.body)
            elif (method, path) == ("POST", "/pats") and kind != "robot":
                assert answer.status == 403
            else:
                assert answer.status == 404, (kind, method, path, answer.body)
                assert answer.json["detail"] == "there is nothing here"
        assert await api.all("/grants") == before


async def test_what_they_may_not_see_is_as_if_it_were_not_there(api):
    item, _ = await made(api)
    for secret in (await secrets_that_manage_nothing(api)).values():
        call = bearer(api, secret)
        for id_ in (item["id"], 1 << 40):
            for method in ("GET", "DELETE"):
                assert (await call(method, f"/pats/{id_}")).status == 404
    assert (await api.get(f"/pats/{item['id']}")).json == item


async def test_one_with_admin_carries_its_owners_rights_but_makes_no_other(api):  # AD-28
    name = await person(api, {"role": "admin"})
    item, secret = await made(api.as_(f"{name}:{PASSPHRASE}"), admin=True)
    for call in (bearer(api, secret), api.as_(f"{name}:{secret}")):
        assert (await call("GET", "/me")).json["admin"] is True
        assert (await call("GET", "/users")).status == 200
        made_ = await call("POST", "/grants", fresh("grants"))
        assert made_.status == 201
        for members in ({}, {"admin": True}, {"user": "file:bob"}):
            answer = await call("POST", "/pats", {"name": label(), **members})
            assert answer.status == 403
    records = [r for r in api.realm.records() if r["actor"]["name"] == name]
    assert {"kind": "pat", "id": str(item["id"])} in [r["credential"] for r in records]
    refused = [r for r in records if r["outcome"] == "refused"]
    assert "no token makes a token" in {record["reason"] for record in refused}


async def test_a_token_is_no_old_password(api):  # AD-28
    """Or whoever has one for 90 days would have the account for good."""
    name = await person(api)
    secret = (await made(api.as_(f"{name}:{PASSPHRASE}"), admin=True))[1]
    new = {"old": secret, "new": "five lakes and two bridges"}
    for call in (bearer(api, secret), api.as_(f"{name}:{secret}"), api.as_(f"{name}:{PASSPHRASE}")):
        answer = await call("PUT", "/me/password", new)
        assert answer.status == 422
        assert answer.json["errors"][0]["pointer"] == "/old"
    assert (await api.as_(f"{name}:{PASSPHRASE}").get("/me")).status == 200


async def test_a_robot_reads_who_it_is(api):
    robot = (await api.post("/robots", fresh("robots"))).json
    for call in (bearer(api, robot["secret"]), api.as_(f"robot.{robot['name']}:{robot['secret']}")):
        me = (await call("GET", "/me")).json
        assert me["kind"] == "robot"
        assert (me["name"], me["subject"]) == (robot["name"], f"robot:{robot['name']}")
        assert (me["groups"], me["admin"], me["owns"]) == ([], False, [])
        reached = (await call("GET", "/me/repositories")).json
        assert robot["namespace"] in {one["on"] for one in reached}
    assert (await api.get("/me")).json["kind"] == "user"


async def test_the_tokens_of_a_disabled_administrator_sleep_and_of_a_removed_one_are_gone(api):
    """AD-25, at the admin API and at the token realm."""
    name = await person(api, {"role": "admin"})
    _, secret = await made(api.as_(f"{name}:{PASSPHRASE}"), admin=True)
    user = await api.find("/users", name=name)
    path = f"/users/{user['id']}"

    async def doors():
        query = "service=reg-a.test&scope=repository:team/app:push"
        return [
            (await bearer(api, secret)("GET", "/me")).status,
            (await api.as_(f"{name}:{secret}").get("/users")).status,
            (await api.realm.get(query, f"{name}:{secret}")).status,
        ]

    assert await doors() == [200, 200, 200]
    await api.patch(path, {"enabled": False})
    assert await doors() == [401, 401, 401]
    await api.patch(path, {"enabled": True})
    assert await doors() == [200, 200, 200]
    await api.patch(path, {"password": f"{PASSPHRASE}s"})
    assert await doors() == [200, 200, 200]  # a password ends none
    assert (await api.delete(path)).status == 200
    assert await doors() == [401, 401, 401]
    await api.make("/users", name=name, password=PASSPHRASE)
    await api.make("/grants", subject=f"user:{name}", role="admin")
    assert await doors() == [401, 401, 401]


async def test_what_the_owner_loses_its_tokens_lose(api):  # RB-12
    name = await person(api, {"role": "owner", "on": "loses"})
    _, secret = await made(api.as_(f"{name}:{PASSPHRASE}"), admin=True)
    call = bearer(api, secret)
    grant = await api.find("/grants", subject=f"user:local:{name}")
    ask, given = (
        "repository:loses/app:pull,push,delete",
        {"subject": "user:file:bob", "on": "loses"},
    )
    assert (await call("POST", "/grants", {**given, "role": "reader"})).status == 201
    assert await api.token(f"{name}:{secret}", ask) == {"loses/app": ["delete", "pull", "push"]}
    await api.patch(f"/grants/{grant['id']}", {"role": "reader"})
    assert (await call("POST", "/grants", {**given, "role": "writer"})).status == 404
    assert await api.token(f"{name}:{secret}", ask) == {"loses/app": ["pull"]}
    await api.delete(f"/grants/{grant['id']}")
    assert await api.token(f"{name}:{secret}", ask) == {}


async def test_revoking_ends_them_at_once(api):
    name = await person(api)
    item, secret = await made(api.as_(f"{name}:{PASSPHRASE}"))
    assert (await bearer(api, secret)("GET", "/me")).status == 200
    user = await api.find("/users", name=name)
    told = (await api.post(f"/users/{user['id']}/revoke", {})).json
    assert told["pats"] == [item["id"]]
    assert (await bearer(api, secret)("GET", "/me")).status == 401
    assert (await api.get(f"/pats/{item['id']}")).status == 404


async def test_whoever_removes_one_ends_it_at_once(api):
    item, secret = await made(api.as_("carol"))
    assert (await api.as_(f"carol:{secret}").get("/me")).status == 200
    await api.delete(f"/pats/{item['id']}")
    assert (await api.as_(f"carol:{secret}").get("/me")).status == 401


async def test_what_is_no_secret_of_ours_opens_nothing_as_bearer(api):
    _, secret = await made(api)
    token = (await api.realm.get("service=reg-a.test", "bob")).json["token"]
    other = "A" if secret[20] != "A" else "B"
    for shown in ("", "x", token, secret.lower(), secret[:-1], secret + "A", secret.swapcase(),
                  secret[:20] + other + secret[21:], secret.replace("pat", "rob"),
                  f"{secret} x", "asv_ref_" + secret[8:]):  # fmt: skip
        answer = await bearer(api, shown)("GET", "/me")
        assert answer.status == 401, shown
        assert answer.headers["www-authenticate"].startswith('Basic realm="')
        assert answer.json["detail"] == "authentication is required"
    for scheme in ("Bearer", "bearer", "BEARER"):
        sent = [("authorization", f"{scheme} {secret}")]
        assert (await api.as_("")("GET", "/me", headers=sent)).status == 200
        twice = await api.as_("")("GET", "/me", headers=[*sent, *sent])
        assert twice.status == 401
        realm = await api.realm.call("GET", "/token", query="service=reg-a.test", headers=sent)
        assert realm.status == 401  # which knows Basic alone


async def test_the_first_use_is_recorded_as_a_sign_in_with_the_id_of_the_secret(api):
    item, secret = await made(api.as_("carol"))
    for _ in range(2):
        assert (await bearer(api, secret)("GET", "/me")).status == 200
    await bearer(api, f"asv_pat_{'0' * 36}")("GET", "/me")
    records = [r for r in api.realm.records() if r["event"] == "login"]
    shown = {"kind": "pat", "id": str(item["id"])}
    (record,) = [each for each in records if each["credential"] == shown]
    assert (record["outcome"], record["actor"]["name"]) == ("granted", "carol")
    refused = [each for each in records if each["credential"] == {"kind": "bearer", "id": None}]
    assert refused[-1]["outcome"] == "refused"


async def test_when_it_was_used_last_is_told_and_leaves_the_tag_as_it_is(api):
    item, secret = await made(api.as_("carol"))
    before = (await api.get(f"/pats/{item['id']}")).headers["etag"]
    assert (await bearer(api, secret)("GET", "/me")).status == 200
    for _ in range(600):
        answer = await api.get(f"/pats/{item['id']}")
        if answer.json["last_used_at"] is not None:
            break
        await asyncio.sleep(0.05)
    assert answer.json["last_used_at"] is not None
    assert answer.headers["etag"] == before


async def test_the_document_and_its_pages_take_a_secret(api):
    for secret in (await secrets_that_manage_nothing(api)).values():
        sent = [("authorization", f"Bearer {secret}")]
        for path in ("/openapi.json", "/docs"):
            assert (await api.realm.call("GET", path, headers=sent)).status == 200


async def test_no_secret_is_found_anywhere_else(api, capfd):
    secrets, answers, key = [], [], label()

    async def send(call, *request, **more):
        answers.append(await call(*request, **more))

    for members in ({}, {"scopes": [TEAM]}, {"admin": True}):
        item, secret = await made(api, **members)
        secrets.append(secret)
        call = bearer(api, secret)
        for method, path in (("GET", "/me"), ("POST", "/pats"), ("GET", f"/pats/{item['id']}")):
            await send(call, method, path, None if method == "GET" else {"name": label()})
        for wrong in ({"name": secret, "x": secret}, {"name": "x", "scopes": [secret]}):
            await send(api, "POST", "/pats", wrong)
        await send(api.as_(f"carol:{secret}"), "GET", "/me")
        await send(api.as_(f"{secret}:x"), "GET", "/me")
        await send(api, "GET", f"/pats?token={secret}")
    body = {"name": label()}
    first = await api.post("/pats", body, key=key)
    secrets.append(first.json["secret"])
    answers += [await api.post("/pats", body, key=key), await api.get("/pats?limit=500")]
    await send(api, "DELETE", f"/pats/{first.json['id']}")
    await send(api, "GET", "/audit?limit=500")
    said = capfd.readouterr()
    everything = [stored(api.realm.parts), said.out, said.err]
    everything += [f"{each.headers}{each.body}" for each in answers]
    for secret in secrets:
        assert not [text for text in everything if secret in text]
