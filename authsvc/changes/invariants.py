"""What holds after every change, whichever command made it (contract section 5, rule 10)."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.db.models import Grant, Role, Subject
from authsvc.errors import Conflict
from authsvc.principal import LOCAL

from .places import EVERYWHERE

NO_ADMIN = "this would leave no administrator"


@dataclass(frozen=True, slots=True)
class Holding:
    """What held before an edit and must hold after it."""

    has_admin: bool


def holding(session: Session) -> Holding:
    """What holds now; read inside the edit's own transaction."""
    return Holding(has_admin(session))


def check(session: Session, before: Holding) -> None:
    """Raise `Conflict` when the edit broke what held before it."""
    if before.has_admin and not has_admin(session):
        raise Conflict(
            NO_ADMIN,
            advice="first give somebody else the admin role, without an end and without networks",
        )


def has_admin(session: Session) -> bool:
    """Whether an enabled local person holds a direct, unlimited allow of `admin`."""
    return bool(admin_grants(session))


def admin_grants(session: Session) -> frozenset[int]:
    """The row ids of the direct, unlimited allows of `admin` that enabled local people hold."""
    found = session.execute(
        select(Grant.id, Grant.cidrs)
        .join(Subject, Subject.id == Grant.subject_id)
        .join(Role, Role.id == Grant.role_id)
        .where(
            Subject.kind == "user",
            Subject.source == LOCAL,
            Subject.enabled,
            Subject.retired.is_(False),
            Role.name == "admin",
            Grant.effect == "allow",
            Grant.pattern == EVERYWHERE,
            Grant.registry_id.is_(None),
            Grant.expires_at.is_(None),
        )
    )
    return frozenset(row.id for row in found if not row.cidrs)
