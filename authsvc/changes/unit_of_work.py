"""The one road of every edit: one transaction with its rule checks and its audit record.

Edits are serial, because each locks the one `change_head` row first; so whatever an edit reads
is what still holds when it commits, on SQLite and on PostgreSQL, from any number of processes.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from authsvc.access.rights import EVERYTHING, NOTHING, Rights
from authsvc.access.store import load_rights
from authsvc.audit import changes as log
from authsvc.audit.records import Event, Record
from authsvc.audit.records import Outcome as Ending
from authsvc.clock import Clock, utc
from authsvc.db.engine import Database
from authsvc.errors import Conflict, Forbidden, Invalid, NotFound
from authsvc.principal import LOCAL, Actor

from . import invariants
from .once import Once, earlier, keep

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

UNDER_WAY: dict[str, Any] = {}  # what is kept of a request that is being answered
LONGEST_REASON = 500  # characters; what is refused may repeat what somebody sent
REFUSALS = (Conflict, Forbidden, Invalid, NotFound)


@dataclass(frozen=True, slots=True)
class Transaction:
    """What an edit works in. `version` is the number that its change will have.

    `sources` are the names of the configured sources of identities, `local` among them. `rights`
    are the actor's as of this transaction; the command line and the service itself may do all.
    """

    session: Session
    now: datetime
    version: int
    actor: Actor
    sources: frozenset[str] = frozenset({LOCAL})
    rights: Rights = EVERYTHING


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T_co]):
    """What an edit did: `value` for the caller, the rest for the record and the feed.

    `before` and `after` hold items under the word for their noun and never a secret. No
    `topics` means that everything was already so: then there is no record and no version.
    """

    value: T_co
    event: Event = Event.ADMIN
    before: Any = None
    after: Any = None
    topics: frozenset[str] = field(default_factory=frozenset)


Edit = Callable[[Transaction], Outcome[T]]


def nothing(value: T) -> Outcome[T]:
    """The outcome of an edit that found everything as it was asked for."""
    return Outcome(value)


def joined(value: T, event: Event, parts: Iterable[Outcome[Any]]) -> Outcome[T]:
    """Several edits of one transaction as one record; parts that changed nothing drop out."""
    done = [part for part in parts if part.topics]
    return Outcome(
        value,
        event,
        before=[part.before for part in done if part.before is not None] or None,
        after=[part.after for part in done if part.after is not None] or None,
        topics=frozenset[str]().union(*(part.topics for part in done)),
    )


class UnitOfWork:
    """Runs edits. `after_commit` is called when one is durable: the feed reads it at once."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        after_commit: Callable[[], None],
        *,
        sources: frozenset[str] = frozenset({LOCAL}),
    ) -> None:
        self._database = database
        self._clock = clock
        self._after_commit = after_commit
        self._sources = sources | {LOCAL}

    def run(self, actor: Actor, edit: Edit[T], *, event: Event = Event.ADMIN) -> T:
        """The value of `edit`, once it is durable.

        Raises what the edit raises, and `Conflict` when the schema or a rule refuses. A refusal
        is recorded too, under `event`, and nothing else of it stays.
        """
        try:
            outcome = self._commit(actor, edit)
        except REFUSALS as error:
            self.refused(actor, event, error.message)
            raise
        if outcome.topics:
            self._after_commit()
        return outcome.value

    def look(self, actor: Actor, read: Callable[[Transaction], T]) -> T:
        """What `read` finds in a transaction that only reads, with the actor's rights.

        What it works out holds for an edit of which `version` is the same.
        """
        now = self._clock.now()
        with self._database.read() as session:
            version = log.head(session) + 1
            rights = rights_of(session, actor, now)
            return read(Transaction(session, utc(now), version, actor, self._sources, rights))

    def run_once(
        self,
        actor: Actor,
        edit: Edit[dict[str, Any]],
        once: Once | None,
        *,
        event: Event = Event.ADMIN,
    ) -> dict[str, Any]:
        """As `run`; but what was answered to the same request within a day is answered again."""
        if once is None:
            return self.run(actor, edit, event=event)

        def answered(tx: Transaction) -> Outcome[dict[str, Any]]:
            before = earlier(tx.session, once, tx.now)
            if before is not None:
                return nothing(before)
            outcome = edit(tx)
            if outcome.topics:  # what changes nothing may as well be done again
                keep(tx.session, once, outcome.value, tx.now)
            return outcome

        return self.run(actor, answered, event=event)

    def answered(self, once: Once) -> dict[str, Any] | None:
        """What the same request was answered within a day, None when it was not.

        For who prepares an edit beforehand; `run_once` asks again. Raises `Invalid` when the key
        came with another request.
        """
        with self._database.read() as session:
            return earlier(session, once, utc(self._clock.now()))

    def done_once(self, work: Callable[[], dict[str, Any]], once: Once | None) -> dict[str, Any]:
        """What `work` gives, which makes changes of its own, or gave to the same request before.

        Raises `Conflict` while the first of two equal requests is being answered, and for a day
        when it came to no end.
        """
        if once is None:
            return work()
        with self._database.write() as session:
            log.lock_head(session)
            now = utc(self._clock.now())
            before = earlier(session, once, now)
            if before is None:
                keep(session, once, UNDER_WAY, now)
        if before is not None and before != UNDER_WAY:
            return before
        if before is not None:
            raise Conflict("this request was begun before", advice="look at what it has done")
        value = work()
        with self._database.write() as session:
            keep(session, once, value, utc(self._clock.now()))
        return value

    def _commit(self, actor: Actor, edit: Edit[T]) -> Outcome[T]:
        now = self._clock.now()
        try:
            with self._database.write() as session:
                version = log.lock_head(session)
                held = invariants.holding(session)
                rights = rights_of(session, actor, now)
                outcome = edit(
                    Transaction(session, utc(now), version, actor, self._sources, rights)
                )
                session.flush()
                if outcome.topics:
                    invariants.check(session, held)
                    record = _record(actor, now, outcome)
                    log.append(session, version, record, sorted(outcome.topics))
                return outcome
        except IntegrityError as error:
            raise Conflict(
                "what is stored does not admit this change",
                advice="look at what is there now and try again",
            ) from error

    def refused(self, actor: Actor, event: Event, reason: str) -> None:
        """Record a change that was refused; `run` does it for what is refused within."""
        now = self._clock.now()
        with self._database.write() as session:
            version = log.lock_head(session)
            record = Record(
                event=event, outcome=Ending.REFUSED, time=now, actor=actor_member(actor),
                reason=reason[:LONGEST_REASON], **origin_members(actor),
            )  # fmt: skip
            log.append(session, version, record, [])


