"""GET /token: the distribution token specification, and what hostile clients make of it."""

import pytest

pytestmark = pytest.mark.anyio
S = "service=reg-a.test"


async def test_a_login_check_gets_a_token_with_an_empty_access_list(realm):
    answer = await realm.get(f"{S}&account=alice&client_id=docker&offline_token=true", "alice")
    assert answer.status == 200
    assert answer.token["access"] == []
    assert answer.json["scope"] == ""
    assert "refresh_token" not in answer.json


async def test_the_answer_is_what_every_client_can_read(realm):
    answer = await realm.get(f"{S}&scope=repository:team/app:push,pull", "alice")
    body, claims = answer.json, answer.token
    assert set(body) == {"token", "access_token", "expires_in", "scope"}
    assert body["token"] == body["access_token"]
    assert body["expires_in"] == 900
    assert body["scope"] == "repository:team/app:pull,push"
    assert answer.headers["cache-control"] == "no-store"
    assert claims["exp"] - claims["iat"] == 960
    assert claims["nbf"] == claims["iat"]
    assert {type(claims[name]) for name in ("exp", "nbf", "iat")} == {int}
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("authsvc", "alice", "reg-a.test")
    assert claims["access"] == [
        {"type": "repository", "name": "team/app", "actions": ["pull", "push"]}
    ]


async def test_a_registry_may_have_a_shorter_life_for_its_tokens(realm):
    answer = await realm.get("service=short.test&scope=repository:short/x:pull", "alice")
    assert answer.json["expires_in"] == 60


@pytest.mark.parametrize(
    ("query", "who", "access"),
    [
        pytest.param("scope=", "alice", {}, id="SC-01"),
        pytest.param("", "alice", {}, id="SC-02"),
        pytest.param(
            "scope=repository:team/a:pull&scope=repository:ops/b:pull&scope=repository:open/c:pull",
            "alice", {"team/a": ["pull"], "open/c": ["pull"]}, id="SC-03",
        ),
        pytest.param(
            "scope=repository:team/a:pull%20repository:ops/b:pull+repository:open/c:pull",
            "alice", {"team/a": ["pull"], "open/c": ["pull"]}, id="SC-04",
        ),
        pytest.param(
            "scope=repository:team/a:pull&scope=repository:team/a:push,pull",
            "alice", {"team/a": ["pull", "push"]}, id="SC-05",
        ),
        pytest.param("scope=foo:bar:pull", "alice", {}, id="SC-07"),
        pytest.param("scope=repository:reg-a.test:5000/team/app:pull", "alice", {}, id="SC-09"),
        pytest.param("scope=repository:team/app:PULL", "alice", {}, id="SC-11-upper"),
        pytest.param("scope=repository:team/app:,pull,,pull", "alice", {"team/app": ["pull"]},
                     id="SC-11-empty"),
        pytest.param("scope=registry:catalog:*", "alice", {}, id="SC-13-user"),
        pytest.param("scope=registry:catalog:*", "bob", {"catalog": ["*"]}, id="SC-13-reader"),
        pytest.param("scope=repository:team%252Fapp:pull", "alice", {}, id="SC-17"),
        pytest.param("scope=repository:team/app:push", "alice", {"team/app": ["push"]}, id="SC-19"),
        pytest.param("scope=repository:ops/app:pull", "alice", {}, id="SC-20"),
        pytest.param("scope=repository:team/../ops/app:push", "alice", {}, id="RN-01"),
        pytest.param("scope=repository:Team/app:pull", "alice", {}, id="RN-03"),
        pytest.param("scope=repository:team:pull", "alice", {"team": ["pull"]}, id="RN-07"),
        pytest.param("scope=repository:team-x/app:pull", "alice", {}, id="RN-prefix"),
        pytest.param("scope=repository:team/*:pull", "alice", {}, id="RN-11"),
        pytest.param("scope=repository:team//app:pull", "alice", {}, id="RN-14"),
        pytest.param("scope=repository:team/app@sha256:0:pull", "alice", {}, id="RN-15"),
        pytest.param("scope=repository:team/a/b/c/d/e/f:pull", "alice",
                     {"team/a/b/c/d/e/f": ["pull"]}, id="RN-16"),
        pytest.param("scope=repository:team/app:pull,push&scope=repository:ops/base:pull", "alice",
                     {"team/app": ["pull", "push"]}, id="RN-22"),
        pytest.param("scope=repository:team/app:*", "bob", {"team/app": ["pull"]}, id="star"),
        pytest.param("scope=repository:team/app:push", "bob", {}, id="reader-pushes"),
        pytest.param("scope=repository:open/a:pull,push", "", {"open/a": ["pull"]}, id="public"),
        pytest.param("scope=repository:team/app:pull", "", {}, id="AC-03"),
        pytest.param("account=alice&scope=repository:team/app:pull", "", {}, id="AC-03-account"),
        pytest.param("account=bob&scope=repository:team/app:push", "alice",
                     {"team/app": ["push"]}, id="AC-04"),
        pytest.param("scope=repository:timed/x:pull", "bob", {}, id="PX-15-outside"),
    ],
)  # fmt: skip
async def test_never_more_than_asked_and_held(realm, query, who, access):
    answer = await realm.get(f"{S}&{query}", who)
    assert answer.status == 200
    assert answer.access == access
    assert answer.token["sub"] == who


async def test_a_class_that_was_asked_for_is_kept(realm):
    answer = await realm.get(f"{S}&scope=repository(plugin):team/app:pull", "alice")
    assert answer.token["access"] == [
        {"type": "repository", "name": "team/app", "actions": ["pull"], "class": "plugin"}
    ]


