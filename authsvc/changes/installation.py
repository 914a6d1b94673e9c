"""What a new installation starts with: its first administrator and its first registry."""

import secrets
from dataclasses import dataclass
from typing import Any

from authsvc.principal import LOCAL
from authsvc.protocol.names import SubjectRef

from . import grants, invariants, registries, subjects, users
from .spec import checked
from .unit_of_work import Outcome, Transaction

ADMIN = "admin"
DEFAULT_SERVICE = "localhost:5000"
_PASSWORD_BYTES = 24  # 192 random bits, printed as 32 characters


@dataclass(frozen=True, slots=True)
class Begun:
    """What was made: `admin` and `registry` are items, None where there was nothing to make."""

    admin: dict[str, Any] | None
    registry: dict[str, Any] | None


def new_password() -> str:
    """A password for the first administrator."""
    return secrets.token_urlsafe(_PASSWORD_BYTES)


def begin(tx: Transaction, service: str | None, hashed: str) -> Outcome[Begun]:
    """Make the administrator, with a password stored as `hashed`, where there is none.

    The registry `service` is made when it is missing; when none is named, the default one is
    made together with the administrator and never again, since somebody may have removed it.
    """
    parts: dict[str, Outcome[dict[str, Any]]] = {}
    if not invariants.has_admin(tx.session):
        parts |= _administrator(tx, hashed)
        service = service or DEFAULT_SERVICE
    if service and registries.find(tx.session, service) is None:
        spec = checked(registries.RegistrySpec, {"name": service})
        parts["registry"] = registries.add(tx, spec)
    made = {noun: part.value for noun, part in parts.items()}
    return Outcome(
        Begun(made.get("user"), made.get("registry")),
        after=made,
        topics=frozenset[str]().union(*(part.topics for part in parts.values())),
    )


def _administrator(tx: Transaction, hashed: str) -> dict[str, Outcome[dict[str, Any]]]:
    """The person and the grant; a person of that name who is no administrator becomes one."""
    parts: dict[str, Outcome[dict[str, Any]]] = {}
    ref = SubjectRef("user", LOCAL, ADMIN)
    if subjects.find(tx.session, "user", LOCAL, ADMIN) is None:
        parts["user"] = users.add(tx, ADMIN, hashed, enabled=True)
    else:
        parts["user"] = users.set_password(tx, ref, hashed)
        users.set_enabled(tx, ref, enabled=True)
    spec = checked(grants.GrantSpec, {"subject": str(ref), "role": "admin"})
    parts["grant"] = grants.add(tx, spec)
    return parts
