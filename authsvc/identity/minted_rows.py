"""Looking minted secrets up in the database, by their digest."""

from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_network

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.db.engine import Database
from authsvc.db.models import Registry, Robot, Secret, Subject
from authsvc.identity.minted import Shown, Stored
from authsvc.identity.provider import Rejected
from authsvc.identity.stored import principal_of
from authsvc.principal import Kind, Principal
from authsvc.protocol import secrets
from authsvc.protocol.access import Access
from authsvc.protocol.names import ROBOT_PREFIX
from authsvc.protocol.scope import parse_entry

_UNKNOWN = Rejected("unknown_secret")
_WRONG = Rejected("wrong_secret")
"""For a name that there is: the record may hold it then."""
_QUERY = (
    select(Secret, Subject, Robot.expires_at, Robot.cidrs, Registry.name)
    .join(Subject, Subject.id == Secret.subject_id)
    .outerjoin(Robot, Robot.subject_id == Secret.subject_id)
    .outerjoin(Registry, Registry.id == Secret.registry_id)
)


def find(database: Database, shown: Shown) -> Stored | Rejected:
    """The secret that was shown. Blocks; raises Unavailable."""
    wanted = secrets.digest(shown.secret)
    with database.read() as session:
        row = session.execute(_QUERY.where(Secret.digest == wanted)).one_or_none()
        if row is None:
            return _WRONG if _is_known(session, shown.username) else _UNKNOWN
        secret, owner, ends, cidrs, registry = row
        return _stored(secret, owner, _Bound(ends, tuple(cidrs or ()), registry))


@dataclass(frozen=True, slots=True)
class Held:
    """A secret of somebody's: what decides whether it outlives a change of theirs."""

    id: int
    kind: secrets.Kind
    owner: Principal
    password: str = field(repr=False)


def held_in(database: Database, source: str) -> list[Held]:
    """All secrets of the people of one source. Blocks; raises Unavailable."""
    query = (
        select(Secret.id, Secret.kind, Subject.name, Subject.external_id, Secret.password)
        .join(Subject, Subject.id == Secret.subject_id)
        .where(Subject.kind == Kind.USER.value, Subject.source == source)
        .order_by(Secret.id)
    )
    with database.read() as session:
        return [
            Held(row, _KINDS[kind], Principal(Kind.USER, source, name, stable or ""), password)
            for row, kind, name, stable, password in session.execute(query)
        ]


@dataclass(frozen=True, slots=True)
class _Bound:
    """What bounds a secret beside its own row: its robot's end and networks, its registry."""

    ends: datetime | None
    cidrs: tuple[str, ...]
    registry: str | None


def _stored(secret: Secret, owner: Subject, bound: _Bound) -> Stored:
    ends = [end.timestamp() for end in (secret.expires_at, bound.ends) if end is not None]
    made = secret.created_at.timestamp()
    return Stored(
        id=secret.id,
        kind=_KINDS[secret.kind],
        owner=principal_of(owner),
        enabled=owner.enabled,
        made=made,
        used=made if secret.last_used_at is None else secret.last_used_at.timestamp(),
        ends=min(ends, default=None),
        registry=bound.registry,
        scopes=_scopes(secret.scopes),
        manages=secret.manages,
        networks=tuple(map(ip_network, bound.cidrs)),
        password=secret.password,
    )


def _scopes(texts: list[str] | None) -> tuple[Access, ...] | None:
    """What a token is narrowed to; a text that this release cannot read allows nothing."""
    if texts is None:
        return None
    entries = (parse_entry(text, globs=True) for text in texts)
    return tuple(entry for entry in entries if entry is not None)


_KINDS: dict[str, secrets.Kind] = {"rob": "rob", "pat": "pat", "ref": "ref"}


def _is_known(session: Session, username: str | None) -> bool:
    """Whether somebody has that name, a robot or a person of any source."""
    if username is None:
        return False
    kind, name = Kind.USER, username
    if username.startswith(ROBOT_PREFIX):
        kind, name = Kind.ROBOT, username.removeprefix(ROBOT_PREFIX)
    named = select(Subject.id).where(Subject.kind == kind, Subject.name == name)
    return session.scalar(named.limit(1)) is not None
