"""Revocation (RFC 7009) and introspection (RFC 7662) of refresh tokens."""

import asyncio
from datetime import timedelta

import pytest
from inprocess import basic, form
from refreshed import given, giving, grant, local, managed, refused, run, shown
from sqlalchemy import update

from authsvc.changes import registries, users
from authsvc.clock import utc
from authsvc.db.models import Secret
from authsvc.protocol.secrets import digest, kind_of, mint
from authsvc.tokens.openapi import TOKEN_EXAMPLE

pytestmark = pytest.mark.anyio
INACTIVE = b'{"active":false}'
UNKNOWN = mint("ref", lambda length: b"\x07" * length)
OTHERS = [
    pytest.param("", id="empty"),
    pytest.param("x", id="text"),
    pytest.param(UNKNOWN, id="unknown"),
    pytest.param(UNKNOWN[:-1] + "!", id="checksum"),
    pytest.param(mint("pat", bytes), id="pat"),
    pytest.param(mint("rob", bytes), id="robot"),
    pytest.param("x" * 200_000, id="long"),
    pytest.param("\x00\n\u00e9", id="controls"),
]


@pytest.fixture(scope="module")
async def realm(tmp_path_factory):
    async with giving(tmp_path_factory.mktemp("revoked")) as running:
        yield running


def is_stored(realm, token):
    with realm.parts.database.read() as session:
        rows = session.query(Secret.id).filter(Secret.digest == digest(token))
        return rows.count() == 1


def check_error(answer, status, error):
    assert answer.status == status
    assert set(answer.json) == {"details", "errors", "error", "error_description"}
    assert answer.json["error"] == error
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", [f"{root}/token/revoke{end}" for root in ("", "/auth")
                                  for end in ("", "/")])  # fmt: skip
async def test_its_owner_ends_it(realm, path):  # RT-17
    token = await given(realm)
    assert (await shown(realm, token)).status == 200
    answer = await managed(realm, path, "alice", token=token)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["cache-control"] == "no-store"
    assert (await shown(realm, token)).status == 400  # this worker knows at once
    assert (await managed(realm, path, "alice", token=token)).status == 200


@pytest.mark.parametrize("who", ["root", "dora"])
@pytest.mark.parametrize("owner", ["dora", "alice"])
async def test_an_administrator_ends_anybodys(realm, who, owner):
    if (who, owner) == ("dora", "alice"):
        grant(realm.parts, subject="user:dora", role="owner", on="team")  # no administrator
    token = await given(realm, owner)
    assert (await managed(realm, "revoke", who, token=token)).status == 200
    ended = who in ("root", owner)
    assert is_stored(realm, token) is not ended
    if ended:
        record = realm.records()[-1]
        assert (record["event"], record["outcome"]) == ("admin", "granted")
        assert record["actor"]["name"] == who
        source = "local" if owner == "dora" else "file"
        assert record["before"]["refresh_token"]["user"] == f"user:{source}:{owner}"
        assert token not in str(record)


@pytest.mark.parametrize("who", ["bob", "carol"])
async def test_nobody_else_does_and_learns_nothing(realm, who):  # RT-17
    token = await given(realm)
    before = len(realm.records())
    answer = await managed(realm, "revoke", who, token=token)
    foreign = await managed(realm, "revoke", who, token=UNKNOWN)
    assert (answer.status, answer.body) == (foreign.status, foreign.body) == (200, b"")
    assert not [each for each in realm.records()[before:] if each["event"] == "admin"]
    assert (await shown(realm, token)).status == 200
    assert (await managed(realm, "introspect", who, token=token)).body == INACTIVE
    assert (await managed(realm, "introspect", who, token=UNKNOWN)).body == INACTIVE


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", ""])
async def test_the_hint_is_but_a_hint(realm, hint):  # RT-17
    token = await given(realm)
    found = await managed(realm, "introspect", "alice", token=token, token_type_hint=hint)
    assert found.json["active"] is True
    assert (
        await managed(realm, "revoke", "alice", token=token, token_type_hint=hint)
    ).status == 200
    assert not is_stored(realm, token)


