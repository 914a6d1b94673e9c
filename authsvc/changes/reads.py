"""What is stored, as items of contract section 4: for every interface and for audit records.

No item holds a secret or a hash. Lists are ordered by name and then by id.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, and_, false, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from authsvc.access.rights import Owned, Rights
from authsvc.access.roles import BUILT_IN, allow_of
from authsvc.db.models import (
    Change,
    Grant,
    Membership,
    Namespace,
    Registry,
    Robot,
    Role,
    Secret,
    Subject,
)

from .subjects import text_of
from .when import print_time

FEW = 500  # groups whose members are looked for one by one, and not all members of all groups


class NamespaceRow(NamedTuple):
    """A namespace with the name of its registry, None for all."""

    namespace: Namespace
    registry: str | None


class GrantRow(NamedTuple):
    """A grant with the rows and names that it refers to."""

    grant: Grant
    subject: Subject
    role: str
    registry: str | None


class RobotRow(NamedTuple):
    """A robot with its home grant, and the names that this refers to."""

    subject: Subject
    robot: Robot
    grant: Grant
    role: str
    registry: str | None


ROBOTS: Final = (
    select(Subject, Robot, Grant, Role.name, Registry.name)
    .join(Robot, Robot.subject_id == Subject.id)
    .join(Grant, Grant.id == Robot.grant_id)
    .join(Role, Role.id == Grant.role_id)
    .outerjoin(Registry, Registry.id == Grant.registry_id)
)
"""All robots, a `RobotRow` each; what `grants_seen` says of a home grant holds for its robot."""


def registry(row: Registry) -> dict[str, Any]:
    """The item of a registry."""
    return {
        "id": row.id,
        "name": row.name,
        "enabled": row.enabled,
        "read_only": row.read_only,
        "ttl": row.ttl,
        "key_header": row.key_header,
        "refresh_tokens": row.refresh_tokens,
    }


def registries(session: Session) -> list[dict[str, Any]]:
    """All registries."""
    return [registry(row) for row in session.scalars(select(Registry).order_by(Registry.name))]


def namespace(row: Namespace, name: str | None) -> dict[str, Any]:
    """The item of a namespace, for the registry of that name or for all."""
    return {"id": row.id, "name": row.path, "registry": name, "visibility": row.visibility}


def namespace_rows(session: Session, *where: ColumnElement[bool]) -> list[NamespaceRow]:
    """The namespaces that meet all of `where`, each with the name of its registry."""
    rows = session.execute(
        select(Namespace, Registry.name)
        .outerjoin(Registry, Registry.id == Namespace.registry_id)
        .where(*where)
        .order_by(Namespace.path, Namespace.id)
    )
    return [NamespaceRow(*row) for row in rows]


def namespaces(session: Session, *where: ColumnElement[bool]) -> list[dict[str, Any]]:
    """The namespaces that meet all of `where`, as items."""
    return [namespace(*row) for row in namespace_rows(session, *where)]


def user(row: Subject) -> dict[str, Any]:
    """The item of a person."""
    return {"id": row.id, "name": row.name, "source": row.source, "enabled": row.enabled}


def users(session: Session) -> list[dict[str, Any]]:
    """All people of the database, and those of other sources that something refers to."""
    query = select(Subject).where(Subject.kind == "user", Subject.retired.is_(False))
    return [user(row) for row in session.scalars(query.order_by(Subject.source, Subject.name))]


def group(session: Session, row: Subject) -> dict[str, Any]:
    """The item of a group of this service, its direct members by their subject texts."""
    return _groups(session, Subject.id == row.id)[0]


def groups(session: Session) -> list[dict[str, Any]]:
    """All groups of this service."""
    return _groups(session, Subject.source == "")


def groups_of(session: Session, ids: Collection[int]) -> list[dict[str, Any]]:
    """The groups with these row ids, in the order of the ids."""
    return sorted(_groups(session, Subject.id.in_(ids)), key=lambda item: item["id"])


def members(session: Session, group_id: int) -> list[Subject]:
    """The direct members of a group."""
    query = (
        select(Subject)
        .join(Membership, Membership.member_id == Subject.id)
        .where(Membership.group_id == group_id)
    )
    return list(session.scalars(query.order_by(Subject.id)))


def _groups(session: Session, where: ColumnElement[bool]) -> list[dict[str, Any]]:
    """One query for the groups and one for all their members, however many groups there are."""
    rows = list(
        session.scalars(
            select(Subject).where(Subject.kind == "group", where).order_by(Subject.name)
        )
    )
    held: dict[int, list[str]] = {row.id: [] for row in rows}
    pairs = select(Membership.group_id, Subject).join(Subject, Subject.id == Membership.member_id)
    if len(rows) <= FEW:
        pairs = pairs.where(Membership.group_id.in_(held))
    for group_id, member in session.execute(pairs):
        held.get(group_id, []).append(text_of(member))
    return [{"id": row.id, "name": row.name, "members": sorted(held[row.id])} for row in rows]


def role(row: Role) -> dict[str, Any]:
    """The item of a role. Those built in hold what this release says, whatever is stored."""
    held = BUILT_IN.get(row.name)
    return {"id": row.id, "name": row.name, "allow": allow_of(held) if held else list(row.allow)}


def roles(session: Session) -> list[dict[str, Any]]:
    """All roles, those built in among them."""
    return [role(row) for row in session.scalars(select(Role).order_by(Role.name))]


def grant(row: GrantRow) -> dict[str, Any]:
    """The item of a grant."""
    return {
        "id": row.grant.id,
        "subject": text_of(row.subject),
        "role": row.role,
        "on": row.grant.pattern,
        "registry": row.registry,
        "effect": row.grant.effect,
        "expires_at": print_time(row.grant.expires_at),
        "cidrs": list(row.grant.cidrs),
        "reason": row.grant.reason,
    }


def grant_rows(session: Session, *where: ColumnElement[bool]) -> list[GrantRow]:
    """The grants that meet all of `where`, with what they refer to, in the order of their ids."""
    query = (
        select(Grant, Subject, Role.name, Registry.name)
        .join(Subject, Subject.id == Grant.subject_id)
        .join(Role, Role.id == Grant.role_id)
        .outerjoin(Registry, Registry.id == Grant.registry_id)
        .where(*where)
        .order_by(Grant.id)
    )
    return [GrantRow(*row) for row in session.execute(query)]


def grants(session: Session, *where: ColumnElement[bool]) -> list[dict[str, Any]]:
    """The grants that meet all of `where`, as items."""
    return [grant(row) for row in grant_rows(session, *where)]


def robot_rows(session: Session, *where: ColumnElement[bool]) -> list[RobotRow]:
    """The robots that meet all of `where`, by name."""
    rows = session.execute(ROBOTS.where(*where).order_by(Subject.name))
    return [RobotRow(*row) for row in rows]


def robots(session: Session, rows: Sequence[RobotRow]) -> list[dict[str, Any]]:
    """The items of robots, in that order; the secrets of each from the oldest on."""
    held: dict[int, list[dict[str, Any]]] = {row.subject.id: [] for row in rows}
    query = select(Secret).where(Secret.kind == "rob").order_by(Secret.id)
    if len(rows) <= FEW:
        query = query.where(Secret.subject_id.in_(held))
    for secret in session.scalars(query):
        held.get(secret.subject_id, []).append(_times(secret))
    return [_robot(row, held[row.subject.id]) for row in rows]


def _robot(row: RobotRow, secrets: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": row.subject.id,
        "name": row.subject.name,
        "namespace": row.grant.pattern,
        "role": row.role,
        "registry": row.registry,
        "enabled": row.subject.enabled,
        "expires_at": print_time(row.robot.expires_at),
        "cidrs": list(row.robot.cidrs),
        "secrets": secrets,
    }


def _times(secret: Secret) -> dict[str, Any]:
    """What is told of a secret: never anything by which it could be known."""
    return {
        "created_at": print_time(secret.created_at),
        "expires_at": print_time(secret.expires_at),
        "last_used_at": print_time(secret.last_used_at),
    }


def grants_seen(rights: Rights) -> ColumnElement[bool]:
    """Which grants these rights see: all, or those at or below an owner's paths."""
    return _seen(rights, Grant.pattern, Grant.registry_id)


