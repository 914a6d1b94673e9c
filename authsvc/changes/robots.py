"""Robots: accounts of machines that belong to a namespace, and not to a person.

A robot is a subject with a *home grant*: an allow of its role at its namespace, which is changed
by its robot only. `expires_at` and `cidrs` bound every use of its secrets (contract section 6).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, StrictBool
from sqlalchemy.orm import Session

from authsvc.access.model import Role
from authsvc.access.rights import EVERYTHING, Rights
from authsvc.db.models import Grant, Robot, Subject
from authsvc.errors import Conflict, Invalid, NotFound
from authsvc.protocol import names

from . import grants, guard, reads, robot_rows, robot_secrets, subjects, texts
from .grants import End, GrantSpec, Networks, RoleName
from .references import References
from .spec import Spec, checked, movable
from .unit_of_work import Outcome, Transaction, nothing

FIXED = ("name", "namespace", "registry")


def _name(text: str) -> str:
    name = text.removeprefix(names.ROBOT_PREFIX)
    if not names.is_robot_name(name):
        raise ValueError("a robot's name is made of a-z, 0-9, '.', '_' and '-'")
    return name


def _namespace(text: str) -> str:
    if not names.is_path(text):
        raise ValueError("a robot's namespace is a path such as team or team/app, and no glob")
    return text


def _role(text: str) -> str:
    if text in grants.EVERYWHERE_ROLES:  # their only place is no namespace
        raise ValueError(f"a robot holds repository actions only, and '{text}' is more")
    return text


class RobotSpec(Spec):
    """A robot; `name` with or without the `robot.` of its login.

    `registry` None means all registries, `expires_at` None no end, `cidrs` empty from anywhere.
    """

    name: Annotated[str, AfterValidator(_name), texts.ROBOT]
    namespace: Annotated[str, AfterValidator(_namespace), texts.PATH]
    role: Annotated[RoleName, AfterValidator(_role)]
    registry: texts.RegistryName | None = None
    enabled: StrictBool = True
    expires_at: End = None
    cidrs: Networks = ()


def name_of(text: str) -> str:
    """The name of a robot, given with or without `robot.`; raises `Invalid`."""
    try:
        return _name(text)
    except ValueError as error:
        raise Invalid(f"'{text[:64]}' is no robot: {error}") from None


def add(tx: Transaction, spec: RobotSpec, digest: bytes | None) -> Outcome[dict[str, Any]]:
    """A new robot whose secret has that digest, or that has no secret until it is rotated.

    Raises `Forbidden` where the actor may not, before anything is looked up there; `Invalid`
    (unknown role or one of more than repository actions, an end in the past), `Dangling` (no such
    registry), `Conflict` (the name is taken).
    """
    references = References(tx)
    _check(tx.rights, spec, references)
    references.registry(spec.registry)
    if subjects.find(tx.session, "robot", "", spec.name):
        advice = "a new secret comes from `robot rotate`"
        raise Conflict(f"there is a robot '{spec.name}' already", advice=advice)
    check_end(spec, tx.now)
    row = subjects.made(tx, "robot", "", spec.name)
    row.enabled = spec.enabled
    given = Grant(**grants.columns(tx, home(spec), references), created_at=tx.now)
    tx.session.add(given)
    tx.session.flush()
    tx.session.add(_bounds(row, given, spec))
    tx.session.flush()
    if digest is not None:
        robot_secrets.store(tx, row.id, digest)
    made = found(tx.session, spec.name)
    item = _item(tx, made)
    return Outcome(item, after={"robot": item}, topics=robot_rows.topics(tx, [made]))


def change(tx: Transaction, name: str, members: Mapping[str, Any]) -> Outcome[dict[str, Any]]:
    """Set the given members; name, namespace and registry stay what they are.

    The robot before and after must both be the actor's to write. Raises what `add` does, and
    `NotFound`.
    """
    row = found(tx.session, name, tx.rights)
    before = _item(tx, row)
    was = _spec_of(before)
    spec = checked(RobotSpec, {**was.model_dump(), **movable(before, members, FIXED)})
    references = References(tx)
    _check(tx.rights, was, references)
    _check(tx.rights, spec, references)
    if spec == was:
        return nothing(before)
    _write(tx, row, spec, references)
    row = found(tx.session, name)
    after = _item(tx, row)
    topics = robot_rows.topics(tx, [row])
    return Outcome(after, before={"robot": before}, after={"robot": after}, topics=topics)


def rotate(tx: Transaction, name: str, digest: bytes, kept: timedelta) -> Outcome[dict[str, Any]]:
    """A new secret with that digest; the previous one ends after `kept`, any older one at once.

    Raises `NotFound`, and `Forbidden` unless the robot is the actor's to write: its secret gives
    all that it holds.
    """
    row = found(tx.session, name, tx.rights)
    before = _item(tx, row)
    _check(tx.rights, _spec_of(before), References(tx))
    topics = robot_secrets.rotate(tx, row.subject.id, digest, kept)
    tx.session.flush()
    after = _item(tx, row)
    return Outcome(after, before={"robot": before}, after={"robot": after}, topics=topics)


def remove(tx: Transaction, name: str) -> Outcome[dict[str, Any]]:
    """Remove a robot with its secrets and all its grants; no later namesake inherits any.

    Raises `NotFound`, `Forbidden`. Of its grants the value names those that the actor sees.
    """
    row = found(tx.session, name, tx.rights)
    item = _item(tx, row)
    _check(tx.rights, _spec_of(item), References(tx))
    taken = robot_rows.take_away(tx, [row])
    seen = [each["id"] for each in taken.grants if tx.rights.sees(each["on"], each["registry"])]
    before = {"robot": item, "grants": taken.grants}
    return Outcome({"removed": item, "grants": seen}, before=before, topics=taken.topics)


def found(session: Session, name: str, rights: Rights = EVERYTHING) -> reads.RobotRow:
    """The robot of that name; raises `NotFound`, also for one that these rights do not see."""
    rows = reads.robot_rows(
        session, Subject.kind == "robot", Subject.name == name, reads.grants_seen(rights)
    )
    if not rows:
        raise NotFound(f"there is no robot '{name}'", advice="see `authsvc robot list`")
    return rows[0]


def _item(tx: Transaction, row: reads.RobotRow) -> dict[str, Any]:
    return reads.robots(tx.session, [row])[0]


def _spec_of(item: Mapping[str, Any]) -> RobotSpec:
    return checked(RobotSpec, {name: item[name] for name in RobotSpec.model_fields})


def home(spec: RobotSpec) -> GrantSpec:
    """The grant that makes a robot what it is. Its end and networks bound its secrets instead."""
    return GrantSpec(
        subject=f"robot:{spec.name}", role=spec.role, on=spec.namespace, registry=spec.registry
    )


def _bounds(row: Subject, given: Grant, spec: RobotSpec) -> Robot:
    return Robot(
        subject_id=row.id, grant_id=given.id, expires_at=spec.expires_at, cidrs=list(spec.cidrs),
        warned=None,
    )  # fmt: skip


def check(rights: Rights, spec: RobotSpec, role: Role) -> None:
    """Whether somebody may write this robot of that role; raises `Forbidden`, `Invalid`."""
    guard.place(rights, spec.namespace, spec.registry)
    guard.robot(role)
    ends = None if spec.expires_at is None else spec.expires_at.timestamp()
    guard.grant(rights, guard.Given(role, spec.namespace, spec.registry, ends))


def check_end(spec: RobotSpec, now: datetime) -> None:
    """Raise `Invalid` for a robot that would have ended before it is what `spec` says."""
    if spec.expires_at is not None and spec.expires_at <= now:
        text = "the end of this robot is in the past"
        raise Invalid(text, advice="name a time to come", faults=(("/expires_at", text),))


def _check(rights: Rights, spec: RobotSpec, references: References) -> None:
    """The same before it is said whether anything is there."""
    guard.place(rights, spec.namespace, spec.registry)
    check(rights, spec, references.role(spec.role))


def _write(tx: Transaction, row: reads.RobotRow, spec: RobotSpec, references: References) -> None:
    """Bring the rows in line with `spec`; a new end is warned of anew."""
    if spec.expires_at != row.robot.expires_at:
        check_end(spec, tx.now)
        row.robot.expires_at, row.robot.warned = spec.expires_at, None
    row.robot.cidrs = list(spec.cidrs)
    row.subject.enabled, row.subject.changed_in = spec.enabled, tx.version
    if spec.role != row.role:
        given = home(spec)
        grants.check_only_one(tx, given, row.grant)
        for column, value in grants.columns(tx, given, references).items():
            setattr(row.grant, column, value)
    tx.session.flush()
