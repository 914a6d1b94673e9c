"""An installation whose registries give refresh tokens, and words for what is done with one."""

import asyncio
from contextlib import asynccontextmanager

import bcrypt
from inprocess import PASSWORD, basic, form, installation, serving

from authsvc.changes import grants, registries, users
from authsvc.changes.spec import checked
from authsvc.principal import SYSTEM
from authsvc.protocol.names import SubjectRef

PUSH = "repository:team/app:pull,push"
PEOPLE = ("dora", "root", "newcomer")  # of the database; alice, bob and carol are of the file


@asynccontextmanager
async def giving(folder, *, database_url="", more=""):
    """A running service; `root` is an administrator, reg-a.test and reg-b.test give tokens."""
    settings, parts = installation(folder, database_url=database_url, more=more)
    for name in ("reg-a.test", "reg-b.test"):
        run(parts, lambda tx, name=name: registries.change(tx, name, {"refresh_tokens": True}))
    for name in PEOPLE:
        add(parts, name)
    grant(parts, subject="user:root", role="admin")
    grant(parts, subject="user:dora", role="writer", on="team", registry="reg-a.test")
    async with serving(settings, parts) as running:
        yield running
    parts.database.dispose()


def run(parts, edit):
    return parts.unit_of_work.run(SYSTEM, edit)


def add(parts, name):
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()  # renewed when used
    run(parts, lambda tx: users.add(tx, name, hashed, enabled=True))


def grant(parts, **members):
    spec = checked(grants.GrantSpec, {"on": None, **members})
    return run(parts, lambda tx: grants.add(tx, spec))


def local(name):
    return person("local", name)


def person(source, name):
    return SubjectRef("user", source, name)


async def given(realm, who="alice", service="reg-a.test"):
    """The refresh token of a new sign-in, as docker asks for it."""
    answer = await realm.get(f"service={service}&offline_token=true&client_id=docker", who)
    assert answer.status == 200, answer.body
    return answer.json["refresh_token"]


async def shown(realm, token, *, service="reg-a.test", **more):
    """The answer to a refresh grant."""
    fields = {"grant_type": "refresh_token", "service": service, "refresh_token": token, **more}
    return await realm.post(form(**fields))


async def refused(realm, token, **more):
    """Whether a refresh grant comes to be refused, within the time of `cache.staleness`."""
    for _ in range(250):
        answer = await shown(realm, token, **more)
        if answer.status != 200:
            assert (answer.status, answer.json["error"]) == (400, "invalid_grant")
            return True
        await asyncio.sleep(0.02)
    return False


async def managed(realm, what, who, **fields):
    """The answer of /token/revoke or /token/introspect."""
    kind = [("content-type", "application/x-www-form-urlencoded"), *basic(who)]
    path = what if what.startswith("/") else f"/token/{what}"
    return await realm.call("POST", path, headers=kind, body=form(**fields).encode())
