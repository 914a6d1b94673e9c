"""Every kind of caller at every operation of the route table, and what is left after a refusal."""

import pytest
from admin.api import OFF
from admin.made import CHANGES, fresh

from authsvc.admin.permissions import PERMISSIONS

pytestmark = pytest.mark.anyio
NOBODY = {"without credentials": "", "with a wrong password": "root:wrong", "disabled": OFF}
# The columns of the table below: a person without rights, an owner at one registry, an owner for
# all registries, an owner for an hour, an auditor, an administrator.
PEOPLE = ("carol", "olga", "otto", "temp", "auditor", "root")
# What they get, aiming at what is none of the owners' (see `aimed`).
EXPECTED = {
    "GET /registries": (404, 200, 200, 200, 200, 200),
    "POST /registries": (404, 403, 403, 403, 403, 201),
    "GET /registries/{id}": (404, 404, 200, 200, 200, 200),
    "PATCH /registries/{id}": (404, 404, 403, 403, 403, 200),
    "DELETE /registries/{id}": (404, 404, 403, 403, 403, 200),
    "GET /namespaces": (404, 200, 200, 200, 200, 200),
    "POST /namespaces": (404, 403, 403, 403, 403, 201),
    "GET /namespaces/{id}": (404, 404, 404, 404, 200, 200),
    "PATCH /namespaces/{id}": (404, 404, 404, 404, 403, 200),
    "DELETE /namespaces/{id}": (404, 404, 404, 404, 403, 200),
    "GET /users": (404, 404, 404, 404, 200, 200),
    "POST /users": (404, 404, 404, 404, 403, 201),
    "GET /users/{id}": (404, 404, 404, 404, 200, 200),
    "PATCH /users/{id}": (404, 404, 404, 404, 403, 200),
    "DELETE /users/{id}": (404, 404, 404, 404, 403, 200),
    "POST /users/{id}/revoke": (404, 404, 404, 404, 403, 200),
    "GET /groups": (404, 404, 404, 404, 200, 200),
    "POST /groups": (404, 404, 404, 404, 403, 201),
    "GET /groups/{id}": (404, 404, 404, 404, 200, 200),
    "PATCH /groups/{id}": (404, 404, 404, 404, 403, 200),
    "DELETE /groups/{id}": (404, 404, 404, 404, 403, 200),
    "GET /roles": (404, 200, 200, 200, 200, 200),
    "POST /roles": (404, 403, 403, 403, 403, 201),
    "GET /roles/{id}": (404, 200, 200, 200, 200, 200),
    "PATCH /roles/{id}": (404, 403, 403, 403, 403, 200),
    "DELETE /roles/{id}": (404, 403, 403, 403, 403, 200),
    "GET /grants": (404, 200, 200, 200, 200, 200),
    "POST /grants": (404, 403, 403, 403, 403, 201),
    "GET /grants/{id}": (404, 404, 404, 404, 200, 200),
    "PATCH /grants/{id}": (404, 404, 404, 404, 403, 200),
    "DELETE /grants/{id}": (404, 404, 404, 404, 403, 200),
    "GET /robots": (404, 200, 200, 200, 200, 200),
    "POST /robots": (404, 403, 403, 403, 403, 201),
    "GET /robots/{id}": (404, 404, 404, 404, 200, 200),
    "PATCH /robots/{id}": (404, 404, 404, 404, 403, 200),
    "DELETE /robots/{id}": (404, 404, 404, 404, 403, 200),
    "POST /robots/{id}/rotate": (404, 404, 404, 404, 403, 200),
    "GET /pats": (200,) * 6,  # of what is theirs
    "POST /pats": (404, 404, 404, 404, 403, 201),  # of somebody else
    "GET /pats/{id}": (404, 404, 404, 404, 200, 200),
    "DELETE /pats/{id}": (404, 404, 404, 404, 403, 200),
    "GET /keys": (404, 404, 404, 404, 200, 200),
    "GET /keys/{id}": (404, 404, 404, 404, 200, 200),
    "POST /keys/rotate": (404, 404, 404, 404, 403, 200),
    "GET /audit": (404, 200, 200, 200, 200, 200),
    "POST /explain": (404, 404, 404, 404, 200, 200),  # about somebody else, elsewhere
    "POST /who-can": (404, 404, 404, 404, 200, 200),
    "GET /decisions/{id}": (404, 404, 404, 404, 200, 200),  # about somebody else, elsewhere
    "POST /policy/lint": (404, 403, 403, 403, 200, 200),
    "POST /policy/test": (404, 403, 403, 403, 200, 200),
    "POST /policy/plan": (404, 403, 403, 403, 200, 200),
    "POST /policy/apply": (404, 403, 403, 403, 403, 200),
    "GET /policy/export": (404, 200, 200, 200, 200, 200),  # of what is theirs
    "GET /me": (200,) * 6,
    "GET /me/repositories": (200,) * 6,
    "GET /me/decisions": (200,) * 6,
    "PUT /me/password": (422,) * 6,  # people of a file, whose passwords are kept there
}
ELSEWHERE = "repository:elsewhere/app:push"
POLICED = {"subject": "user:file:dora", "role": "writer", "on": "elsewhere"}
BODIES = {
    "POST /users/{id}/revoke": {},
    "POST /robots/{id}/rotate": {"keep_old": "1h"},
    "POST /keys/rotate": {},
    "POST /explain": {"subject": "user:file:dora", "scope": ELSEWHERE, "service": "reg-a.test"},
    "POST /who-can": {"action": "pull", "name": "elsewhere/app", "service": "reg-a.test"},
    **{
        f"POST /policy/{verb}": {"document": {"grants": [POLICED]}}
        for verb in ("lint", "test", "plan", "apply")
    },
    "PUT /me/password": {"old": "any", "new": "a long enough new password"},
}