@pytest.mark.parametrize("text", OTHERS[1:])
@pytest.mark.parametrize("who", ["alice", "root"])
async def test_what_is_no_refresh_token_is_ended_already_and_inactive(realm, text, who):  # RT-23
    before = len([each for each in realm.records() if each["event"] == "admin"])
    assert (await managed(realm, "revoke", who, token=text)).status == 200
    answer = await managed(realm, "introspect", who, token=text)
    assert (answer.status, answer.body) == (200, INACTIVE)
    assert len([each for each in realm.records() if each["event"] == "admin"]) == before


async def test_a_registry_token_is_inactive_and_not_ended(realm):  # RT-23
    token = (await realm.get("service=reg-a.test", "alice")).json["token"]
    assert (await managed(realm, "revoke", "alice", token=token)).status == 200
    assert (await managed(realm, "introspect", "alice", token=token)).body == INACTIVE


@pytest.mark.parametrize("path", ["/token/introspect", "/auth/token/introspect/"])
@pytest.mark.parametrize("who", ["alice", "root"])
async def test_what_is_told_of_an_active_one(realm, path, who):
    token = await given(realm)
    answer = await managed(realm, path, who, token=token)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["cache-control"] == "no-store"
    now, found = realm.parts.clock.now(), answer.json
    made, ends = found.pop("iat"), found.pop("exp")
    assert 0 <= now - made < 60
    assert ends - made == 30 * 86_400  # idle comes before max_age
    assert found == {
        "active": True, "sub": "alice", "username": "alice", "aud": "reg-a.test",
        "iss": "authsvc", "token_type": "refresh_token",
    }  # fmt: skip


async def test_asking_is_no_use(realm):
    token = await given(realm)
    idle = utc(realm.parts.clock.now()) - timedelta(days=29)
    with realm.parts.database.write() as session:
        session.execute(
            update(Secret).where(Secret.digest == digest(token)).values(created_at=idle)
        )
    ends = [(await managed(realm, "introspect", "alice", token=token)).json["exp"]
            for _ in range(2)]  # fmt: skip
    assert ends[0] == ends[1] == int((idle + timedelta(days=30)).timestamp())


@pytest.mark.parametrize(
    "end",
    [
        pytest.param({"created_at": timedelta(days=91)}, id="age"),
        pytest.param({"last_used_at": timedelta(days=31)}, id="idle"),
        pytest.param({"created_at": -timedelta(hours=1)}, id="clock-put-back"),
    ],
)
async def test_what_has_ended_is_inactive(realm, end):
    token = await given(realm)
    now = utc(realm.parts.clock.now())
    moments = {name: now - length for name, length in end.items()}
    with realm.parts.database.write() as session:
        session.execute(update(Secret).where(Secret.digest == digest(token)).values(**moments))
    assert (await managed(realm, "introspect", "alice", token=token)).body == INACTIVE


async def test_what_is_revoked_is_inactive(realm):  # RT-23
    token = await given(realm)
    await managed(realm, "revoke", "root", token=token)
    assert (await managed(realm, "introspect", "alice", token=token)).body == INACTIVE


async def test_where_its_registry_is_disabled_it_is_inactive_and_can_be_ended(tmp_path):
    async with giving(tmp_path) as own:
        token = await given(own)
        run(own.parts, lambda tx: registries.change(tx, "reg-a.test", {"enabled": False}))
        assert (await managed(own, "introspect", "alice", token=token)).body == INACTIVE
        await managed(own, "revoke", "alice", token=token)
        assert not is_stored(own, token)


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        pytest.param("", None, id="RT-23-nobody"),
        pytest.param("alice:wrong", "wrong_password", id="wrong"),
        pytest.param("who:wrong", "unknown_user", id="unknown"),
        pytest.param(":", None, id="empty"),
    ],
)
@pytest.mark.parametrize("what", ["revoke", "introspect"])
async def test_without_credentials_nothing_is_done(realm, what, who, reason):
    token = await given(realm)
    before = len(realm.records())
    answer = await managed(realm, what, who, token=token)
    check_error(answer, 401, "invalid_grant")
    assert answer.headers["www-authenticate"].startswith('Basic realm="http://auth.test/token"')
    assert is_stored(realm, token)
    found = [each for each in realm.records()[before:] if each["event"] == "login"]
    assert [each["reason"] for each in found] == ([reason] if reason else [])
    assert all(each["outcome"] == "refused" for each in found)
    assert "wrong" not in str([each["claimed"] for each in found])


