"""Bodies: JSON objects, read strictly; everything else is a 4xx that changes nothing."""

import json

import pytest

pytestmark = pytest.mark.anyio
GOOD = b'{"name": "made-by-a-body"}'
BODIES = [
    pytest.param(b"", 422, id="nothing"),
    pytest.param(b"{", 422, id="cut"),
    pytest.param(b"[]", 422, id="no object"),
    pytest.param(b"null", 422, id="null"),
    pytest.param(b'"name"', 422, id="a text"),
    pytest.param(b'{"name": "a", "name": "b"}', 422, id="a member twice"),
    pytest.param(b'{"name": "a\\ud800"}', 422, id="a lone surrogate"),
    pytest.param(b'{"name": "a\xff"}', 422, id="no UTF-8"),
    pytest.param(b"\xef\xbb\xbf" + GOOD, 422, id="a byte order mark"),
    pytest.param(GOOD.decode().encode("utf-16"), 422, id="UTF-16"),
    pytest.param(b'{"name": NaN}', 422, id="NaN"),
    pytest.param(b'{"name": Infinity}', 422, id="Infinity"),
    pytest.param(b'{"members": ' + b"[" * 100_000, 422, id="JSON bomb of brackets"),
    pytest.param(b'{"members":' + b"[" * 50 + b"]" * 50 + b"}", 422, id="nested too deeply"),
    pytest.param(b'{"name": ' + b"9" * 10_000 + b"}", 422, id="a number of 10,000 digits"),
    pytest.param(b'{"name": "' + b"a" * (1 << 20) + b'"}', 413, id="AD-12 over 1 MiB"),
    pytest.param(GOOD + b" {}", 422, id="two values"),
    pytest.param(b"name=made-by-a-body", 422, id="a form"),
]


@pytest.mark.parametrize(("body", "status"), BODIES)
async def test_a_body_that_is_no_json_object_is_refused(api, body, status):
    answer = await api("POST", "/groups", raw=body, headers=[("content-type", "application/json")])
    assert answer.status == status, answer.body
    assert answer.json["status"] == status
    assert len(answer.body) < 2_000
    assert not (await api.get("/groups?q=made-by-a-body")).json


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([("content-type", "text/plain")], id="AD-13 text"),
        pytest.param([("content-type", "application/x-www-form-urlencoded")], id="AD-13 form"),
        pytest.param([("content-type", "")], id="none"),
        pytest.param([("content-type", "application/jsonx")], id="nearly"),
        pytest.param(
            [("content-type", "application/json"), ("content-encoding", "gzip")], id="compressed"
        ),
    ],
)
async def test_a_body_of_another_type_is_415(api, headers):
    answer = await api("POST", "/groups", raw=GOOD, headers=headers)
    assert answer.status == 415
    assert not (await api.get("/groups?q=made-by-a-body")).json


@pytest.mark.parametrize("name", ["[" * 99, "{" * 99, '[[" {{ \\"' * 9, "]" * 99])
async def test_brackets_in_a_text_nest_nothing(api, name):
    assert (await api.post("/groups", {"name": name})).status == 201
    raw = json.dumps({"name": name, "members": []}).encode().replace(b"[]", b"[" * 50 + b"]" * 50)
    answer = await api("POST", "/groups", raw=raw)
    assert (answer.status, answer.json["detail"]) == (422, "the body is nested too deeply")


async def test_a_charset_and_another_case_of_the_type_are_fine(api):
    headers = [("content-type", "Application/JSON; charset=utf-8")]
    answer = await api("POST", "/groups", raw=b'{"name": "charset"}', headers=headers)
    assert answer.status == 201


@pytest.mark.parametrize("key", ["", "a" * 256, "a\tb", "é"])
async def test_an_idempotency_key_that_cannot_be_one_is_422(api, key):
    answer = await api("POST", "/groups", json.loads(GOOD), headers=[("idempotency-key", key)])
    assert answer.status == 422