async def test_a_grant_counts_at_its_registry_only(realm):  # SV-09
    answer = await realm.get("service=reg-b.test&scope=repository:team/app:push", "alice")
    assert answer.access == {}


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("", id="SV-01-missing"),
        pytest.param("service=", id="SV-01-empty"),
        pytest.param("service=evil.test", id="SV-02-unknown"),
        pytest.param("service=off.test", id="SV-02-disabled"),
        pytest.param(f"{S}&{S}", id="SV-05-same"),
        pytest.param(f"{S}&service=reg-b.test", id="SV-05-other"),
        pytest.param("service=reg-a.test%20reg-b.test", id="SV-06"),
        pytest.param("service=reg-a.test,reg-b.test", id="SV-06-comma"),
        *(
            pytest.param(f"service={name}", id=f"SV-07-{name}")
            for name in (
                "REG-A.TEST", "reg-a.test.", "reg-a.test:443", "reg-a.test/", "%20reg-a.test"
            )
        ),
        pytest.param(f"{S}&" + "&".join(["scope=repository:a:pull"] * 257), id="257-scopes"),
        pytest.param(f"{S}&scope=" + "a" * 65_537, id="64-KiB"),
    ],
)  # fmt: skip
async def test_what_names_no_one_registry_or_asks_too_much_is_400(realm, query):
    answer = await realm.get(query, "alice")
    assert answer.status == 400
    check_error_body(answer, "invalid_request")


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("Basic YWxpY2U=", id="BA-01"),
        pytest.param("Basic OnNlY3JldA==", id="BA-03"),
        pytest.param("Basic YWxpY2U6", id="BA-04"),
        pytest.param("Basic", id="BA-10-bare"),
        pytest.param("Bearer", id="BA-10-bearer"),
        pytest.param("Bearer eyJhbGciOiJub25lIn0.e30.", id="BA-10-jwt"),
        pytest.param("Digest x", id="BA-10-digest"),
        pytest.param("Basic a b c", id="BA-10-three"),
        pytest.param("", id="BA-10-empty"),
        pytest.param("Basic YWxpY2U6cA", id="BA-12-unpadded"),
    ],
)
async def test_a_header_that_can_be_nobodys_is_401_and_never_anonymous(realm, header):
    query = f"{S}&scope=repository:open/x:pull"
    answer = await realm.call("GET", "/token", query=query, headers=[("authorization", header)])
    assert answer.status == 401
    check_error_body(answer, "invalid_grant")


async def test_two_authorization_headers_are_401(realm):
    from inprocess import basic

    headers = basic("alice") + basic("bob")
    answer = await realm.call("GET", "/token", query=S, headers=headers)
    assert answer.status == 401


async def test_an_empty_pair_is_anonymous(realm):  # BA-05
    headers = [("authorization", "Basic Og==")]
    query = f"{S}&scope=repository:open/x:pull"
    answer = await realm.call("GET", "/token", query=query, headers=headers)
    assert answer.access == {"open/x": ["pull"]}


async def test_no_credentials_and_no_scope_is_401(realm):
    answer = await realm.get(S)
    assert answer.status == 401
    realm_url = 'Basic realm="http://auth.test/token", charset="UTF-8"'
    assert answer.headers["www-authenticate"] == realm_url


@pytest.mark.parametrize(
    "who", ["alice:wrong", "nobody:wrong", "Alice", "\uff41lice", "robot.ci:x"]
)
async def test_wrong_unknown_and_look_alike_names_get_one_and_the_same_answer(realm, who):
    answer = await realm.get(f"{S}&scope=repository:open/x:pull", who)  # BF-01, BA-15
    assert answer.status == 401
    assert answer.json["details"] == "authentication failed"
    check_error_body(answer, "invalid_grant")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "HEAD", "OPTIONS", "X"])
async def test_other_methods_are_405_and_give_no_token(realm, method):  # OA-09
    answer = await realm.call(method, "/token", query=f"{S}&scope=repository:open/x:pull")
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, POST"
    check_error_body(answer, "invalid_request")


@pytest.mark.parametrize("path", ["/token", "/token/", "/auth/token", "/auth/token/"])
async def test_all_four_paths_answer_directly(realm, path):
    answer = await realm.call("GET", path, query=f"{S}&scope=repository:open/x:pull")
    assert answer.status == 200


@pytest.mark.parametrize(
    "path", ["/token/revoke/x", "/token/x", "/auth/token/x", "/auth/token/revoked"]
)
async def test_paths_below_the_realm_have_its_error_body(realm, path):
    answer = await realm.call("POST", path)
    assert answer.status == 404
    check_error_body(answer, "invalid_request")


async def test_every_answer_carries_a_request_id_and_takes_over_a_well_formed_one(realm):
    answer = await realm.call("GET", "/token", query=S, headers=[("x-request-id", "abc-1")])
    assert answer.headers["x-request-id"] == "abc-1"
    answer = await realm.call("GET", "/token", query=S, headers=[("x-request-id", 'a"b')])
    assert answer.headers["x-request-id"] != 'a"b'


async def test_identifiers_of_tokens_are_never_the_same(realm):
    query = f"{S}&scope=repository:open/x:pull"
    found = [(await realm.get(query)).token["jti"] for _ in range(600)]
    assert len(set(found)) == 600


def check_error_body(answer, error):
    """The one body that registry clients and OAuth2 clients alike can read."""
    body = answer.json
    assert set(body) == {"details", "errors", "error", "error_description"}
    assert body["error"] == error
    assert isinstance(body["details"], str)
    assert set(body["errors"][0]) == {"code", "message", "detail"}
    assert answer.headers["content-type"] == "application/json"
