"""The documentation of the interfaces: for any valid credentials, and from here alone."""

import re

import pytest
from inprocess import basic, form

from authsvc.tokens.openapi import STATUSES, TokenError, TokenResponse

pytestmark = pytest.mark.anyio
PAGES = ["/openapi.json", "/docs"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("who", ["", "alice:wrong", "nobody:x"])
async def test_pages_are_closed_without_valid_credentials(realm, page, who):  # PX-11
    answer = await realm.call("GET", page, headers=basic(who))
    assert answer.status == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Basic realm=")
    assert answer.json["status"] == 401
    assert answer.json["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("page", PAGES)
async def test_any_valid_credentials_open_them(realm, page):
    answer = await realm.call("GET", page, headers=basic("carol"))
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("page", [*PAGES, "/redoc", "/api/v1/users"])
async def test_a_registry_token_opens_nothing_here(realm, page):
    token = (await realm.get("service=reg-a.test", "alice")).json["token"]
    bearer = [("authorization", f"Bearer {token}")]
    answer = await realm.call("GET", page, headers=bearer)
    assert answer.status == (404 if page == "/redoc" else 401)


async def test_a_refused_sign_in_is_recorded(realm):
    await realm.call("GET", "/docs", headers=basic("alice:wrong"))
    record = realm.records()[-1]
    assert (record["event"], record["outcome"]) == ("login", "refused")
    assert (record["reason"], record["claimed"]) == ("wrong_password", "alice")


async def test_the_page_names_every_path_and_fetches_nothing(realm):
    document = (await realm.call("GET", "/openapi.json", headers=basic("carol"))).json
    page = (await realm.call("GET", "/docs", headers=basic("carol"))).body.decode()
    assert all(path in page for path in document["paths"])
    assert not re.search(r"(src|href)=.?(https?:)?//", page)
    assert "<script" not in page


async def test_the_document_describes_the_realm_by_the_models_of_its_answers(realm):
    document = (await realm.call("GET", "/openapi.json", headers=basic("carol"))).json
    operations = document["paths"]["/token"]
    assert set(operations) == {"get", "post"}
    assert all(set(one["responses"]) == {"200", *STATUSES} for one in operations.values())
    schemas = document["components"]["schemas"]
    for name in re.findall(r"#/components/schemas/(\w+)", str(document)):
        assert name in schemas


async def test_real_answers_fit_the_models(realm):
    good = await realm.get("service=reg-a.test&scope=repository:team/app:pull", "alice")
    TokenResponse.model_validate_json(good.body)
    bad = [
        await realm.get("service=reg-a.test"),
        await realm.get("service=evil.test", "alice"),
        await realm.post(form(grant_type="password", service="reg-a.test")),
        await realm.call("PUT", "/token"),
    ]
    assert [answer.status for answer in bad] == [401, 400, 400, 405]
    for answer in bad:
        TokenError.model_validate_json(answer.body)


@pytest.mark.parametrize("path", ["/", "/api/v1/tokens", "/token-x", "/console/", "/nope/"])
async def test_other_paths_are_problems(realm, path):
    answer = await realm.call("GET", path)
    assert answer.status == 404
    assert set(answer.json) == {"type", "title", "status", "detail", "instance", "request_id"}


async def test_metadata_is_built_from_settings_alone(realm):  # PX-03, RFC 8414
    forwarded = [("host", "evil.test"), ("x-forwarded-host", "evil.test")]
    path = "/.well-known/oauth-authorization-server"
    found = (await realm.call("GET", path, headers=forwarded)).json
    assert found["issuer"] == "authsvc"
    assert found["token_endpoint"] == "http://auth.test/token"
    assert found["jwks_uri"] == "http://auth.test/.well-known/jwks.json"


async def test_the_key_set_holds_public_members_only(realm):  # JW-15
    answer = await realm.call("GET", "/.well-known/jwks.json")
    keys = answer.json["keys"]
    assert len(keys) == 2
    assert {key["kty"] for key in keys} == {"EC"}
    assert not any("d" in key for key in keys)
    assert "max-age" in answer.headers["cache-control"]
