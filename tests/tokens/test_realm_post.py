"""POST /token: the OAuth2 form of the token specification."""

import pytest
from inprocess import PASSWORD, basic, form

pytestmark = pytest.mark.anyio
GOOD = {
    "grant_type": "password", "service": "reg-a.test", "client_id": "containerd-client",
    "username": "alice", "password": PASSWORD, "scope": "repository:team/app:pull,push",
}  # fmt: skip


def without(name):
    return {key: value for key, value in GOOD.items() if key != name}


async def test_a_password_grant_gets_what_a_get_gets(realm):
    answer = await realm.post(form(**GOOD))
    assert answer.status == 200
    assert answer.access == {"team/app": ["pull", "push"]}
    assert answer.json["access_token"] == answer.json["token"]


async def test_repeated_and_blank_separated_scopes_are_merged(realm):
    text = form(**without("scope"))
    text += "&scope=repository:team/app:pull+repository:team/app:push&scope=repository:open/x:pull"
    answer = await realm.post(text)
    assert answer.access == {"team/app": ["pull", "push"], "open/x": ["pull"]}


async def test_a_refresh_token_that_nobody_gave_out_is_400_invalid_grant(realm):
    answer = await realm.post(
        form(grant_type="refresh_token", service="reg-a.test", refresh_token="x")
    )
    assert answer.status == 400
    assert answer.json["error"] == "invalid_grant"


async def test_a_wrong_password_is_401_invalid_grant(realm):
    answer = await realm.post(form(**GOOD | {"password": "wrong"}))
    assert answer.status == 401
    assert answer.json["error"] == "invalid_grant"


@pytest.mark.parametrize("kind", ["application/X-WWW-form-urlencoded",
                                  "application/x-www-form-urlencoded; charset=utf-8"])  # fmt: skip
async def test_spellings_of_the_content_type_are_accepted(realm, kind):  # OA-10
    headers = [("content-type", kind)]
    answer = await realm.call("POST", "/token", headers=headers, body=form(**GOOD).encode())
    assert answer.status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param([("content-type", "application/json")], 415, id="OA-02"),
        pytest.param([("content-type", "multipart/form-data; boundary=x")], 415, id="OA-03"),
        pytest.param([], 415, id="no-type"),
        pytest.param([("content-type", "application/x-www-form-urlencoded"),
                      ("content-encoding", "gzip")], 415, id="OA-16"),
    ],
)  # fmt: skip
async def test_other_bodies_are_refused(realm, headers, status):
    answer = await realm.call("POST", "/token", headers=headers, body=form(**GOOD).encode())
    assert answer.status == status
    assert answer.json["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param(form(**GOOD | {"grant_type": "client_credentials"}),
                     "unsupported_grant_type", id="OA-05"),
        *(pytest.param(form(**without(name)), "invalid_request", id=f"OA-06-{name}")
          for name in ("grant_type", "service", "username", "password")),
        *(pytest.param(form(**GOOD | {name: ""}), "invalid_request", id=f"OA-07-{name}")
          for name in ("grant_type", "service", "username", "password")),
        pytest.param("", "invalid_request", id="OA-17-empty"),
        pytest.param("x", "invalid_request", id="OA-17-byte"),
        pytest.param(form(**GOOD) + "&password=%", "invalid_request", id="OA-17-escape"),
        pytest.param(form(**GOOD) + "&x=1" * 20_000, "invalid_request", id="OA-18"),
        pytest.param(form(**GOOD) + "&service=reg-b.test", "invalid_request", id="SV-05"),
    ],
)  # fmt: skip
async def test_a_form_that_is_none_is_400(realm, body, error):
    answer = await realm.post(body)
    assert answer.status == 400
    assert answer.json["error"] == error


async def test_a_service_in_the_query_of_a_post_is_400(realm):  # SV-10
    answer = await realm.post(form(**GOOD), query="service=reg-a.test")
    assert answer.status == 400


async def test_other_parameters_in_the_query_of_a_post_do_not_count(realm):  # OA-08
    answer = await realm.post(form(**without("scope")), query="scope=repository:team/app:push")
    assert answer.access == {}


async def test_a_header_and_a_form_that_differ_are_400(realm):  # BA-13
    answer = await realm.post(form(**GOOD), headers=basic("bob"))
    assert answer.status == 400
    assert (await realm.post(form(**GOOD), headers=basic("alice"))).status == 200


async def test_a_body_beyond_the_bound_is_413(realm):  # RX-03
    answer = await realm.post(b"grant_type=password&x=" + b"a" * 300_000)
    assert answer.status == 413
    assert answer.json["error"] == "invalid_request"


@pytest.mark.parametrize(("length", "status"), [(1_024, 401), (1_025, 401), (4_096, 401)])
async def test_long_passwords_are_refused_like_wrong_ones(realm, length, status):  # BA-16
    answer = await realm.post(form(**GOOD | {"password": "x" * length}))
    assert answer.status == status


async def test_method_override_is_ignored(realm):  # OA-11
    override = [("x-http-method-override", "GET")]
    answer = await realm.post(form(**GOOD) + "&_method=DELETE", headers=override)
    assert answer.status == 200
