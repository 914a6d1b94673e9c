"""Custom roles: named sets of what a registry can be asked for; those built in stay as they are."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from authsvc.access.roles import allow_of, custom
from authsvc.db.models import Grant, Role, Subject
from authsvc.errors import Conflict, Invalid, NotFound
from authsvc.protocol import names

from . import guard, reads, texts
from .spec import Spec, checked
from .unit_of_work import Outcome, Transaction, nothing

BASE = frozenset({"base"})  # where every worker holds what roles allow


def _name(name: str) -> str:
    if not names.is_role_name(name):
        raise ValueError("a role's name is small letters and digits, with single '.', '_', '-'")
    return name


def _allowed(text: str) -> str:
    try:
        custom("", [text])
    except Invalid as error:
        raise ValueError(f"this is nothing that a role can allow: {error.advice}") from error
    return text


def _whole(allow: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(allow_of(custom("", allow)))
    except Invalid as error:
        raise ValueError(error.message) from error


class RoleSpec(Spec):
    """A role; `allow` holds `repository:ACTION,…` and `registry:catalog:*`, in one form."""

    name: Annotated[str, AfterValidator(_name), texts.ROLE]
    allow: Annotated[
        tuple[Annotated[str, AfterValidator(_allowed), texts.ALLOWED], ...],
        AfterValidator(_whole),
        Field(json_schema_extra={"minItems": 1}),
    ]


def add(tx: Transaction, spec: RoleSpec) -> Outcome[dict[str, Any]]:
    """A new role; `Conflict` when the name is taken, by one built in as well."""
    guard.administer(tx.rights, "role")
    if find(tx.session, spec.name):
        raise Conflict(f"there is a role '{spec.name}' already", advice="choose another name")
    row = Role(name=spec.name, builtin=False, allow=list(spec.allow), changed_in=tx.version)
    tx.session.add(row)
    tx.session.flush()
    item = reads.role(row)
    return Outcome(item, after={"role": item}, topics=BASE)


def change(tx: Transaction, name: str, allow: Sequence[str]) -> Outcome[dict[str, Any]]:
    """What it allows from now on, in every grant of it; raises `NotFound`, `Conflict`."""
    guard.administer(tx.rights, "role")
    row = _custom(tx.session, name)
    before = reads.role(row)
    spec = checked(RoleSpec, {"name": name, "allow": allow})
    if list(spec.allow) == row.allow:
        return nothing(before)
    _check_robots(tx.session, row, spec)
    row.allow, row.changed_in = list(spec.allow), tx.version
    after = reads.role(row)
    return Outcome(after, before={"role": before}, after={"role": after}, topics=BASE)


def remove(tx: Transaction, name: str) -> Outcome[dict[str, Any]]:
    """Remove a role that no grant is of; raises `NotFound`, `Conflict`."""
    guard.administer(tx.rights, "role")
    row = _custom(tx.session, name)
    used = tx.session.scalar(select(func.count()).where(Grant.role_id == row.id)) or 0
    if used:
        count = "one grant is" if used == 1 else f"{used} grants are"
        raise Conflict(
            f"{count} of role '{name}'", advice=f"see `authsvc grant list --role {name}`"
        )
    item = reads.role(row)
    tx.session.delete(row)
    return Outcome({"removed": item}, before={"role": item}, topics=BASE)


def find(session: Session, name: str) -> Role | None:
    """The row of that name, or None."""
    return session.scalar(select(Role).where(Role.name == name))


def found(session: Session, name: str) -> Role:
    """The row of that name; raises `NotFound`."""
    row = find(session, name)
    if row is None:
        raise NotFound(f"there is no role '{name}'", advice="see `authsvc role list`")
    return row


def _custom(session: Session, name: str) -> Role:
    row = found(session, name)
    if row.builtin:
        raise Conflict(f"role '{name}' is built in", advice="make one of another name")
    return row


def _check_robots(session: Session, row: Role, spec: RoleSpec) -> None:
    """Raise `Conflict` when robots hold a role that would be more than repository actions."""
    if not custom(spec.name, spec.allow).catalog:
        return
    query = select(Grant.id).join(Subject, Subject.id == Grant.subject_id)
    if session.scalar(query.where(Grant.role_id == row.id, Subject.kind == "robot").limit(1)):
        raise Conflict(
            f"robots have role '{row.name}', and they hold repository actions only",
            advice="give the robots another role first",
        )
