"""Personal access tokens: secrets that people use in place of their password (contract 6)."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, false, func, select, true
from sqlalchemy.orm import Session

from authsvc.access.questions import People
from authsvc.access.rights import Rights
from authsvc.db.models import Secret, Subject
from authsvc.errors import Conflict, Forbidden, Invalid, NotFound
from authsvc.identity.stored import principal_of
from authsvc.principal import LOCAL, Actor, Kind, Principal
from authsvc.protocol import names

from . import guard, people, secrets, subjects
from .pat_spec import PatSpec, name_of
from .references import referred
from .unit_of_work import Outcome, Transaction, nothing
from .when import print_time

MOST: Final = 100  # of one person
LONGEST_ADMIN: Final = timedelta(days=90)
_OTHERS = "personal access token of somebody else"


def check_maker(actor: Actor) -> None:
    """Let nobody make a token but a person who showed a password: no token makes a token.

    Raises `Forbidden`, and `NotFound` for a robot.
    """
    who, origin = actor.principal, actor.origin
    if who is None:
        return
    if who.kind is not Kind.USER:
        raise NotFound(guard.NOTHING_HERE)
    if origin is None or origin.credential_kind != "password" or not origin.manages:
        raise Forbidden("no token makes a token", advice="sign in with your password")


def check_owner(rights: Rights, actor: Actor, ref: names.SubjectRef) -> None:
    """Let nobody but administrators make a token of somebody else's.

    To be asked before it is looked up who there is.
    """
    who = actor.principal
    if who is None or (who.source, who.name) != (ref.source, ref.name):
        guard.administer(rights, _OTHERS)


def asked_owner(ref: names.SubjectRef, known: People) -> Principal | None:
    """Who the person is by their source, None for one of the database. May block.

    Raises `Dangling`, `Invalid` for a source that is not configured, and `Unavailable`.
    """
    if ref.source == LOCAL:
        return None
    with referred("/user"):
        if ref.source not in known.sources:
            configured = ", ".join(sorted({LOCAL, *known.sources}))
            raise Invalid(
                f"no source is called '{ref.source}'", advice=f"configured are: {configured}"
            )
        found = known.find(ref.source, ref.name)
        if found is None:
            raise NotFound(f"source '{ref.source}' knows no '{ref.name}'")
    return found


def add(
    tx: Transaction, spec: PatSpec, owner: names.SubjectRef | Principal, digest: bytes
) -> Outcome[dict[str, Any]]:
    """A new token, kept by its digest, of a person of the database or of one as their source says.

    Raises `Dangling`, `Conflict` (label taken, too many), `Invalid` (its end), `Forbidden` and
    `NotFound`, also when the maker is somebody else by now.
    """
    check_maker(tx.actor)
    if isinstance(owner, names.SubjectRef):
        check_owner(tx.rights, tx.actor, owner)
    bound = _owner(tx, owner)
    if not _is_own(tx.actor, bound.value):
        guard.administer(tx.rights, _OTHERS)
    _check_room(tx, bound.value, spec.name)
    row = Secret(
        kind="pat", digest=digest, subject_id=bound.value.id, name=spec.name, created_at=tx.now,
        expires_at=_end(tx, spec), scopes=None if spec.scopes is None else list(spec.scopes),
        manages=spec.admin,
    )  # fmt: skip
    tx.session.add(row)
    tx.session.flush()
    made = item(row, bound.value)
    after = {"pat": made, **(bound.after or {})}
    topics = bound.topics | {secrets.topic(row.id)}
    return Outcome(made, before=bound.before, after=after, topics=topics)


def remove(tx: Transaction, pat_id: int) -> Outcome[dict[str, Any]]:
    """End a token for good; raises `NotFound`, `Forbidden`."""
    found = rows(tx.session, Secret.id == pat_id)
    if not found:
        raise NotFound(
            f"there is no personal access token {pat_id}", advice="see `authsvc pat list`"
        )
    row, owner = found[0]
    if not _is_own(tx.actor, owner):
        guard.administer(tx.rights, _OTHERS)
    gone = item(row, owner)
    tx.session.delete(row)
    topics = frozenset({secrets.topic(row.id)})
    return Outcome({"removed": gone}, before={"pat": gone}, topics=topics)


def item(row: Secret, owner: Subject) -> dict[str, Any]:
    """The item of a token: never anything by which it could be known."""
    return {
        "id": row.id,
        "name": row.name,
        "user": name_of(names.SubjectRef("user", owner.source, owner.name)),
        "scopes": None if row.scopes is None else list(row.scopes),
        "admin": row.manages,
        "expires_at": print_time(row.expires_at),
        "last_used_at": print_time(row.last_used_at),
    }


PATS: Final = (
    select(Secret, Subject)
    .join(Subject, Subject.id == Secret.subject_id)
    .where(Secret.kind == "pat")
)
"""All tokens, each with its owner."""


def rows(session: Session, *where: ColumnElement[bool]) -> list[tuple[Secret, Subject]]:
    """The tokens that meet all of `where`, by owner and label."""
    found = PATS.where(*where).order_by(Subject.source, Subject.name, Secret.name)
    return [(row, owner) for row, owner in session.execute(found)]


def of(ref: names.SubjectRef) -> ColumnElement[bool]:
    """Which tokens are those of the person of that name."""
    return and_(Subject.kind == ref.kind, Subject.source == ref.source, Subject.name == ref.name)


def labelled(session: Session, ref: names.SubjectRef, label: str) -> int:
    """The id of the token of that label that somebody has; raises `NotFound`."""
    found = rows(session, of(ref), Secret.name == label)
    if not found:
        raise NotFound(
            f"{name_of(ref)} has no personal access token '{label}'",
            advice="see `authsvc pat list`",
        )
    return found[0][0].id


def seen(rights: Rights, who: Principal) -> ColumnElement[bool]:
    """Which tokens somebody sees: their own, an administrator and an auditor all."""
    if rights.reads_all:
        return true()
    if who.kind is not Kind.USER or not who.id:
        return false()
    stable = Subject.id == int(who.id) if who.source == LOCAL else Subject.external_id == who.id
    return and_(Subject.kind == who.kind, Subject.source == who.source, stable)


def _is_own(actor: Actor, owner: Subject) -> bool:
    """Whether the actor is that person and may act for themselves with what they showed."""
    who, origin = actor.principal, actor.origin
    if who is None or origin is None or not origin.manages or not owner.enabled:
        return False
    return who.identity == principal_of(owner).identity != ""


def _owner(tx: Transaction, owner: names.SubjectRef | Principal) -> Outcome[Subject]:
    if isinstance(owner, Principal):
        return people.bound(tx, owner)
    with referred("/user"):
        return nothing(subjects.found(tx.session, "user", LOCAL, owner.name))


def _check_room(tx: Transaction, owner: Subject, label: str) -> None:
    """Raise `Conflict` when the label is taken, or there are MOST already."""
    theirs = and_(Secret.kind == "pat", Secret.subject_id == owner.id)
    if tx.session.scalar(select(Secret.id).where(theirs, Secret.name == label)) is not None:
        raise Conflict(
            f"'{owner.name}' has a personal access token '{label}' already",
            advice="take another name, or remove that one first",
        )
    if (tx.session.scalar(select(func.count()).where(theirs)) or 0) >= MOST:
        raise Conflict(
            f"'{owner.name}' has {MOST} personal access tokens, and more are not kept",
            advice="remove those that are not used any more",
        )


def _end(tx: Transaction, spec: PatSpec) -> datetime | None:
    """When the token ends; raises `Invalid`."""
    end, latest = spec.expires_at, tx.now + LONGEST_ADMIN
    if end is not None and end <= tx.now:
        raise _wrong_end("the end of this token is in the past", "name a time to come")
    if not spec.admin:
        return end
    if end is not None and end > latest:
        text = f"a token made with admin ends within {LONGEST_ADMIN.days} days"
        raise _wrong_end(text, "name an earlier end")
    return end or latest


def _wrong_end(text: str, advice: str) -> Invalid:
    return Invalid(text, advice=advice, faults=(("/expires_at", text),))
