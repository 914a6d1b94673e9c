"""A service that is up counts the robots that end soon, and has warned of them."""

import asyncio
from datetime import timedelta

import pytest
from inprocess import installation, serving

from authsvc.changes import robots
from authsvc.clock import utc
from authsvc.principal import SYSTEM

pytestmark = pytest.mark.anyio
COUNTED = {
    'authsvc_robots_expiring{within="14d"} 2.0',
    'authsvc_robots_expiring{within="3d"} 1.0',
}


async def test_robots_that_end_soon_are_counted_and_warned_of(tmp_path):
    settings, parts = installation(tmp_path)
    for days in (2, 10, 20):
        spec = robots.RobotSpec(
            name=f"ci{days}", namespace="team", role="reader",
            expires_at=utc(parts.clock.now()) + timedelta(days=days),
        )  # fmt: skip
        parts.unit_of_work.run(SYSTEM, lambda tx, spec=spec: robots.add(tx, spec, None))
    async with serving(settings, parts) as realm:
        for _ in range(1_000):
            lines = (await realm.call("GET", "/metrics")).body.decode().splitlines()
            if set(lines) >= COUNTED:
                break
            await asyncio.sleep(0.02)
        assert set(lines) >= COUNTED
        warned = [r["after"] for r in realm.records() if "ends_within" in (r["after"] or {})]
        assert [(each["robot"]["name"], each["ends_within"]) for each in warned] == [
            ("ci10", "14d"), ("ci2", "3d"),
        ]  # fmt: skip
    parts.database.dispose()
