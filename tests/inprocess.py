"""The whole application in this process, without a socket: an ASGI caller and an installation."""

import asyncio
import base64
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote

import bcrypt
import jwt
from cryptography import x509

from authsvc.app import create_app
from authsvc.assembly.offline import offline
from authsvc.audit import reader
from authsvc.changes.key_maker import KeyMaker
from authsvc.changes.policy.apply import submit_files
from authsvc.db import schema
from authsvc.principal import SYSTEM
from authsvc.settings import load

ANY = "service=reg-a.test&scope=repository:open/x:pull"  # what anybody gets
PASSWORD = "correct horse battery staple"
REGISTRIES = ("reg-a.test", "reg-b.test")
PEOPLE = ("alice", "bob", "carol")
POLICY = {
    "registries": [{"name": name} for name in REGISTRIES]
    + [{"name": "off.test", "enabled": False}, {"name": "short.test", "ttl": 60}],
    "namespaces": [
        {"name": "open", "visibility": "public"},
        {"name": "team", "registry": "reg-a.test"},
    ],
    "grants": [
        {"subject": "user:file:alice", "role": "writer", "on": "team", "registry": "reg-a.test"},
        {"subject": "user:file:alice", "role": "writer", "on": "short", "registry": "short.test"},
        {"subject": "user:file:bob", "role": "reader", "on": "team"},
        {"subject": "user:file:bob", "role": "catalog-reader"},
        {"subject": "user:file:bob", "role": "reader", "on": "timed", "cidrs": ["192.0.2.0/24"]},
    ],
}


@dataclass(frozen=True)
class Answer:
    """One response."""

    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def token(self):
        """The claims of the token, its signature checked with the certificate it carries."""
        text = self.json["token"]
        leaf = base64.b64decode(jwt.get_unverified_header(text)["x5c"][0])
        key = x509.load_der_x509_certificate(leaf).public_key()
        return jwt.decode(text, key, algorithms=["ES256"], options={"verify_aud": False})

    @property
    def access(self):
        """What the token gives: name to actions."""
        return {entry["name"]: entry["actions"] for entry in self.token["access"]}


class Realm:
    """Calls the application as a server would."""

    def __init__(self, app, parts):
        self.app = app
        self.parts = parts

    async def call(self, method, path, *, query="", headers=(), body=b"", peer="127.0.0.1"):
        sent = []
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(),
            "query_string": query if isinstance(query, bytes) else query.encode(),
            "headers": [(n.lower().encode(), v if isinstance(v, bytes) else v.encode())
                        for n, v in headers],
            "client": (peer, 40_000), "server": ("127.0.0.1", 80), "scheme": "http",
            "http_version": "1.1", "root_path": "", "state": {}, "asgi": {"version": "3.0"},
        }  # fmt: skip

        async def receive():
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message):
            sent.append(message)

        await self.app(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], headers, b"".join(m.get("body", b"") for m in sent[1:]))

    async def get(self, query, who="", **more):
        return await self.call("GET", "/token", query=query, headers=basic(who), **more)

    async def post(self, form, *, headers=(), **more):
        body = form if isinstance(form, bytes) else form.encode()
        kind = [("content-type", "application/x-www-form-urlencoded")]
        return await self.call("POST", "/token", headers=[*kind, *headers], body=body, **more)

    def records(self):
        """All audit records so far, the newest last."""
        with self.parts.database.read() as session:
            return list(reader.records(session, limit=1_000_000))


def basic(who):
    """An Authorization header for a name with the right password, or for `name:password`."""
    if not who:
        return []
    pair = who if ":" in who else f"{who}:{PASSWORD}"
    return [("authorization", "Basic " + base64.b64encode(pair.encode()).decode())]


def form(**fields):
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())


def installation(folder, *, database_url="", more="", people=(), sources=""):
    """A new installation in `folder`: keys, registries, a file of people, grants."""
    # Cost 4: these tests are about the realm, not about slow hashes.
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    named = dict.fromkeys((*PEOPLE, *people))
    (folder / "htpasswd").write_text("".join(f"{name}:{hashed}\n" for name in named))
    database = f'database_url = "{database_url}"\n' if database_url else ""
    (folder / "authsvc.toml").write_text(
        f'public_url = "http://auth.test"\n{database}{more}'
        f'{sources}[[sources]]\ntype = "htpasswd"\nname = "file"\npath = "htpasswd"\n'
    )
    settings = load(folder / "authsvc.toml", {})
    parts = offline(settings)
    schema.upgrade(parts.database)
    KeyMaker(settings, parts.database, parts.unit_of_work, parts.clock).initialise(SYSTEM)
    submit_files(parts.unit_of_work, SYSTEM, [("policy.yaml", json.dumps(POLICY).encode())])
    return settings, parts


@asynccontextmanager
async def serving(settings, parts):
    """The application up and running, its lifespan included."""
    app = create_app(settings)
    up, down = asyncio.Event(), asyncio.Event()
    steps = iter(("lifespan.startup", "lifespan.shutdown"))

    async def receive():
        step = next(steps)
        if step == "lifespan.shutdown":
            await down.wait()
        return {"type": step}

    async def send(_message):
        up.set()

    task = asyncio.create_task(app({"type": "lifespan", "asgi": {}, "state": {}}, receive, send))
    await up.wait()
    realm = Realm(app, parts)
    for _ in range(1_000):
        ready = await realm.call("GET", "/readyz")
        if ready.status == 200 and (await realm.get(ANY)).status == 200:
            break
        await asyncio.sleep(0.02)
    try:
        yield realm
    finally:
        down.set()
        await task
