"""People of the database (source `local`), their passwords, and removal of people of any source."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, SecretStr, StrictBool
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from authsvc.db.models import Grant, Membership, Password, Registry, Subject
from authsvc.errors import Conflict, Forbidden, Invalid
from authsvc.identity.passwords import check_new_password, hash_password
from authsvc.principal import LOCAL, Kind
from authsvc.protocol import names

from . import guard, reads, secrets, subjects, texts
from .spec import Spec
from .unit_of_work import Outcome, Transaction, nothing

MAX_RECORDED = 500  # names that the record of an import holds
MAX_NAMED = 100  # taken names that one refusal lists
REVOKED = ["remembered passwords", "refresh tokens", "personal access tokens"]


def _name(name: str) -> str:
    if not names.is_user_name(name):
        raise ValueError(
            "a user name is printable, without colon and outer blanks, and not reserved "
            "(anonymous, authenticated, everyone, robot.…)"
        )
    return name


class UserSpec(Spec):
    """A person of the database; `password` is only ever written."""

    name: Annotated[str, AfterValidator(_name), texts.NAME]
    source: Literal["local"] = "local"
    enabled: StrictBool = True
    password: Annotated[SecretStr, texts.PASSWORD]


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
    guard.administer(tx.rights, "user")
    if subjects.find(tx.session, "user", LOCAL, name):
        raise Conflict(f"there is a user '{name}' already", advice="use `user set-password`")
    row = subjects.made(tx, "user", LOCAL, name)
    row.enabled = enabled
    tx.session.add(Password(subject_id=row.id, hash=hashed, changed_at=tx.now))
    item = reads.user(row)
    return Outcome(item, after={"user": item}, topics=_topics(row))


def add_all(tx: Transaction, people: Mapping[str, str]) -> Outcome[list[str]]:
    """New people, enabled, of names that can be had, with their hashes as they are.

    A hash of a scheme that the next sign-in verifies is renewed by it. Raises what `check_free`
    does. The record names the first MAX_RECORDED, and never holds a hash.
    """
    guard.administer(tx.rights, "user")
    check_free(tx.session, people)
    if not people:
        return nothing([])
    refs = {name: names.SubjectRef("user", LOCAL, name) for name in people}
    ids = subjects.make_all(tx, list(refs.values()))
    rows = [
        {"subject_id": ids[str(refs[name])], "hash": hashed, "changed_at": tx.now}
        for name, hashed in people.items()
    ]
    tx.session.execute(insert(Password), rows)
    named = [*people]
    topics = {f"subject:{ref}" for ref in refs.values()} | set(map(subjects.topic_of_name, named))
    told = {"users": named[:MAX_RECORDED], "count": len(named)}
    return Outcome(named, after=told, topics=frozenset(topics))


def check_free(session: Session, people: Iterable[str]) -> None:
    """Raise `Conflict`, with every name of `people` that somebody of the database has already."""
    refs = [names.SubjectRef("user", LOCAL, name) for name in people]
    taken = sorted(ref.name for ref in subjects.found_all(session, refs))
    if taken:
        more = f" and {len(taken) - MAX_NAMED} more" if len(taken) > MAX_NAMED else ""
        said = ", ".join(taken[:MAX_NAMED]) + more
        count = "one name is" if len(taken) == 1 else f"{len(taken)} names are"
        raise Conflict(
            f"{count} taken: {said}",
            advice="take them out of the file, or remove these users here first",
        )


def change(
    tx: Transaction,
    ref: names.SubjectRef,
    *,
    enabled: bool | None = None,
    hashed: str | None = None,
) -> Outcome[dict[str, Any]]:
    """Enable or disable a person of the database, or give them a new password; None leaves it.

    A new password and disabling end their refresh tokens for good. Personal access tokens outlive
    a password, and sleep while their owner is disabled.
    """
    guard.administer(tx.rights, "user")
    return _changed(tx, local(tx.session, ref), enabled=enabled, hashed=hashed)


def set_password(tx: Transaction, ref: names.SubjectRef, hashed: str) -> Outcome[dict[str, Any]]:
    """A new password; what is remembered of the old one is forgotten everywhere."""
    return change(tx, ref, hashed=hashed)


def set_enabled(
    tx: Transaction, ref: names.SubjectRef, *, enabled: bool
) -> Outcome[dict[str, Any]]:
    """Enable or disable a person of the database."""
    return change(tx, ref, enabled=enabled)


def stored_hash(session: Session, name: str) -> str:
    """The stored hash of a person of the database, '' when there is none."""
    row = subjects.find(session, "user", LOCAL, name)
    stored = None if row is None else session.get(Password, row.id)
    return "" if stored is None else stored.hash


def set_own_password(tx: Transaction, old: str, hashed: str) -> Outcome[dict[str, Any]]:
    """A new password of the actor's own, whatever they may change besides.

    `old` is the hash that was stored before their old password was found right. Raises
    `Conflict` when the password was changed or the person disabled since, as an administrator
    does with one that is known to others; `Forbidden` for who is no person of the database.
    """
    who = tx.actor.principal
    if who is None or who.kind is not Kind.USER or who.source != LOCAL:
        raise Forbidden("your password is not kept here", advice="change it where you got it")
    row = subjects.find(tx.session, "user", LOCAL, who.name)
    stored = None if row is None else tx.session.get(Password, row.id)
    if row is None or stored is None or stored.hash != old or not row.enabled:
        raise Conflict("your account was changed meanwhile", advice="sign in and try again")
    return _changed(tx, row, hashed=hashed)


def _changed(
    tx: Transaction, row: Subject, *, enabled: bool | None = None, hashed: str | None = None
) -> Outcome[dict[str, Any]]:
    before = reads.user(row)
    if hashed is None and enabled in (None, row.enabled):
        return nothing(before)
    if enabled is not None:
        row.enabled = enabled
    if hashed is not None:
        _store(tx, row, hashed)
    row.changed_in = tx.version
    ends = hashed is not None or not row.enabled
    ended, topics = secrets.end_refresh_tokens(tx, owner=row.id) if ends else (0, frozenset[str]())
    item = reads.user(row)
    told: dict[str, Any] = {} if hashed is None else {"password": "changed"}
    told |= {"refresh_tokens_ended": ended} if ended else {}
    after = {"user": item, **told}
    return Outcome(item, before={"user": before}, after=after, topics=_topics(row) | topics)


def _store(tx: Transaction, row: Subject, hashed: str) -> None:
    stored = tx.session.get(Password, row.id)
    if stored is None:
        tx.session.add(Password(subject_id=row.id, hash=hashed, changed_at=tx.now))
    else:
        stored.hash, stored.changed_at = hashed, tx.now


def revoke(tx: Transaction, ref: names.SubjectRef) -> Outcome[dict[str, Any]]:
    """End all that lets a person in but their password, and what is remembered of that.

    Their refresh tokens and personal access tokens end for good; a password is verified anew at its
    next use. A person of another source need not have been seen here.
    """
    guard.administer(tx.rights, "user")
    if ref.source != LOCAL:
        subjects.check_source(tx, ref.source)
        row = subjects.find(tx.session, "user", ref.source, ref.name)
    else:
        row = subjects.found(tx.session, "user", ref.source, ref.name)
    pats = secrets.end(tx, secrets.held(tx.session, row.id, "pat") if row else [], "revoked")
    tokens, told = (
        (0, frozenset[str]()) if row is None else secrets.end_refresh_tokens(tx, owner=row.id)
    )
    value = {"user": str(ref), "revoked": REVOKED, "pats": pats.value, "refresh_tokens": tokens}
    topics = frozenset({subjects.topic_of_name(ref.name)}) | pats.topics | told
    return Outcome(value, before=pats.before, after=value, topics=topics)


def remove(tx: Transaction, ref: names.SubjectRef) -> Outcome[dict[str, Any]]:
    """Remove a person with all their grants, memberships and secrets.

    No later namesake inherits any.
    """
    guard.administer(tx.rights, "user")
    row = subjects.found(tx.session, "user", ref.source, ref.name)
    item = reads.user(row)
    grants = reads.grants(tx.session, Grant.subject_id == row.id)
    groups = tx.session.scalars(
        select(Subject.name)
        .join(Membership, Membership.group_id == Subject.id)
        .where(Membership.member_id == row.id)
        .order_by(Subject.name)
    ).all()
    held = secrets.held(tx.session, row.id)
    topics = _topics(row) | frozenset(map(secrets.topic, held))
    tx.session.delete(row)
    before = {"user": item, "groups": list(groups), "grants": grants, "secrets": held}
    value = {"removed": item, "groups": list(groups), "grants": [each["id"] for each in grants]}
    return Outcome({**value, "secrets": held}, before=before, topics=topics)


def local(session: Session, ref: names.SubjectRef) -> Subject:
    """The row of a person of the database; raises `Invalid` for other sources, `NotFound`."""
    if ref.source != LOCAL:
        raise Invalid(
            f"'{ref.name}' is a person of source '{ref.source}'",
            advice="passwords and disabling of other sources are changed there",
        )
    return subjects.found(session, "user", ref.source, ref.name)


def _topics(row: Subject) -> frozenset[str]:
    return frozenset({subjects.topic_of_name(row.name), subjects.topic(row)})
