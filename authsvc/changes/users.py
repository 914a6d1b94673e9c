"""People of the database (source `local`), their passwords, and removal of people of any source."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, SecretStr, StrictBool
from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.db.models import Grant, Membership, Password, Registry, Subject
from authsvc.errors import Conflict, Invalid
from authsvc.identity.passwords import check_new_password, hash_password
from authsvc.principal import LOCAL
from authsvc.protocol import names

from . import reads, subjects
from .spec import Spec
from .unit_of_work import Outcome, Transaction, nothing


def _name(name: str) -> str:
    if not names.is_user_name(name):
        raise ValueError(
            "a user name is printable, without colon and outer blanks, and not reserved "
            "(anonymous, authenticated, everyone, robot.…)"
        )
    return name


class UserSpec(Spec):
    """A person of the database; `password` is only ever written."""

    name: Annotated[str, AfterValidator(_name)]
    source: Literal["local"] = "local"
    enabled: StrictBool = True
    password: SecretStr


def forbidden_words(session: Session) -> list[str]:
    """The names of services, which no password may be."""
    return list(session.scalars(select(Registry.name)))


def password_hash(username: str, password: str, services: Iterable[str]) -> str:
    """The hash of a new password, once the rules of contract section 6 admit it.

    Slow on purpose: call it before the transaction, never within. Raises `Invalid`.
    """
    check_new_password(password, username, services)
    return hash_password(password)


def add(tx: Transaction, name: str, hashed: str, *, enabled: bool) -> Outcome[dict[str, Any]]:
    """A new person, of a name that a `UserSpec` took; `Conflict` when there is one already.

    The password comes as its hash, which is slow and made before the transaction.
    """
    if subjects.find(tx.session, "user", LOCAL, name):
        raise Conflict(f"there is a user '{name}' already", advice="use `user set-password`")
    row = subjects.made(tx, "user", LOCAL, name)
    row.enabled = enabled
    tx.session.add(Password(subject_id=row.id, hash=hashed, changed_at=tx.now))
    item = reads.user(row)
    return Outcome(item, after={"user": item}, topics=_topics(row))


def set_password(tx: Transaction, ref: names.SubjectRef, hashed: str) -> Outcome[dict[str, Any]]:
    """A new password; what is remembered of the old one is forgotten everywhere."""
    row = local(tx.session, ref)
    stored = tx.session.get(Password, row.id)
    if stored is None:
        tx.session.add(Password(subject_id=row.id, hash=hashed, changed_at=tx.now))
    else:
        stored.hash, stored.changed_at = hashed, tx.now
    row.changed_in = tx.version
    item = reads.user(row)
    after = {"user": item, "password": "changed"}
    return Outcome(item, before={"user": item}, after=after, topics=_topics(row))


def set_enabled(
    tx: Transaction, ref: names.SubjectRef, *, enabled: bool
) -> Outcome[dict[str, Any]]:
    """Enable or disable a person of the database."""
    row = local(tx.session, ref)
    before = reads.user(row)
    if row.enabled == enabled:
        return nothing(before)
    row.enabled, row.changed_in = enabled, tx.version
    after = reads.user(row)
    return Outcome(after, before={"user": before}, after={"user": after}, topics=_topics(row))


def revoke(tx: Transaction, ref: names.SubjectRef) -> Outcome[dict[str, Any]]:
    """Forget everywhere that a password of theirs was right; the next use is verified anew.

    A person of another source need not have been seen here.
    """
    if ref.source == LOCAL:
        subjects.found(tx.session, "user", ref.source, ref.name)
    else:
        subjects.check_source(tx, ref.source)
    value = {"user": str(ref), "revoked": ["remembered passwords"]}
    return Outcome(value, after=value, topics=frozenset({topic_of_name(ref.name)}))


def remove(tx: Transaction, ref: names.SubjectRef) -> Outcome[dict[str, Any]]:
    """Remove a person with all their grants and memberships: no later namesake inherits any."""
    row = subjects.found(tx.session, "user", ref.source, ref.name)
    item = reads.user(row)
    grants = reads.grants(tx.session, Grant.subject_id == row.id)
    groups = tx.session.scalars(
        select(Subject.name)
        .join(Membership, Membership.group_id == Subject.id)
        .where(Membership.member_id == row.id)
        .order_by(Subject.name)
    ).all()
    topics = _topics(row)
    tx.session.delete(row)
    before = {"user": item, "groups": list(groups), "grants": grants}
    value = {"removed": item, "groups": list(groups), "grants": [each["id"] for each in grants]}
    return Outcome(value, before=before, topics=topics)


def topic_of_name(name: str) -> str:
    """The topic that makes every worker forget passwords seen for this name, of any source."""
    return f"name:{name}"


def local(session: Session, ref: names.SubjectRef) -> Subject:
    """The row of a person of the database; raises `Invalid` for other sources, `NotFound`."""
    if ref.source != LOCAL:
        raise Invalid(
            f"'{ref.name}' is a person of source '{ref.source}'",
            advice="passwords and disabling of other sources are changed there",
        )
    return subjects.found(session, "user", ref.source, ref.name)


def _topics(row: Subject) -> frozenset[str]:
    return frozenset({topic_of_name(row.name), subjects.topic(row)})
