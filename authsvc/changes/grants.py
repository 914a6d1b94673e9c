"""Grants: subject, role and place, allowed or denied, with conditions."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from sqlalchemy import insert, select

from authsvc.db.models import Grant, Role, Subject
from authsvc.errors import Invalid, NotFound
from authsvc.protocol import names

from . import reads, registries, subjects
from .faults import Faults
from .places import EVERYWHERE, check_network, check_pattern
from .spec import Spec
from .unit_of_work import Outcome, Transaction, nothing
from .when import parse_time, print_time

EVERYWHERE_ROLES = frozenset({"admin", "auditor", "catalog-reader"})  # their only place is `**`
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
    if not isinstance(value, str):
        raise ValueError("this is no RFC 3339 time with a zone")  # noqa: TRY004 - pydantic's way
    return parse_time(value)


def _networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(texts)))


class GrantSpec(Spec):
    """A grant. `on` may be left out for admin, auditor and catalog-reader: it is `**`.

    `registry` None means all registries; `cidrs` empty means from anywhere.
    """

    subject: Annotated[str, AfterValidator(_subject)]
    role: Annotated[str, AfterValidator(_role)]
    on: Annotated[str, AfterValidator(check_pattern)]
    registry: str | None = None
    effect: Literal["allow", "deny"] = "allow"
    expires_at: Annotated[datetime | None, BeforeValidator(_end)] = None
    cidrs: Annotated[
        tuple[Annotated[str, AfterValidator(check_network)], ...], AfterValidator(_networks)
    ] = ()
    reason: Annotated[str, Field(max_length=1000)] = ""

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

    Raises `Invalid` (unknown role or source, an end in the past) and `NotFound` (no such local
    person, group, robot or registry).
    """
    held = reads.grants(tx.session, Grant.fingerprint == spec.fingerprint)
    if held:
        return nothing(held[0])
    references = References(tx)
    row = Grant(**_columns(tx, spec, references))
    tx.session.add(row)
    tx.session.flush()
    item = reads.grants(tx.session, Grant.id == row.id)[0]
    topics = subjects.topics([references.subject(spec.subject)])
    return Outcome(item, after={"grant": item}, topics=topics)


def add_missing(
    tx: Transaction, specs: Iterable[tuple[str, GrantSpec]], faults: Faults
) -> Outcome[list[dict[str, Any]]]:
    """All grants of `specs`, each with its place, that are not there yet; the value lists them.

    What one refers to is looked up once and all are written at once, since edits of everybody
    else wait meanwhile. Those that cannot be made become `faults`.
    """
    known = set(tx.session.scalars(select(Grant.fingerprint)))
    references = References(tx)
    rows: list[dict[str, Any]] = []
    for place, spec in specs:
        if spec.fingerprint in known:
            continue
        known.add(spec.fingerprint)
        with faults.at(place):
            rows.append(_columns(tx, spec, references))
    if not rows:
        return nothing([])
    tx.session.execute(insert(Grant), rows)
    made = reads.grant_rows(tx.session, Grant.changed_in == tx.version)
    items = [reads.grant(row) for row in made]
    return Outcome(items, after=items, topics=subjects.topics(row.subject for row in made))


def remove(tx: Transaction, grant_id: int) -> Outcome[dict[str, Any]]:
    """Take a grant back; raises `NotFound`."""
    rows = reads.grant_rows(tx.session, Grant.id == grant_id)
    if not rows:
        raise NotFound(f"there is no grant {grant_id}", advice="see `authsvc grant list`")
    item = reads.grant(rows[0])
    tx.session.delete(rows[0].grant)
    topics = subjects.topics([rows[0].subject])
    return Outcome({"removed": item}, before={"grant": item}, topics=topics)


class References:
    """What grants refer to, each looked up once in its transaction, however many grants come."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._subjects: dict[str, Subject] = {}
        self._registries: dict[str, int] = {}
        self._roles = {row.name: row.id for row in tx.session.scalars(select(Role))}

    def role(self, name: str) -> int:
        """The id of a role; raises `Invalid`."""
        if name not in self._roles:
            known = ", ".join(sorted(self._roles))
            raise Invalid(f"no role is called '{name}'", advice=f"there are: {known}")
        return self._roles[name]

    def subject(self, text: str) -> Subject:
        """The row of a canonical subject text; raises `Invalid`, `NotFound`."""
        if text not in self._subjects:
            self._subjects[text] = subjects.meant(self._tx, names.parse_subject(text))
        return self._subjects[text]

    def registry(self, name: str | None) -> int | None:
        """The id of a registry, None for all; raises `NotFound`."""
        if name is None:
            return None
        if name not in self._registries:
            self._registries[name] = registries.found(self._tx.session, name).id
        return self._registries[name]


def _columns(tx: Transaction, spec: GrantSpec, references: References) -> dict[str, Any]:
    """The columns of the row that `spec` makes."""
    if spec.expires_at is not None and spec.expires_at <= tx.now:
        raise Invalid("the end of this grant is in the past", advice="name a time to come")
    return {
        "role_id": references.role(spec.role),
        "registry_id": references.registry(spec.registry),
        "subject_id": references.subject(spec.subject).id,
        "pattern": spec.on,
        "effect": spec.effect,
        "expires_at": spec.expires_at,
        "cidrs": list(spec.cidrs),
        "reason": spec.reason,
        "fingerprint": spec.fingerprint,
        "created_at": tx.now,
        "changed_in": tx.version,
    }