def test_every_route_is_in_the_table():
    assert set(EXPECTED) == {f"{method} {path}" for method, path in PERMISSIONS}


async def aimed(api, operation):
    """The path and the body of a request that an administrator may make."""
    path = operation.partition(" ")[2]
    noun, _, rest = path[1:].partition("/")
    if noun in (*CHANGES, "pats"):
        body = CHANGES[noun] if operation.startswith("PATCH") else fresh(noun)
        if rest:
            item = await api.make(f"/{noun}", **fresh(noun))
            path = path.replace("{id}", str(item["id"]))
        return path, BODIES.get(operation, body)
    if noun == "keys" and rest == "{id}":
        return f"/keys/{(await api.all('/keys'))[0]['id']}", None
    if noun == "decisions":
        answer = await api.realm.get(f"service=reg-a.test&scope={ELSEWHERE}", "alice")
        return f"/decisions/{answer.token['jti']}", None
    return path, BODIES.get(operation)


async def stored(api):
    """All that there is, and how many changes made it so."""
    items = {noun: await api.all(f"/{noun}") for noun in (*CHANGES, "keys", "pats")}
    done = [r for r in api.realm.records() if r["event"] in ("admin", "policy", "key")]
    return items, len([record for record in done if record["outcome"] == "granted"])


async def asked(api, who, operation, path, body):
    method = operation.partition(" ")[0]
    if method in ("PATCH", "DELETE"):
        tag = (await api.get(path)).headers["etag"]
        sent = body if method == "PATCH" else None
        return await api.as_(who)(method, path, sent, headers=[("if-match", tag)])
    return await api.as_(who)(method, path, None if method == "GET" else body)


@pytest.mark.parametrize("operation", EXPECTED)
async def test_whoever_shows_nothing_valid_gets_401_and_changes_nothing(api, operation):  # AD-01
    path, body = await aimed(api, operation)
    before = await stored(api)
    for kind, who in NOBODY.items():
        answer = await asked(api, who, operation, path, body)
        assert answer.status == 401, kind
        assert answer.headers["www-authenticate"].startswith('Basic realm="')
        assert answer.json["detail"] == "authentication is required"
    assert await stored(api) == before


@pytest.mark.parametrize("operation", EXPECTED)
async def test_each_caller_gets_what_the_table_says(api, operation):
    path, body = await aimed(api, operation)
    before = await stored(api)
    for who, status in zip(PEOPLE, EXPECTED[operation], strict=True):
        if who == "root" and operation.partition(" ")[0] != "GET":
            assert await stored(api) == before  # AU-10: nor did an auditor write anything
        answer = await asked(api, who, operation, path, body)
        assert answer.status == status, (who, answer.body)
        kind = "application/problem+json" if status >= 400 else "application/json"
        assert answer.headers["content-type"] == kind
        assert answer.headers["cache-control"] == "no-store"
