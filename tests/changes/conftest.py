"""A road for changes over a fresh database of each engine, at a time that stands still."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select

from authsvc.audit import reader
from authsvc.changes import grants, groups, namespaces, reads, registries, users
from authsvc.changes.spec import checked
from authsvc.changes.unit_of_work import UnitOfWork
from authsvc.clock import FrozenClock
from authsvc.db.engine import Database
from authsvc.db.models import Change
from authsvc.principal import Actor, Kind

NOON = 1_800_000_000.0
ACTOR = Actor(Kind.CLI, source="host", name="root", id="0")


@dataclass
class Road:
    """The one road, and short words for what the tests do on it."""

    database: Database
    clock: FrozenClock
    unit_of_work: UnitOfWork
    committed: list[int] = field(default_factory=list)

    def run(self, edit: Callable[[Any], Any]) -> Any:
        return self.unit_of_work.run(ACTOR, edit)

    def registry(self, name: str, **members: Any) -> dict[str, Any]:
        spec = checked(registries.RegistrySpec, {"name": name, **members})
        return self.run(lambda tx: registries.add(tx, spec))

    def namespace(self, name: str, **members: Any) -> dict[str, Any]:
        spec = checked(namespaces.NamespaceSpec, {"name": name, **members})
        return self.run(lambda tx: namespaces.add(tx, spec))

    def user(self, name: str, *, enabled: bool = True) -> dict[str, Any]:
        return self.run(lambda tx: users.add(tx, name, "$argon2id$not-a-hash", enabled=enabled))

    def group(self, name: str, *members: str) -> dict[str, Any]:
        spec = checked(groups.GroupSpec, {"name": name, "members": members})
        return self.run(lambda tx: groups.add(tx, spec))

    def grant(self, subject: str, role: str, on: str | None = None, **more: Any) -> dict[str, Any]:
        members = {"subject": subject, "role": role, "on": on, **more}
        spec = checked(grants.GrantSpec, members)
        return self.run(lambda tx: grants.add(tx, spec))

    def grants(self) -> list[dict[str, Any]]:
        with self.database.read() as session:
            return reads.grants(session)

    def topics(self) -> list[str]:
        """Those of the newest change."""
        with self.database.read() as session:
            return session.scalars(select(Change.topics).order_by(Change.seq.desc())).first()

    def records(self) -> list[dict[str, Any]]:
        with self.database.read() as session:
            return reader.records(session, limit=1000)


@pytest.fixture
def road(database) -> Road:
    clock = FrozenClock(NOON)
    committed: list[int] = []
    unit = UnitOfWork(
        database, clock, lambda: committed.append(1), sources=frozenset({"file", "corp"})
    )
    return Road(database, clock, unit, committed)
