"""What is stored of the kinds that a document speaks of, as of one transaction."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.audit.records import Event
from authsvc.audit.records import Outcome as Ending
from authsvc.changes import reads
from authsvc.changes.grants import GrantSpec
from authsvc.changes.robots import RobotSpec
from authsvc.changes.spec import Spec
from authsvc.changes.when import print_time
from authsvc.db.models import Change, Grant, Registry, Robot, Role, Subject
from authsvc.protocol.names import SubjectRef

AT_ONCE = 500  # fingerprints that one query looks for
PORTION = 20_000  # grants that one query reads

Item: TypeAlias = dict[str, Any]
Key: TypeAlias = str | tuple[str, str | None]


class Held(NamedTuple):
    """A stored entry: its row id, and its item of contract section 4 without that and secrets.

    `home` is the row id of the grant that a robot was made with; 0 for what is no robot.
    """

    id: int
    item: Item
    home: int = 0


@dataclass(frozen=True, slots=True)
class Holdings:
    """What is stored, by kind and by what an entry of the kind is known by.

    Of the grants there may be only some, and none that a robot was made with.
    """

    registries: Mapping[Key, Held]
    namespaces: Mapping[Key, Held]
    roles: Mapping[Key, Held]
    groups: Mapping[Key, Held]
    grants: Mapping[Key, Held]
    robots: Mapping[Key, Held]

    def of(self, kind: str) -> Mapping[Key, Held]:
        """What is held of a kind."""
        held: Mapping[Key, Held] = getattr(self, kind)
        return held


KEYS: Final[Mapping[str, Callable[[Item], Key]]] = {
    "registries": lambda item: str(item["name"]),
    "namespaces": lambda item: (str(item["name"]), item["registry"]),
    "roles": lambda item: str(item["name"]),
    "groups": lambda item: str(item["name"]),
    "robots": lambda item: str(item["name"]),
}
"""What an entry is known by; a grant by its fingerprint."""
NOUNS: Final = frozenset(
    {"registry", "namespace", "role", "group", "grant", "robot"}
    | {"registries", "namespaces", "roles", "groups", "grants", "robots"}
)
"""The words under which records hold such items."""


def holdings(session: Session, fingerprints: Collection[str] | None) -> Holdings:
    """What is stored; of the grants those with one of the fingerprints, None for all."""
    roles = session.scalars(select(Role).where(Role.builtin.is_(False)).order_by(Role.name))
    return Holdings(
        registries=_held("registries", reads.registries(session)),
        namespaces=_held("namespaces", reads.namespaces(session)),
        roles=_held("roles", [reads.role(row) for row in roles]),
        groups=_held("groups", reads.groups(session)),
        grants=dict(_all_grants(session) if fingerprints is None else _some(session, fingerprints)),
        robots=dict(_robots(session)),
    )


def last_touched(session: Session) -> int:
    """The number of the last change of what documents speak of; 0 for none so far.

    Where all that is left to read are others, the last one that was removed may have been one.
    """
    below = select(Change.seq, Change.body).order_by(Change.seq.desc()).limit(AT_ONCE)
    rows = session.execute(below).all()
    first = 1
    while rows:
        for seq, body in rows:
            if _touches(json.loads(body)):
                return int(seq)
        first = rows[-1].seq
        rows = session.execute(below.where(Change.seq < first)).all()
    return first - 1


def _touches(record: Item) -> bool:
    """Whether a record is of such a change: one of a policy, or one that names such items.

    What tells of a robot's secrets or of its end alone changes nothing of what documents say.
    """
    if record["outcome"] != Ending.GRANTED:
        return False
    if record["event"] == Event.POLICY:
        return True
    before, after = (_named(record[word]) for word in ("before", "after"))
    named = before.keys() | after.keys()
    if "ends_within" in named or ("robot" in named and before == after):
        return False
    return not named.isdisjoint(NOUNS)


def _named(part: Any) -> Item:
    """What a record names, by the word for it; robots without their secrets."""
    parts = part if isinstance(part, list) else [part]
    named = {noun: held for each in parts if isinstance(each, dict) for noun, held in each.items()}
    robot = named.get("robot")
    if isinstance(robot, dict):
        named["robot"] = {name: held for name, held in robot.items() if name != "secrets"}
    return named


def item_of(spec: Spec) -> Item:
    """What a spec would be stored as: its item of contract section 4 without `id`."""
    item = spec.model_dump(mode="json")
    if isinstance(spec, GrantSpec | RobotSpec):
        item["expires_at"] = print_time(spec.expires_at)
    if "members" in item:
        item["members"] = sorted(set(item["members"]))
    return item


def _held(kind: str, items: Sequence[Item]) -> dict[Key, Held]:
    key = KEYS[kind]
    return {
        key(item): Held(item["id"], {k: v for k, v in item.items() if k != "id"}) for item in items
    }


def _robots(session: Session) -> Iterator[tuple[Key, Held]]:
    rows = reads.robot_rows(session)
    for row, item in zip(rows, reads.robots(session, rows), strict=True):
        said = {name: item[name] for name in RobotSpec.model_fields}
        yield row.subject.name, Held(row.subject.id, said, row.grant.id)


def _some(session: Session, fingerprints: Collection[str]) -> Iterator[tuple[str, Held]]:
    wanted = list(fingerprints)
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        rows = session.execute(_GRANTS.where(Grant.fingerprint.in_(some)).order_by(Grant.id))
        yield from map(_held_grant, rows)


def _all_grants(session: Session) -> Iterator[tuple[str, Held]]:
    """By portions, since there may be a million: a query that reads has 2 s (db/dialects)."""
    after = 0
    while True:
        page = _GRANTS.where(Grant.id > after).order_by(Grant.id).limit(PORTION)
        rows = session.execute(page).all()
        yield from map(_held_grant, rows)
        if len(rows) < PORTION:
            return
        after = rows[-1].id


_GRANTS: Final = (
    select(
        Grant.id, Grant.fingerprint, Subject.kind, Subject.source, Subject.name,
        Role.name, Grant.pattern, Registry.name, Grant.effect, Grant.expires_at,
        Grant.cidrs, Grant.reason,
    )
    .join(Subject, Subject.id == Grant.subject_id)
    .join(Role, Role.id == Grant.role_id)
    .outerjoin(Registry, Registry.id == Grant.registry_id)
    .outerjoin(Robot, Robot.grant_id == Grant.id)
    .where(Robot.subject_id.is_(None))
)  # fmt: skip
"""Columns and not objects, which would take twice as long."""


def _held_grant(row: Any) -> tuple[str, Held]:
    number, known, kind, source, name, role, on, registry, effect, ends, cidrs, reason = row
    return known, Held(number, {
        "subject": str(SubjectRef(kind, source, name)), "role": role, "on": on,
        "registry": registry, "effect": effect, "expires_at": print_time(ends),
        "cidrs": list(cidrs), "reason": reason,
    })  # fmt: skip
