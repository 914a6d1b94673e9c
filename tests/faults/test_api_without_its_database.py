"""PostgreSQL goes away under the admin API: problem+json 503 until it is back."""

import pytest
from admin.api import Api, furnished
from admin.made import CHANGES, fresh
from inprocess import serving

from authsvc.admin.permissions import PERMISSIONS

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def api(postgres_of_its_own, tmp_path):
    server = postgres_of_its_own
    settings, parts = furnished(tmp_path, database_url=server.url("test"))
    async with serving(settings, parts) as running:
        yield Api(running)
    parts.database.dispose()


def a_body(method, path):
    noun = path[1:].partition("/")[0]
    return {"POST": fresh, "PATCH": CHANGES.get}[method](noun) if noun in CHANGES else {}


async def test_every_operation_is_503_meanwhile_and_works_again(postgres_of_its_own, api):
    assert (await api.get("/me")).status == 200
    made = await api.make("/groups", **fresh("groups"))
    postgres_of_its_own.stop()
    try:
        for method, path in PERMISSIONS:
            body = a_body(method, path) if method in ("POST", "PATCH") else None
            for who in ("root", "nobody:unknown"):
                answer = await api.as_(who)(method, path.replace("{id}", "1"), body,
                                            headers=[("if-match", "*")])  # fmt: skip
                assert answer.status == 503, (method, path, who)
                assert answer.headers["content-type"] == "application/problem+json"
                assert int(answer.headers["retry-after"]) >= 1
                assert set(answer.json) == {
                    "type", "title", "status", "detail", "instance", "request_id",
                }  # fmt: skip
                assert b"postgres" not in answer.body
        assert (await api.as_("").get("/me")).status == 401
    finally:
        postgres_of_its_own.start()
    assert (await api.get(f"/groups/{made['id']}")).json == made
    assert (await api.post("/groups", fresh("groups"))).status == 201
