"""While the database is away nothing is given and nothing revoked: 503, and the token stays."""

import asyncio

import pytest
from refreshed import given, giving, managed, shown

pytestmark = pytest.mark.anyio


async def test_without_its_database_it_says_so_and_later_goes_on(postgres_of_its_own, tmp_path):
    url = postgres_of_its_own.url("test")
    async with giving(tmp_path, database_url=url) as realm:
        token, fresh = await given(realm), await given(realm, "bob")
        assert (await managed(realm, "introspect", "alice", token=token)).json["active"] is True
        postgres_of_its_own.stop()
        answers = [
            await realm.get("service=reg-a.test&offline_token=true", "alice"),
            await managed(realm, "revoke", "alice", token=token),
            await managed(realm, "introspect", "alice", token=fresh),
            await managed(realm, "revoke", "carol", token=token),  # nobody verified her yet
            await shown(realm, fresh),
        ]
        for answer in answers:
            assert answer.status == 503
            assert answer.json["error"] == "temporarily_unavailable"
            assert int(answer.headers["retry-after"]) > 0
        postgres_of_its_own.start()
        for _ in range(500):
            if (await shown(realm, fresh)).status == 200:
                break
            await asyncio.sleep(0.02)
        for one in (token, fresh):
            assert (await shown(realm, one)).status == 200
        assert (await managed(realm, "revoke", "alice", token=token)).status == 200
        assert (await shown(realm, token)).status == 400
