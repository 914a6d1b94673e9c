"""AU-05, PX-09: canaries sent in every place where a secret may stand are found nowhere after."""

import base64
import json

import pytest
from admin.made import NUMBERS
from inprocess import basic
from sqlalchemy import MetaData, select

pytestmark = pytest.mark.anyio


class Canaries:
    """Makes texts that stand nowhere else, and remembers them."""

    def __init__(self):
        self.made = []

    def __call__(self, part=""):
        self.made.append(f"canary{part}{next(NUMBERS)}x{len(self.made)}zq")
        return self.made[-1]

    def found_in(self, text):
        ways = [(one, base64.b64encode(one.encode()).decode().rstrip("=")) for one in self.made]
        return [one for one, coded in ways if one in text or coded in text]


def stored(parts):
    """Every value of every table, as text; bytes as what they may say and as hexadecimal digits."""
    metadata, found = MetaData(), []
    with parts.database.read() as session:
        metadata.reflect(session.connection())
        for table in metadata.sorted_tables:
            for row in session.execute(select(table)):
                found += [
                    value.decode("latin-1") if isinstance(value, bytes) else str(value)
                    for value in row
                ]
    assert len(found) > 500
    return "\n".join(found)


async def test_no_canary_is_found_again(api, capfd):
    secret, answers = Canaries(), []

    async def send(*request, **more):
        answers.append(await api(*request, **more))
        return answers[-1]

    async def send_as(who, *request, **more):
        answers.append(await api.as_(who)(*request, **more))
        return answers[-1]

    long = lambda: f"{secret('long enough')} "  # noqa: E731
    first, second = long() + "a", long() + "b"
    made = await send("POST", "/users", {"name": "kay", "password": first},
                      headers=[("idempotency-key", "canary")])  # fmt: skip
    assert made.status == 201
    await send("POST", "/users", {"name": "kay", "password": first},
               headers=[("idempotency-key", "canary")])  # fmt: skip
    path = f"/users/{made.json['id']}"
    assert (await send_as(f"kay:{first}", "GET", "/me")).status == 200
    change = {"old": first, "new": second}
    assert (await send_as(f"kay:{first}", "PUT", "/me/password", change)).status == 200
    third = {"password": long() + "c"}
    assert (await send("PATCH", path, third, headers=[("if-match", "*")])).status == 200

    wrong = [
        ("POST", "/users", {"name": "kay", "password": long()}),
        ("POST", "/users", {"name": "kay2", "password": secret()[:14]}),
        ("POST", "/users", {"name": "kay2", "password": [secret()]}),
        ("POST", "/users", {"name": "kay2", "password": {"x": secret()}}),
        ("POST", "/users", {"name": "kay2", "secret": secret()}),
        ("POST", "/users", {"name": f"kay2:{secret()}", "password": long()}),
        ("POST", "/groups", {"name": "kays", "members": [], "password": secret()}),
        ("POST", "/grants", {"subject": f"user:{secret()}:{secret()}:x", "role": "reader"}),
        ("POST", "/registries", {"name": "r", "ttl": secret()}),
        ("PATCH", path, {"password": None, "enabled": secret()}),
        ("PUT", "/me/password", {"old": secret(), "new": long()}),
    ]
    for method, where, body in wrong:
        refused = await send(method, where, body, headers=[("if-match", "*")])
        assert refused.status in (409, 422)
    for raw in (f'{{"password": "{secret()}"', f'"{secret()}"', f'{{"{secret()}": 1, "a": NaN}}'):
        assert (await send("POST", "/users", raw=raw.encode())).status == 422
    for who in (f"kay:{secret()}", f"{secret()}:x", f"nobody:{secret()}", f"robot.x:{secret()}",
                f"kay:asv_pat_{secret()}"):  # fmt: skip
        assert (await send_as(who, "GET", "/me")).status == 401
    for header in (f"Bearer {secret()}", f"Basic {secret()}", secret()):
        bare = await send_as("", "GET", "/me", headers=[("authorization", header)])
        assert bare.status == 401
    for query in ("access_token", "password", "token"):
        await send_as("", "GET", f"/users?{query}={secret()}")
        await send("GET", f"/nowhere?{query}={secret()}")
        await send("GET", f"/users?{query}={secret()}")
    await send("GET", "/me", headers=[("cookie", f"session={secret()}"), ("x-api-key", secret())])
    await send("POST", "/explain", {"subject": "user:kay", "password": secret()})

    said = capfd.readouterr()
    assert secret.found_in(stored(api.realm.parts)) == []
    assert secret.found_in(said.out + said.err) == []
    assert secret.found_in(json.dumps(api.realm.records())) == []
    for answer in answers:
        assert secret.found_in(answer.body.decode()) == [], answer
        assert secret.found_in(str(answer.headers)) == [], answer


async def test_no_answer_holds_a_hash(api):  # lesson 7
    paths = ("/users", "/audit?limit=500", "/keys", "/me", "/grants", "/me/decisions", "/groups")
    for who in ("root", "auditor"):
        for path in paths:
            body = (await api.as_(who).get(path)).body.decode()
            for word in ("$argon2", "$2y$", "$2b$", "PRIVATE KEY", "password_hash"):
                assert word not in body


async def test_the_pages_and_the_document_hold_no_setting(api):  # PX-10, PX-11
    for path in ("/openapi.json", "/docs", "/readyz", "/livez"):
        answer = await api.realm.call("GET", path, headers=basic("carol"))
        text = answer.body.decode()
        for word in ("sqlite:", "postgresql", "certs", "htpasswd", "authsvc.toml", "$argon2"):
            assert word not in text, (path, word)