def namespaces_seen(rights: Rights) -> ColumnElement[bool]:
    """Which namespaces these rights see: all, or those at or below an owner's paths."""
    return _seen(rights, Namespace.path, Namespace.registry_id)


def _seen(
    rights: Rights,
    place: InstrumentedAttribute[str],
    registry_id: InstrumentedAttribute[int | None],
) -> ColumnElement[bool]:
    """`Rights.sees`, as the database asks it."""
    if rights.reads_all:
        return true()
    return or_(false(), *(_shown(own, place, registry_id) for own in rights.owned))


def _shown(
    own: Owned, place: InstrumentedAttribute[str], registry_id: InstrumentedAttribute[int | None]
) -> ColumnElement[bool]:
    within = or_(place == own.path, place.startswith(own.path + "/", autoescape=True))
    if own.registry is None:
        return within
    its = select(Registry.id).where(Registry.name == own.registry).scalar_subquery()
    return and_(within, or_(registry_id.is_(None), registry_id == its))


def lives_since(session: Session, registry: str, since: float) -> set[int | None]:
    """The `ttl` values that changes since that wall clock time show for a registry."""
    bodies = session.scalars(select(Change.body).where(Change.time >= int(since * 1000)))
    items = (item for body in bodies for item in _items(json.loads(body)))
    return {one["ttl"] for one in items if one.get("name") == registry and "ttl" in one}


def _items(value: Any) -> Iterator[dict[str, Any]]:
    """All objects within a record, at any depth."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _items(part)
