"""Requests as nobody well-meaning sends them: other methods, paths and credentials."""

import pytest
from admin.made import CHANGES, fresh
from inprocess import basic

from authsvc.admin.permissions import PERMISSIONS

pytestmark = pytest.mark.anyio
METHODS = ("GET", "HEAD", "OPTIONS", "TRACE", "CONNECT", "POST", "PUT", "PATCH", "DELETE", "get",
           "PROPFIND", "X")  # fmt: skip
PATHS = sorted({path for _, path in PERMISSIONS})


async def everything(api):
    return {noun: await api.all(f"/{noun}") for noun in (*CHANGES, "keys")}


@pytest.mark.parametrize("path", PATHS)
async def test_other_methods_are_405_with_those_that_are_there(api, path):  # AD-18
    allowed = {method for method, of in PERMISSIONS if of == path}
    before = await everything(api)
    for method in METHODS:
        for who in ("root", "carol", "") if method not in allowed else ():
            answer = await api.as_(who)(method, path.replace("{id}", "1"), {})
            if (method, path) == ("GET", "/keys/rotate"):  # the key of that id
                assert answer.status in (401, 404)
                continue
            assert answer.status == 405, (method, who)
            assert set(answer.headers["allow"].split(", ")) == allowed
            assert answer.headers["content-type"] == "application/problem+json"
    assert await everything(api) == before


@pytest.mark.parametrize(
    "header", ["x-http-method-override", "x-http-method", "x-method-override", "_method"]
)
async def test_a_method_in_a_header_or_a_parameter_counts_for_nothing(api, header):  # AD-18
    item = await api.make("/groups", **fresh("groups"))
    path = f"/groups/{item['id']}"
    for method in ("DELETE", "PATCH"):
        assert (await api("GET", path, headers=[(header, method)])).json == item
        answer = await api("POST", path, {}, headers=[(header, method)])
        assert answer.status == 405
        assert (await api("GET", f"{path}?_method={method}")).status == 422
    assert (await api.get(path)).json == item


ALIASES = [
    "/groups/{id}/", "//groups/{id}", "/groups//{id}", "/./groups/{id}", "/groups/./{id}",
    "/users/../groups/{id}", "/groups/../groups/{id}", "/Groups/{id}", "/GROUPS/{id}",
    "/groups/{id};x=1", "/groups;x=1/{id}", "/groups/{id}\x00", "/groups\x00/{id}",
    "/groups/{id}\n", "/groups/{id}\r\n", "/groups/{id} ", "/groups/ {id}", "/groups/0{id}",
    "/groups/+{id}", "/groups/{id}.0", "/groups/{id}.json", "/groups/{id}%20", "/groups\\{id}",
    "/\u0261roups/{id}", "/\uff47roups/{id}", "/groups/{id}'--", "/groups/{id} OR 1=1", "/groups/*",
    "/groups/%", "/groups/_", "/groups/..", "/groups/null", "/group/{id}",
]  # fmt: skip


@pytest.mark.parametrize("alias", ALIASES, ids=ascii)
async def test_a_path_has_one_spelling(api, alias):
    item = await api.make("/groups", **fresh("groups"))
    path = alias.replace("{id}", str(item["id"]))
    for method, body in (("GET", None), ("DELETE", None), ("PATCH", CHANGES["groups"])):
        answer = await api(method, path, body, headers=[("if-match", "*")])
        assert answer.status == 404
        assert answer.json["detail"] == "there is nothing here"
    assert (await api.get(f"/groups/{item['id']}")).json == item


@pytest.mark.parametrize(
    "end", ["/", "//", "\n", "\x00", "%00", " ", ".", "/.", ";", "/..", ".json"]
)
async def test_a_collection_has_one_spelling(api, end):
    for noun in (*CHANGES, "keys", "audit", "me", "me/decisions"):
        answer = await api.get(f"/{noun}{end}")
        assert answer.status == 404, noun
        if noun in CHANGES:
            before = await api.all(f"/{noun}")
            assert (await api.post(f"/{noun}{end}", fresh(noun))).status in (404, 405)
            assert await api.all(f"/{noun}") == before


async def token_of(api):
    return (await api.realm.get("service=reg-a.test", "root")).json["token"]


def pair(who):
    return basic(who)[0][1]


OTHER_CREDENTIALS = [
    pytest.param(lambda t: [("authorization", f"Bearer {t}")], id="lesson 1 a registry token"),
    pytest.param(lambda t: [("authorization", f"bearer {t}")], id="in small letters"),
    pytest.param(lambda t: [("authorization", t)], id="a bare token"),
    pytest.param(lambda t: basic(f"root:{t}"), id="a registry token as a password"),
    pytest.param(lambda t: basic(f"oauth2:{t}"), id="a registry token of oauth2"),
    pytest.param(lambda _: basic("root") + basic("root"), id="the same header twice"),
    pytest.param(lambda _: basic("root") + basic("carol"), id="two callers"),
    pytest.param(lambda _: [("authorization", f"{pair('root')}, {pair('root')}")], id="joined"),
    pytest.param(lambda _: [("authorization", f"Digest {pair('root')[6:]}")], id="digest"),
    pytest.param(lambda _: [("authorization", pair("root") + "\x00")], id="a NUL at the end"),
    pytest.param(lambda _: [("authorization", "Basic")], id="a scheme alone"),
    pytest.param(lambda _: [("authorization", "Basic cm9vdA==")], id="no colon"),
    pytest.param(lambda _: [("authorization", "")], id="an empty header"),
    pytest.param(lambda _: [("proxy-authorization", pair("root"))], id="for a proxy"),
    pytest.param(lambda _: [("x-authorization", pair("root"))], id="another header"),
    pytest.param(lambda _: [("x-remote-user", "root"), ("x-forwarded-user", "root"),
                            ("x-webauth-user", "root"), ("remote_user", "root")], id="PX-05"),
    pytest.param(lambda t: [("cookie", f"authorization={pair('root')}; token={t}")], id="a cookie"),
]  # fmt: skip


@pytest.mark.parametrize("headers", OTHER_CREDENTIALS)
async def test_credentials_of_another_kind_are_401(api, headers):
    sent = headers(await token_of(api))
    for method, path in (("GET", "/me"), ("GET", "/users"), ("POST", "/groups"),
                         ("GET", "/policy/export"), ("POST", "/policy/apply")):  # fmt: skip
        answer = await api.as_("")(method, path, None, headers=sent)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    "query",
    ["access_token={t}", "token={t}", "authorization={b}", "Authorization=Basic%20{b}",
     "user=root&password=correct%20horse%20battery%20staple", "api_key={t}"],
)  # fmt: skip
async def test_credentials_in_the_query_are_401(api, query):  # AD-20
    secret = query.format(t=await token_of(api), b=pair("root").removeprefix("Basic "))
    for path in ("/users", "/me", "/audit", "/policy/export"):
        assert (await api.as_("").get(f"{path}?{secret}")).status == 401


async def test_where_a_request_says_it_came_from_changes_no_link(api):  # PX-03
    for number in range(2):
        await api.make("/groups", name=f"linked{number}")
    headers = [("host", "evil.test"), ("x-forwarded-host", "evil.test"),
               ("x-forwarded-proto", "gopher"), ("x-forwarded-prefix", "/evil")]  # fmt: skip
    answer = await api("GET", "/groups?limit=1", headers=headers)
    assert answer.headers["link"].startswith("</api/v1/groups?limit=1&cursor=")
    made = await api("POST", "/groups", {"name": "linked9"}, headers=headers)
    assert made.headers["location"] == f"/api/v1/groups/{made.json['id']}"
