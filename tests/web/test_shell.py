"""Request ids, and the last resort for what nobody caught."""

import asyncio
import json

import pytest

from authsvc.web.middleware import Shell, respond


def call(app, *headers, path="/somewhere"):
    """The start and the body of the answer."""
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": path, "headers": list(headers), "state": {},
             "client": ("127.0.0.1", 5)}  # fmt: skip
    asyncio.run(Shell(app)(scope, None, send))
    return dict(sent[0]["headers"]), sent


async def fine(scope, receive, send):
    await respond(send, 200, [], scope["state"]["request_id"].encode())


async def faulty(scope, receive, send):
    raise ValueError("hunter2 is the password of alice")


async def faulty_halfway(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise ValueError("hunter2")


@pytest.mark.parametrize("given", ["a", "a.B_c-9", "x" * 128])
def test_a_well_formed_request_id_is_taken_over(given):
    headers, sent = call(fine, (b"x-request-id", given.encode()))
    assert headers[b"x-request-id"] == sent[1]["body"] == given.encode()


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a\nb", "é", "a/b", "{}"])
def test_another_one_is_replaced(given):
    headers, _ = call(fine, (b"x-request-id", given.encode()))
    assert headers[b"x-request-id"] != given.encode()
    assert 8 < len(headers[b"x-request-id"]) <= 128


def test_made_request_ids_differ():
    async def twice(scope, receive, send):
        await respond(send, 200, [], b"")

    shell, seen = Shell(twice), set()

    async def send(message):
        seen.update(dict(message.get("headers", ())).items())

    for _ in range(100):
        scope = {"type": "http", "path": "/", "headers": [], "state": {}, "client": None}
        asyncio.run(shell(scope, None, send))
    assert len([name for name, _ in seen if name == b"x-request-id"]) == 100


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/token", "application/json"), ("/auth/token/", "application/json"),
     ("/token/anything", "application/json"), ("/api/v1/users", "application/problem+json"),
     ("/tokens", "application/problem+json")],
)  # fmt: skip
def test_what_nobody_caught_is_an_opaque_500_in_the_shape_of_its_path(path, kind, capfd):
    headers, sent = call(faulty, path=path)
    assert sent[0]["status"] == 500
    assert headers[b"content-type"] == kind.encode()
    body = json.loads(sent[1]["body"])
    assert ("errors" in body) == (kind == "application/json")
    assert b"hunter2" not in sent[1]["body"]
    line = json.loads(capfd.readouterr().err)
    assert line["request_id"] == headers[b"x-request-id"].decode()
    assert line["exception"] == "ValueError"
    assert "test_shell.py" in line["frames"]
    assert "hunter2" not in json.dumps(line)


def test_an_answer_that_has_begun_is_not_begun_again():
    _, sent = call(faulty_halfway)
    assert len(sent) == 1


def test_other_scopes_pass_untouched():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope)

    asyncio.run(Shell(app)({"type": "lifespan"}, None, None))
    assert seen == [{"type": "lifespan"}]
