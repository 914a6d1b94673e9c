"""Requests of any shape: never a 5xx, never more than was asked and held, one of two bodies.

10,000 on SQLite and 1,000 on PostgreSQL; FUZZ in the environment multiplies them for `make soak`.
"""

import os
import random
import string

import pytest
from inprocess import basic, form, installation, serving

TIMES = int(os.environ.get("FUZZ", "1"))
pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600 * TIMES)]
HELD = {
    "": {"open"},
    "alice": {"open", "team"},
    "bob": {"open", "team", "catalog"},
    "carol": {"open"},
}
WORDS = [
    "service", "scope", "account", "client_id", "offline_token", "grant_type", "username",
    "password", "refresh_token", "access_type", "reg-a.test", "reg-b.test", "off.test",
    "repository", "repository:team/app:pull", "repository:open/x:pull,push,*",
    "registry:catalog:*", "team", "../", "%2F", "%00", "%ff", "%", "&", "=", "+", " ", ":", ",",
    ";", "#", "\x00", "\xff", "A" * 300, "password", "refresh_token", "true", "\u00e9",
    "\u202e", "{username}", "**", "'; DROP TABLE grants; --",
]  # fmt: skip


def noise(rng):
    """A text put together out of words that mean something here and of any characters."""
    parts = [rng.choice(WORDS) if rng.random() < 0.8 else rng.choice(string.printable)
             for _ in range(rng.randrange(1, 12))]  # fmt: skip
    return "".join(parts)


def question(rng):
    """A query or form: sometimes right, mostly nearly so."""
    fields = {"service": "reg-a.test", "scope": "repository:team/app:pull,push"}
    for _ in range(rng.randrange(3)):
        fields[rng.choice(WORDS[:10])] = noise(rng)
    return form(**fields) if rng.random() < 0.7 else noise(rng)


def headers(rng, who):
    found = list(basic(who)) if rng.random() < 0.8 else [("authorization", noise(rng).encode())]
    if rng.random() < 0.2:
        names = ["x-forwarded-for", "x-request-id", "user-agent", "host", "content-encoding"]
        found.append((rng.choice(names), noise(rng).encode()))
    return found


async def one(realm, rng):
    """Send one request and hold its answer against what nobody may get."""
    who = rng.choice(["", "alice", "bob", "carol"])
    method = rng.choice(["GET", "GET", "POST", "POST", noise(rng)[:8] or "X"])
    text = question(rng)
    sent = headers(rng, who)
    if rng.random() < 0.7:
        sent.append(("content-type", "application/x-www-form-urlencoded"))
    body = text.encode("utf-8", "replace")
    answer = await realm.call(
        method, rng.choice(["/token", "/token/", "/auth/token", "/token/" + noise(rng)]),
        query=body if method == "GET" else b"", headers=sent, body=body,
    )  # fmt: skip
    assert answer.status < 500, (method, text, sent, answer)
    if answer.status == 200:
        for name, actions in answer.access.items():
            assert name.split("/")[0] in HELD[answer.token["sub"]], (text, name)
            assert "*" not in actions or name == "catalog"
            assert "delete" not in actions
    else:
        assert set(answer.json) == {"details", "errors", "error", "error_description"}


async def fuzz(folder, count, **options):
    seed = random.SystemRandom().randrange(1 << 32)
    print("seed", seed)
    rng = random.Random(seed)
    settings, parts = installation(folder, **options)
    async with serving(settings, parts) as realm:
        # Wrong passwords are answered late: many at once keep the run short.
        for _ in range(count * TIMES // 200):
            await gather(one(realm, rng) for _ in range(200))
    parts.database.dispose()


async def gather(calls):
    import asyncio

    await asyncio.gather(*calls)


async def test_ten_thousand_requests_on_sqlite(tmp_path):
    await fuzz(tmp_path, 10_000)


async def test_a_thousand_requests_on_postgresql(tmp_path, postgres):
    await fuzz(tmp_path, 1_000, database_url=postgres.url(postgres.make("template0")))