@pytest.mark.parametrize("what", ["revoke", "introspect"])
async def test_a_refresh_token_lets_nobody_in(realm, what):
    token = await given(realm)
    for pair in (f":{token}", f"alice:{token}"):
        check_error(await managed(realm, what, pair, token=token), 401, "invalid_grant")
    bearer = [("authorization", f"Bearer {token}"),
              ("content-type", "application/x-www-form-urlencoded")]  # fmt: skip
    body = form(token=token).encode()
    answer = await realm.call("POST", f"/token/{what}", headers=bearer, body=body)
    check_error(answer, 401, "invalid_grant")
    assert is_stored(realm, token)


@pytest.mark.parametrize("what", ["revoke", "introspect"])
async def test_guesses_there_are_counted(tmp_path, what):
    async with giving(tmp_path, more='[limits]\nlogin_failures = "3/5minutes"\n') as own:
        for number in range(3):
            await managed(own, what, f"dora:wrong {number}", token="x")
        answer = await managed(own, what, "dora", token="x")
        check_error(answer, 429, "temporarily_unavailable")
        assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("what", ["revoke", "introspect"])
@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        pytest.param(b"", "application/x-www-form-urlencoded", 400, id="missing"),
        pytest.param(b"token=", "application/x-www-form-urlencoded", 400, id="empty"),
        pytest.param(b"token=a&token=a", "application/x-www-form-urlencoded", 400, id="twice"),
        pytest.param(b"token=a&token_type_hint=a&token_type_hint=b",
                     "application/x-www-form-urlencoded", 400, id="hint-twice"),
        pytest.param(b"token=%ff", "application/x-www-form-urlencoded", 400, id="not-utf8"),
        pytest.param(b"token=%zz", "application/x-www-form-urlencoded", 400, id="escape"),
        pytest.param(b"x=1&" * 1_200 + b"token=a", "application/x-www-form-urlencoded", 400,
                     id="many"),
        pytest.param(b'{"token":"a"}', "application/json", 415, id="json"),
        pytest.param(b"token=a" + b"a" * 300_000, "application/x-www-form-urlencoded", 413,
                     id="large"),
    ],
)  # fmt: skip
async def test_a_form_that_is_none_is_refused(realm, what, body, kind, status):
    headers = [("content-type", kind), *basic("alice")]
    answer = await realm.call("POST", f"/token/{what}", headers=headers, body=body)
    check_error(answer, status, "invalid_request")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
@pytest.mark.parametrize("what", ["revoke", "introspect"])
async def test_another_method_is_405_and_does_nothing(realm, method, what):
    token = await given(realm)
    answer = await realm.call(method, f"/token/{what}", query=f"token={token}",
                              headers=basic("alice"))  # fmt: skip
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert is_stored(realm, token)


async def test_where_they_are_stands_in_the_metadata(realm):
    found = (await realm.call("GET", "/.well-known/oauth-authorization-server")).json
    assert found["grant_types_supported"] == ["password", "refresh_token"]
    for what, member in (("revoke", "revocation"), ("introspect", "introspection")):
        assert found[f"{member}_endpoint"] == f"http://auth.test/token/{what}"
        assert found[f"{member}_endpoint_auth_methods_supported"] == ["client_secret_basic"]


async def test_who_is_disabled_meanwhile_ends_nothing_and_learns_nothing(tmp_path):
    async with giving(tmp_path) as own:
        grant(own.parts, subject="user:dora", role="admin")
        token = await given(own)
        assert (await managed(own, "introspect", "dora", token=token)).json["active"] is True
        run(own.parts, lambda tx: users.set_enabled(tx, local("dora"), enabled=False))
        for what in ("introspect", "revoke"):
            answer = await managed(own, what, "dora", token=token)
            assert answer.status == 401 or answer.body in (INACTIVE, b"")
        assert is_stored(own, token)


async def test_one_that_is_revoked_twice_at_once_is_ended_once(tmp_path):
    async with giving(tmp_path) as own:
        token = await given(own)
        answers = await asyncio.gather(
            *(managed(own, "revoke", "alice", token=token) for _ in range(8))
        )
        assert {answer.status for answer in answers} == {200}
        ended = [each for each in own.records() if (each["before"] or {}) and
                 "refresh_token" in each["before"]]  # fmt: skip
        assert len(ended) == 1
        assert await refused(own, token)


def test_the_example_of_the_documentation_is_one_that_is_looked_up():
    assert kind_of(TOKEN_EXAMPLE["token"]) == "ref"
