"""The audit record of a token request: exactly one for each, however it ends.

The record of a token that leaves is printed from fixed parts (`printed`); all others, which
are rare, go through `audit.records`. A test holds the two against each other.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain

from authsvc.audit.log import Entry
from authsvc.audit.records import (
    NOBODY,
    Event,
    Outcome,
    Record,
    asked_member,
    print_body,
    time_ms,
)
from authsvc.clock import rfc3339
from authsvc.protocol.credentials import Anonymous, Credentials, Password, RefreshToken

from .answer import Answer, compact, element, junk_elements
from .request import Caller, TokenRequest

_TAIL = ',"before":null,"after":null}'
LONGEST = 256  # characters of a client's free text that a record keeps


@lru_cache(maxsize=4_096)
def quoted(text: str) -> str:
    """A bounded text as JSON; remembered, since the same clients come again."""
    return compact(text[:LONGEST])


@lru_cache(maxsize=4_096)
def user_agent(value: bytes) -> str | None:
    """A User-Agent header as a record holds it, None when it was not sent."""
    return value[:LONGEST].decode("latin-1") or None


@lru_cache(maxsize=4_096)
def _quoted_agent(value: bytes) -> str:
    return compact(user_agent(value))


@lru_cache(maxsize=8)
def _second(whole: int) -> str:
    return rfc3339(whole)[:-4]


def printed(
    answer: Answer, request: TokenRequest, jti: str, now: float, *, refresh_id: int | None = None
) -> Entry:
    """The record of a token that is about to leave, and of the refresh token beside it."""
    milliseconds = int(now * 1000)
    time = f"{_second(milliseconds // 1000)}{milliseconds % 1000:03d}Z"
    caller = request.caller
    client = request.question.client_id
    tail = _TAIL
    if refresh_id is not None:
        tail = f',"before":null,"after":{{"refresh_token":{{"id":{refresh_id}}}}}}}'
    body = (
        f'{{"time":"{time}{answer.record_head}{quoted(caller.address)},"peer":'
        f'{quoted(caller.peer)},"request_id":"{caller.request_id}","decision_id":"{jti}'
        f'{answer.record_middle}{"null" if client is None else quoted(client)},"user_agent":'
        f"{_quoted_agent(caller.user_agent)}{tail}"
    )
    return Entry(milliseconds, jti, body.encode(), answer.subject)


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """How a claimed name is written down.

    `of` is the keyed hash that stands for a name of which no account exists: people type
    passwords into the field of the name (contract section 7).
    """

    of: Callable[[str], str]

    def claimed(self, credentials: Credentials, *, known: bool) -> str | None:
        """The name that was claimed: in clear when it is an account's, else its pseudonym."""
        if not isinstance(credentials, Password):
            return None
        return credentials.username if known else self.of(credentials.username)


def refusal(caller: Caller, *, outcome: Outcome, reason: str, service: str, now: float) -> Record:
    """The record of a request that got no token, as far as it is known before it is parsed."""
    return Record(
        event=Event.TOKEN, outcome=outcome, time=now, reason=reason, actor=NOBODY,
        address=caller.address, peer=caller.peer, request_id=caller.request_id,
        registry=service[:LONGEST] or None, granted=[], user_agent=user_agent(caller.user_agent),
    )  # fmt: skip


def with_question(record: Record, request: TokenRequest, claimed: str | None) -> Record:
    """The same record with what was asked and what was shown."""
    question = request.question
    reason = record.reason or ""
    entries = (
        element(entry.scope, [(action, reason, None) for action in entry.actions])
        for entry in question.asked.entries
    )
    return replace(
        record,
        asked=asked_member(chain(entries, junk_elements(question))),
        claimed=claimed,
        credential=credential_of(request.credentials),
        client_id=question.client_id,
    )


def entry_of(record: Record) -> Entry:
    """A record as the log takes it; it has no decision, since no token left."""
    return Entry(time_ms(record), None, print_body(record))


def credential_of(credentials: Credentials) -> dict[str, str | None] | None:
    """What kind of credential was shown, without the credential."""
    if isinstance(credentials, Anonymous):
        return None
    kind = "refresh_token" if isinstance(credentials, RefreshToken) else "password"
    return {"kind": kind, "id": None}
