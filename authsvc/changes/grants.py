"""Grants: subject, role and place, allowed or denied, with conditions."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.access.model import Role
from authsvc.access.rights import Rights
from authsvc.db.models import Grant, Robot, Subject
from authsvc.errors import Conflict, Invalid, NotFound
from authsvc.protocol import names

from . import guard, reads, subjects, texts
from .places import EVERYWHERE, check_network, check_pattern
from .references import References
from .spec import Spec, checked
from .unit_of_work import Outcome, Transaction, nothing
from .when import parse_time, print_time

EVERYWHERE_ROLES = frozenset({"admin", "auditor", "catalog-reader"})  # their only place is `**`
MOST_NETWORKS = 64  # of one grant; each is looked at for every token that it could give something
ALL_REGISTRIES_ROLES = frozenset({"admin", "auditor"})


def _subject(text: str) -> str:
    try:
        return str(names.parse_subject(text))
    except Invalid as error:
        raise ValueError(str(error)) from error


def _role(text: str) -> str:
    if not names.is_role_name(text):
        raise ValueError("this is no role")
    return text


def _end(value: object) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    return parse_time(value if isinstance(value, str) else "")


def _networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(texts)))


RoleName = Annotated[str, AfterValidator(_role), texts.ROLE]
End = Annotated[datetime | None, BeforeValidator(_end)]
Networks = Annotated[
    tuple[Annotated[str, AfterValidator(check_network), texts.NETWORK], ...],
    Field(max_length=MOST_NETWORKS),
    AfterValidator(_networks),
]


def _place_left_out(schema: dict[str, Any]) -> None:
    """What the document says of `on`: it depends on the role whether it is needed."""
    schema["required"].remove("on")
    schema["properties"]["on"] = {"anyOf": [schema["properties"]["on"], {"type": "null"}]}


class GrantSpec(Spec):
    """A grant. `on` may be left out for admin, auditor and catalog-reader: it is `**`.

    `registry` None means all registries; `cidrs` empty means from anywhere.
    """

    model_config = ConfigDict(json_schema_extra=_place_left_out)

    subject: Annotated[str, AfterValidator(_subject), texts.SUBJECT]
    role: RoleName
    on: Annotated[str, AfterValidator(check_pattern), texts.PATTERN]
    registry: texts.RegistryName | None = None
    effect: Literal["allow", "deny"] = "allow"
    expires_at: End = None
    cidrs: Networks = ()
    reason: texts.Remark = ""

    @model_validator(mode="before")
    @classmethod
    def _default_place(cls, members: object) -> object:
        if (
            isinstance(members, Mapping)
            and members.get("on") is None
            and members.get("role") in EVERYWHERE_ROLES
        ):
            return {**members, "on": EVERYWHERE}
        return members

    @model_validator(mode="after")
    def _role_fits_place(self) -> "GrantSpec":
        if self.role in EVERYWHERE_ROLES and self.on != EVERYWHERE:
            raise ValueError(f"the only place of {self.role} is '**'")
        if self.role in ALL_REGISTRIES_ROLES and self.registry is not None:
            raise ValueError(f"{self.role} is for all registries only")
        return self

    @cached_property
    def fingerprint(self) -> str:
        """Equal for equal grants; what they say, but not why."""
        said = self.model_dump(exclude={"reason", "expires_at"}, mode="json")
        said["expires_at"] = print_time(self.expires_at)
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def add(tx: Transaction, spec: GrantSpec) -> Outcome[dict[str, Any]]:
    """A new grant; the same once more is a success that changes nothing.

    Raises `Invalid` (unknown role or source, an end in the past), `Dangling` (no such local
    person, group, robot or registry) and `Forbidden`.
    """
    references = References(tx)
    _check(tx, spec, references)
    held = reads.grants(tx.session, Grant.fingerprint == spec.fingerprint)
    if held:
        return nothing(held[0])
    row = Grant(**columns(tx, spec, references), created_at=tx.now)
    tx.session.add(row)
    tx.session.flush()
    item = reads.grants(tx.session, Grant.id == row.id)[0]
    topics = subjects.topics([references.subject(spec.subject)])
    return Outcome(item, after={"grant": item}, topics=topics)


def check(rights: Rights, spec: GrantSpec, role: Role) -> None:
    """Whether somebody may make this grant of that role; raises `Forbidden`, `Invalid`."""
    guard.place(rights, spec.on, spec.registry)
    ends = None if spec.expires_at is None else spec.expires_at.timestamp()
    guard.grant(rights, guard.Given(role, spec.on, spec.registry, ends))
    if spec.subject.startswith("robot:"):
        guard.robot(role)


def change(tx: Transaction, grant_id: int, members: Mapping[str, Any]) -> Outcome[dict[str, Any]]:
    """Set the given members; the grant before and after must both be the actor's to write.

    Raises what `add` does, `NotFound`, and `Conflict` when another grant says the same already,
    or this is the role of a robot.
    """
    row = _found(tx, grant_id)
    before = reads.grant(row)
    held = {name: value for name, value in before.items() if name != "id"}
    spec = checked(GrantSpec, {**held, **members})
    references = References(tx)
    guard.grant(tx.rights, _given(row, references))
    _check(tx, spec, references)
    if spec == checked(GrantSpec, held):
        return nothing(before)
    _check_free(tx, row)
    check_only_one(tx, spec, row.grant)
    for column, value in columns(tx, spec, references, ended=row.grant.expires_at).items():
        setattr(row.grant, column, value)
    tx.session.flush()
    after = reads.grants(tx.session, Grant.id == grant_id)[0]
    topics = subjects.topics([row.subject, references.subject(spec.subject)])
    return Outcome(after, before={"grant": before}, after={"grant": after}, topics=topics)


def remove(tx: Transaction, grant_id: int) -> Outcome[dict[str, Any]]:
    """Take a grant back; raises `NotFound`, `Forbidden`, `Conflict` for the role of a robot."""
    row = _found(tx, grant_id)
    check_removal(tx, [row])
    _check_free(tx, row)
    item = reads.grant(row)
    tx.session.delete(row.grant)
    topics = subjects.topics([row.subject])
    return Outcome({"removed": item}, before={"grant": item}, topics=topics)


def check_removal(tx: Transaction, rows: Iterable[reads.GrantRow]) -> None:
    """Raise `Forbidden` unless each of these grants is the actor's to remove."""
    if not tx.rights.admin:
        references = References(tx)
        for row in rows:
            guard.grant(tx.rights, _given(row, references))


