"""Floods of well-formed secrets that nobody has: no limit counts them, and they starve nobody."""

import asyncio
import os
from collections import Counter

import pytest
from inprocess import installation, serving
from refreshed import run

from authsvc.changes import robots
from authsvc.changes.spec import checked
from authsvc.protocol import secrets

pytestmark = pytest.mark.anyio
QUERY = "service=reg-a.test"


def robot_of(parts, name):
    secret = secrets.mint("rob", os.urandom)
    spec = checked(robots.RobotSpec, {"name": name, "namespace": "team", "role": "reader"})
    run(parts, lambda tx: robots.add(tx, spec, secrets.digest(secret)))
    return f"robot.{name}:{secret}"


async def test_no_address_takes_all_places_for_looking_secrets_up(tmp_path):
    settings, parts = installation(tmp_path)
    first = robot_of(parts, "first")
    async with serving(settings, parts) as realm:
        unknown = [f"robot.first:{secrets.mint('rob', os.urandom)}" for _ in range(600)]
        # One /64 is one address.
        flood = [realm.get(QUERY, who, peer=f"2001:db8::{n:x}") for n, who in enumerate(unknown)]
        *strangers, answer = await asyncio.gather(*flood, realm.get(QUERY, first, peer="192.0.2.1"))
        assert answer.status == 200
        statuses = Counter(each.status for each in strangers)
        assert statuses.keys() == {401, 503}
        assert all(each.headers["retry-after"] for each in strangers if each.status == 503)
    parts.database.dispose()
