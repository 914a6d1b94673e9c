"""Raw requests of any shape to the admin API: never a 5xx, one shape of errors, and no more.

2,000 on each engine; FUZZ in the environment multiplies them for `make soak`.
"""

import asyncio
import os
import random
import string

import pytest
from admin.api import furnished
from inprocess import basic, serving

from authsvc.admin.permissions import PERMISSIONS
from authsvc.changes import reads

TIMES = int(os.environ.get("FUZZ", "1"))
pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300 * TIMES)]
COUNT, AT_ONCE = 2_000, 40
PROBLEM = {"type", "title", "status", "detail", "instance", "request_id"}
METHODS = ["GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS", "TRACE", "get", "X"]
WORDS = [
    "name", "id", "subject", "role", "on", "registry", "effect", "expires_at", "cidrs", "reason",
    "members", "allow", "enabled", "password", "visibility", "limit", "cursor", "q", "service",
    "user:file:bob", "user:local:x", "group:devs", "everyone", "reader", "owner", "admin", "**",
    "team", "team/app", "shared", "reg-a.test", "0", "1", "-1", "9" * 30, "true", "null", "{}",
    "[]", "../", "%2F", "%00", "%ff", "&", "=", "+", " ", "/", "//", ";", "#", '"', "\\", "\x00",
    "\xff", "A" * 300, "\u00e9", "\u202e", "{username}", "'; DROP TABLE grants; --", "*", 'W/"x"',
]  # fmt: skip
HEADERS = [
    "if-match", "idempotency-key", "x-forwarded-for", "x-request-id", "accept", "host",
    "content-encoding", "content-type", "x-http-method-override", "transfer-encoding", "cookie",
]  # fmt: skip


def noise(rng):
    parts = [rng.choice(WORDS) if rng.random() < 0.8 else rng.choice(string.printable)
             for _ in range(rng.randrange(1, 6))]  # fmt: skip
    return "".join(parts)


def value(rng, depth=0):
    """JSON of the shapes that bodies have, mostly with the wrong thing in them."""
    kind = rng.randrange(8 if depth < 3 else 4)
    if kind < 3:
        return '"' + rng.choice(WORDS).replace("\\", "").replace('"', "") + '"'
    if kind == 3:
        return rng.choice(["1", "-1", "1e400", "true", "null", "NaN", "0.5", "9" * 40])
    if kind == 4:
        return "[" + ",".join(value(rng, depth + 1) for _ in range(rng.randrange(3))) + "]"
    members = (f'"{rng.choice(WORDS[:19])}":{value(rng, depth + 1)}' for _ in range(4))
    return "{" + ",".join(members) + "}"


def path(rng):
    if rng.random() < 0.1:
        return "/api/v1/" + noise(rng)
    found = rng.choice(sorted(PERMISSIONS))[1]
    some = str(rng.randrange(1, 30)) if rng.random() < 0.7 else noise(rng)
    return "/api/v1" + found.replace("{id}", some)


def request(rng):
    query = f"{rng.choice(WORDS)}={noise(rng)}" if rng.random() < 0.3 else ""
    body = value(rng) if rng.random() < 0.8 else noise(rng)
    headers = [("content-type", b"application/json")] if rng.random() < 0.9 else []
    headers += [(rng.choice(HEADERS), noise(rng).encode()) for _ in range(rng.randrange(3))]
    if rng.random() < 0.3:
        headers.append(("if-match", b"*"))
    octets = body.encode("utf-8", "surrogatepass")
    return rng.choice(METHODS), path(rng), query.encode(), headers, octets


async def one(realm, rng, who):
    method, where, query, headers, body = request(rng)
    sent = [*headers, *basic(who)]
    if rng.random() < 0.1:
        sent = [*headers, ("authorization", noise(rng).encode())]
    answer = await realm.call(method, where, query=query, headers=sent, body=body)
    about = (method, where, query, sent, body, answer)
    assert answer.status < 500, about
    assert "x-request-id" in answer.headers, about
    if answer.status >= 400 and method != "HEAD":
        assert answer.headers["content-type"] == "application/problem+json", about
        assert PROBLEM <= set(answer.json) <= PROBLEM | {"errors"}, about
        assert answer.json["status"] == answer.status, about
    return answer.status, method


def stored(parts):
    """All that is stored of the policy."""
    with parts.database.read() as session:
        nouns = (reads.registries, reads.namespaces, reads.users, reads.groups, reads.roles)
        return [read(session) for read in nouns] + [reads.grants(session)]


async def fuzz(realm, rng, who, count):
    statuses = []
    for _ in range(count * TIMES // AT_ONCE):
        statuses += await asyncio.gather(*(one(realm, rng, who) for _ in range(AT_ONCE)))
    return statuses


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_any_request_has_an_answer_and_nothing_changes_without_rights(
    engine, tmp_path, request
):
    url = ""
    if engine == "postgresql":
        postgres = request.getfixturevalue("postgres")
        url = postgres.url(postgres.make("migrated"))
    seed = random.SystemRandom().randrange(1 << 32)
    print("seed", seed)
    rng = random.Random(seed)
    settings, parts = furnished(tmp_path, database_url=url)
    async with serving(settings, parts) as realm:
        before = stored(parts)
        for who in ("", "carol", "auditor"):
            done = await fuzz(realm, rng, who, COUNT // 5)
            assert stored(parts) == before, who
            assert not any(status == 201 for status, _ in done)
        done = await fuzz(realm, rng, "root", COUNT * 2 // 5)
        assert {200, 404, 422} <= {status for status, _ in done}
    parts.database.dispose()