def told_anew(session: Session, row: Subject) -> None:
    """Bring the fingerprints of a subject's grants in line with the name it has now.

    Of two that say the same after that, one is left.
    """
    for each in reads.grant_rows(session, Grant.subject_id == row.id):
        said = {name: value for name, value in reads.grant(each).items() if name != "id"}
        fingerprint = checked(GrantSpec, said).fingerprint
        equal = select(Grant.id).where(Grant.fingerprint == fingerprint, Grant.id != each.grant.id)
        if session.scalar(equal) is None:
            each.grant.fingerprint = fingerprint
        else:
            session.delete(each.grant)
        session.flush()


def _found(tx: Transaction, grant_id: int) -> reads.GrantRow:
    """The grant, where the actor may see it; else `NotFound`, as if it were not there."""
    rows = reads.grant_rows(tx.session, Grant.id == grant_id, reads.grants_seen(tx.rights))
    if not rows:
        raise NotFound(f"there is no grant {grant_id}", advice="see `authsvc grant list`")
    return rows[0]


def _given(row: reads.GrantRow, references: References) -> guard.Given:
    """A stored grant, as the guard asks about it."""
    end = row.grant.expires_at
    ends = None if end is None else end.timestamp()
    return guard.Given(references.role(row.role), row.grant.pattern, row.registry, ends)


def _check(tx: Transaction, spec: GrantSpec, references: References) -> None:
    """Whether the actor may make this grant, before it is said whether it is there."""
    guard.place(tx.rights, spec.on, spec.registry)  # before anything is looked up there
    check(tx.rights, spec, references.role(spec.role))


def _check_free(tx: Transaction, row: reads.GrantRow) -> None:
    """Raise `Conflict` for the grant that a robot was made with: its place would be lost."""
    if tx.session.scalar(select(Robot.subject_id).where(Robot.grant_id == row.grant.id)):
        raise Conflict(
            f"this is the role of robot '{row.subject.name}'",
            advice="change or remove the robot",
        )


def check_only_one(tx: Transaction, spec: GrantSpec, row: Grant) -> None:
    """Raise `Conflict` when another grant says already what this one would."""
    query = select(Grant.id).where(Grant.fingerprint == spec.fingerprint, Grant.id != row.id)
    other = tx.session.scalar(query)
    if other is not None:
        raise Conflict(f"grant {other} says the same already", advice="remove one of the two")


def columns(
    tx: Transaction, spec: GrantSpec, references: References, *, ended: datetime | None = None
) -> dict[str, Any]:
    """The columns of the row that `spec` makes; an end that has come may stay what it was."""
    if spec.expires_at is not None and spec.expires_at <= tx.now and spec.expires_at != ended:
        text = "the end of this grant is in the past"
        raise Invalid(text, advice="name a time to come", faults=(("/expires_at", text),))
    return {
        "role_id": references.role_id(spec.role),
        "registry_id": references.registry(spec.registry),
        "subject_id": references.subject(spec.subject).id,
        "pattern": spec.on,
        "effect": spec.effect,
        "expires_at": spec.expires_at,
        "cidrs": list(spec.cidrs),
        "reason": spec.reason,
        "fingerprint": spec.fingerprint,
        "changed_in": tx.version,
    }
