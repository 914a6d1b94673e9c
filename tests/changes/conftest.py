"""A road for changes over a fresh database of each engine, at a time that stands still."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import select

from authsvc.audit import reader
from authsvc.changes import grants, groups, namespaces, reads, registries, roles, subjects, users
from authsvc.changes.spec import checked
from authsvc.changes.unit_of_work import UnitOfWork
from authsvc.clock import FrozenClock
from authsvc.db.engine import Database
from authsvc.db.models import Change
from authsvc.principal import Actor, Kind, Origin, Principal

NOON = 1_800_000_000.0
ACTOR = Actor(Kind.CLI, source="host", name="root", id="0")


@dataclass
class Road:
    """The one road, and short words for what the tests do on it."""

    database: Database
    clock: FrozenClock
    unit_of_work: UnitOfWork
    committed: list[int] = field(default_factory=list)
    actor: Actor = ACTOR

    def run(self, edit: Callable[[Any], Any]) -> Any:
        return self.unit_of_work.run(self.actor, edit)

    def as_(
        self,
        name: str,
        source: str = "local",
        groups: tuple[str, ...] = (),
        *,
        address: str = "198.51.100.7",
        known: bool = True,
    ) -> "Road":
        """The same road for somebody who came in over the network, by their own rights."""
        who = Principal(Kind.USER, source, name, self.identity(name, source), groups)
        origin = Origin(address, known, peer=address, request_id="r")
        actor = Actor(Kind.USER, source, name, who.id, principal=who, origin=origin)
        return replace(self, actor=actor)

    def identity(self, name: str, source: str = "local") -> str:
        """The id that a source gives a person of that name."""
        with self.database.read() as session:
            row = subjects.find(session, "user", source, name) if source == "local" else None
        return str(row.id) if row else name

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

    def role(self, name: str, *allow: str) -> dict[str, Any]:
        spec = checked(roles.RoleSpec, {"name": name, "allow": allow})
        return self.run(lambda tx: roles.add(tx, spec))

    def change(self, grant: dict[str, Any], **members: Any) -> dict[str, Any]:
        return self.run(lambda tx: grants.change(tx, grant["id"], members))

    def take_back(self, grant: dict[str, Any]) -> dict[str, Any]:
        return self.run(lambda tx: grants.remove(tx, grant["id"]))

    def show(self, name: str, visibility: str, registry: str | None = None) -> dict[str, Any]:
        """Set the visibility of a namespace."""
        return self.run(lambda tx: namespaces.change(tx, name, registry, visibility))

    def unregister(self, name: str, registry: str | None = None) -> dict[str, Any]:
        return self.run(lambda tx: namespaces.remove(tx, name, registry))

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