def _record(actor: Actor, now: float, outcome: Outcome[Any]) -> Record:
    return Record(
        event=outcome.event, outcome=Ending.GRANTED, time=now, actor=actor_member(actor),
        before=outcome.before, after=outcome.after, **origin_members(actor),
    )  # fmt: skip


def origin_members(actor: Actor) -> dict[str, Any]:
    """Where the actor came in, for those who came over the network."""
    origin = actor.origin
    if origin is None:
        return {}
    return {
        "credential": {"kind": origin.credential_kind, "id": origin.credential_id},
        "address": origin.address or None,
        "peer": origin.peer or None,
        "request_id": origin.request_id,
        "user_agent": origin.user_agent,
    }


def rights_of(session: Session, actor: Actor, now: float) -> Rights:
    """What an actor may manage, as of this transaction.

    The command line and the service itself act as administrators (contract section 3). Who showed
    a secret that does not carry its owner's rights has none.
    """
    if actor.principal is None:
        return EVERYTHING
    origin = actor.origin
    if origin is not None and not origin.manages:
        return NOTHING
    return load_rights(
        session,
        actor.principal,
        address=origin.address if origin else "",
        address_known=origin is not None and origin.address_known,
        now=now,
    )


def actor_member(actor: Actor) -> dict[str, Any]:
    """The `actor` of a record (contract section 7)."""
    return {"kind": actor.kind.value, "source": actor.source, "name": actor.name, "id": actor.id}
