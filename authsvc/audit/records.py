"""One audit record: the members of contract section 7, all of them, always."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Event(StrEnum):
    """What a record is about."""

    TOKEN = "token"  # noqa: S105 - the name of an event, no secret
    LOGIN = "login"
    ADMIN = "admin"
    POLICY = "policy"
    KEY = "key"
    LIMIT = "limit"


class Outcome(StrEnum):
    """How it ended."""

    GRANTED = "granted"
    REDUCED = "reduced"
    REFUSED = "refused"
    ERROR = "error"


MEMBERS = (
    "id",
    "time",
    "writer",
    "seq",
    "event",
    "outcome",
    "reason",
    "actor",
    "claimed",
    "credential",
    "address",
    "peer",
    "request_id",
    "decision_id",
    "registry",
    "asked",
    "granted",
    "key_id",
    "client_id",
    "user_agent",
    "before",
    "after",
    "prev",
    "hash",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record before it is given its place (`writer`, `seq`, `prev`, `hash`) by the log.

    `time` is wall clock seconds. `actor` is {kind, source, name, id}; `credential` {kind, id};
    `asked` a list of {entry, refused: [{action, reason, grant}]}, bounded to 2 KiB.
    """

    event: Event
    outcome: Outcome
    time: float
    actor: dict[str, Any]
    reason: str | None = None
    claimed: str | None = None
    credential: dict[str, Any] | None = None
    address: str | None = None
    peer: str | None = None
    request_id: str | None = None
    decision_id: str | None = None
    registry: str | None = None
    asked: list[dict[str, Any]] | None = None
    granted: list[str] | None = None
    key_id: str | None = None
    client_id: str | None = None
    user_agent: str | None = None
    before: Any = None
    after: Any = None
