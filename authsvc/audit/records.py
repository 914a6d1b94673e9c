"""One audit record: the members of contract section 7, all of them, always."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from authsvc.clock import rfc3339, utc

ASKED_BYTES = 2048  # of what was asked, as JSON; a hash stands for the rest
TEXT_LENGTH = 512  # characters of a text that a client chose


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


NOBODY: Final = {"kind": "anonymous", "source": None, "name": None, "id": None}
"""The `actor` of a record where nobody was authenticated."""
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
    `asked` a list of {entry, refused: [{action, reason, grant}]}, `granted` one of scopes, both
    bounded to 2 KiB.
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
    granted: list[Any] | None = None
    key_id: str | None = None
    client_id: str | None = None
    user_agent: str | None = None
    before: Any = None
    after: Any = None


_LATER = {"id", "writer", "seq", "prev", "hash"}  # a record's place, given to it by the log
_BODY = tuple(name for name in MEMBERS if name not in _LATER)
_FROM_CLIENTS = ("claimed", "request_id", "registry", "client_id", "user_agent")
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def print_body(record: Record) -> bytes:
    """The record as it is hashed and stored: compact ASCII JSON of all members but its place.

    Members stand in the order of contract section 7. Texts that a client chose are cut to
    TEXT_LENGTH characters, so that nobody fills the disk with headers.
    """
    members = {name: getattr(record, name) for name in _BODY}
    members["time"] = rfc3339(record.time)
    for name in _FROM_CLIENTS:
        text = members[name]
        if text is not None and len(text) > TEXT_LENGTH:
            members[name] = text[: TEXT_LENGTH - 1] + "…"
    return _encode(members).encode("ascii")


def time_ms(record: Record) -> int:
    """The record's time in milliseconds since the epoch, the same one that its body prints."""
    moment = utc(record.time)
    return int(moment.replace(microsecond=0).timestamp()) * 1000 + moment.microsecond // 1000


def asked_member(elements: Iterable[Any]) -> list[Any]:
    """The member `asked`, or `granted`, at most ASKED_BYTES of it as JSON.

    What does not fit is one last element `{more, sha256}`: the count of the elements left out,
    and the SHA-256 of their JSON, a line feed after each.
    """
    kept: list[Any] = []
    room = ASKED_BYTES - len(_encode([{"more": 1 << 20, "sha256": "0" * 64}]))
    more, digest = 0, sha256()
    for element in elements:
        text = _encode(element)
        if more or len(text) + 1 > room:
            more += 1
            digest.update(text.encode("ascii") + b"\n")
        else:
            room -= len(text) + 1
            kept.append(element)
    if more:
        kept.append({"more": more, "sha256": digest.hexdigest()})
    return kept
