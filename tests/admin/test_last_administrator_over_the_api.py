"""Contract section 5, rule 10: the last administrator stays, by every road of the API."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from admin.api import PASSPHRASE

pytestmark = pytest.mark.anyio
SOON = (datetime.now(UTC) + timedelta(hours=1)).isoformat()


async def made(api, name):
    user = await api.make("/users", name=name, password=PASSPHRASE)
    return user, await api.make("/grants", subject=f"user:{name}", role="admin")


@pytest.fixture(scope="module")
async def last(api):
    """The only administrator that counts: those of a file do not, whatever they may do."""
    return await made(api, "chief")


ROADS = [
    pytest.param("DELETE", "/users/{user}", None, id="removed"),
    pytest.param("PATCH", "/users/{user}", {"enabled": False}, id="disabled"),
    pytest.param("DELETE", "/grants/{grant}", None, id="grant taken back"),
    pytest.param("PATCH", "/grants/{grant}", {"expires_at": SOON}, id="given an end"),
    pytest.param("PATCH", "/grants/{grant}", {"cidrs": ["10.0.0.0/8"]}, id="given a network"),
    pytest.param("PATCH", "/grants/{grant}", {"role": "auditor"}, id="another role"),
    pytest.param("PATCH", "/grants/{grant}", {"effect": "deny"}, id="denied"),
    pytest.param("PATCH", "/grants/{grant}", {"subject": "user:file:carol"}, id="somebody else"),
    pytest.param("PATCH", "/grants/{grant}", {"subject": "group:devs"}, id="a group"),
]


@pytest.mark.parametrize(("method", "path", "body"), ROADS)
@pytest.mark.parametrize("who", ["root", f"chief:{PASSPHRASE}"])
async def test_no_road_leads_to_none(api, last, method, path, body, who):
    user, grant = last
    path = path.format(user=user["id"], grant=grant["id"])
    before = (await api.get(path)).json
    answer = await api.as_(who)(method, path, body, headers=[("if-match", "*")])
    assert answer.status == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert "administrator" in answer.json["detail"]
    assert (await api.get(path)).json == before
    assert (await api.as_(f"chief:{PASSPHRASE}").get("/users")).status == 200


@pytest.mark.parametrize(
    ("method", "noun", "body"),
    [
        pytest.param("DELETE", "users", None, id="removed"),
        pytest.param("PATCH", "users", {"enabled": False}, id="disabled"),
        pytest.param("DELETE", "grants", None, id="taken back"),
        pytest.param("PATCH", "grants", {"expires_at": SOON}, id="given an end"),
    ],
)
async def test_two_requests_at_once_for_the_last_two_leave_one(api, method, noun, body):
    await again(api)
    await made(api, "second")
    found = [
        item for item in await api.all(f"/{noun}")
        if item.get("name") in ("chief", "second") or is_lasting(item)
    ]  # fmt: skip
    paths = [f"/{noun}/{item['id']}" for item in found]
    assert len(paths) == 2
    answers = await asyncio.gather(
        *(api(method, path, body, headers=[("if-match", "*")]) for path in paths)
    )
    assert sorted(answer.status for answer in answers) == [200, 409]
    left = 0 if answers[0].status == 409 else 1
    assert (await api.delete(paths[left])).status == 409
    await again(api)


def is_lasting(item):
    return item.get("subject") in ("user:local:chief", "user:local:second") and (
        item["expires_at"] is None
    )


async def again(api):
    """Make `chief` the only administrator again, without an end."""
    people = {item["name"]: item for item in await api.all("/users")}
    if "chief" not in people:
        people["chief"] = await api.make("/users", name="chief", password=PASSPHRASE)
    await api.patch(f"/users/{people['chief']['id']}", {"enabled": True})
    await api.post("/grants", {"subject": "user:chief", "role": "admin"})
    if "second" in people:
        assert (await api.delete(f"/users/{people['second']['id']}")).status == 200
