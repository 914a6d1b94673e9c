"""The admin API of an application in this process: an installation with people of every kind.

root is administrator, auditor audits, olga owns `team` at reg-a.test, otto owns `shared` at all
registries, temp owns `brief` for an hour, bob reads `team`, carol holds nothing; off is a person
of the database who is disabled.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from inprocess import PASSWORD, basic, installation

from authsvc.changes import grants, groups, users
from authsvc.changes.spec import checked
from authsvc.principal import SYSTEM

PASSPHRASE = "four lakes and a bridge"  # of people of the database
PEOPLE = ("root", "auditor", "olga", "otto", "temp", "bob", "carol")
SOON = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
OFF = f"off:{PASSPHRASE}"
GRANTS = (
    {"subject": "user:file:root", "role": "admin"},
    {"subject": "user:file:auditor", "role": "auditor"},
    {"subject": "user:file:olga", "role": "owner", "on": "team", "registry": "reg-a.test"},
    {"subject": "user:file:otto", "role": "owner", "on": "shared"},
    {"subject": "user:file:temp", "role": "owner", "on": "brief", "expires_at": SOON},
    {"subject": "group:devs", "role": "reader", "on": "ops/tools"},
)


def furnished(folder, **more):
    """The installation that these tests begin with."""
    settings, parts = installation(folder, people=PEOPLE, **more)
    spec = checked(groups.GroupSpec, {"name": "devs", "members": ["file:dora"]})
    parts.unit_of_work.run(SYSTEM, lambda tx: groups.add(tx, spec))
    hashed = users.password_hash("off", PASSPHRASE, ())
    parts.unit_of_work.run(SYSTEM, lambda tx: users.add(tx, "off", hashed, enabled=False))
    for members in GRANTS:
        grant = checked(grants.GrantSpec, members)
        parts.unit_of_work.run(SYSTEM, lambda tx, grant=grant: grants.add(tx, grant))
    return settings, parts


def without_secret(item):
    """An item as it is read again."""
    return {name: value for name, value in item.items() if name not in ("secret", "advice")}


@dataclass(frozen=True)
class Api:
    """Calls /api/v1 as somebody."""

    realm: object
    who: str = "root"

    def as_(self, who):
        return Api(self.realm, who)

    async def __call__(self, method, path, body=None, *, headers=(), raw=None):
        path, _, query = path.partition("?")
        sent = list(headers) + basic(self.who)
        data = b"" if raw is None else raw
        if body is not None:
            data = json.dumps(body).encode()
        if data and not any(name.lower() == "content-type" for name, _ in sent):
            sent.append(("content-type", "application/json"))
        return await self.realm.call(method, f"/api/v1{path}", query=query, headers=sent, body=data)

    async def get(self, path, **more):
        return await self("GET", path, **more)

    async def post(self, path, body, *, key=None, **more):
        headers = [("idempotency-key", key)] if key else []
        return await self("POST", path, body, headers=headers, **more)

    async def make(self, path, **members):
        """The item that a POST makes, without the secret that some have in that answer."""
        answer = await self.post(path, members)
        assert answer.status == 201, answer.body
        return without_secret(answer.json)

    async def patch(self, path, body, *, tag=None):
        """A change of an item as it is now, or of what had the entity tag `tag`."""
        if tag is None:
            tag = (await self.get(path)).headers.get("etag", '"none"')
        return await self("PATCH", path, body, headers=[("if-match", tag)])

    async def delete(self, path, *, tag=None):
        return await self("DELETE", path, headers=[("if-match", tag)] if tag else [])

    async def all(self, path):
        """Every item of a list, page by page."""
        items, rest = [], f"{path}{'&' if '?' in path else '?'}limit=500"
        while rest:
            answer = await self.get(rest)
            assert answer.status == 200, answer.body
            items += answer.json
            link = answer.headers.get("link", "")
            rest = link.partition(">")[0].removeprefix("</api/v1") if link else ""
        return items

    async def find(self, path, **members):
        """The one item of a list that has these members."""
        found = [
            item for item in await self.all(path)
            if all(item[name] == value for name, value in members.items())
        ]  # fmt: skip
        assert len(found) == 1, found
        return found[0]

    async def token(self, who, *scopes, service="reg-a.test", peer="127.0.0.1"):
        """What a token gives: name to actions."""
        query = f"service={service}" + "".join(f"&scope={quote(scope)}" for scope in scopes)
        answer = await self.realm.get(query, who, peer=peer)
        assert answer.status == 200, answer.body
        return answer.access


__all__ = ["OFF", "PASSPHRASE", "PASSWORD", "PEOPLE", "SOON", "Api", "furnished", "without_secret"]
