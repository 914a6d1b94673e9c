"""What is the same for every repetition of one question by one caller: printed once, kept.

A token differs from the one before in its times, its `jti` and its signature, and its audit
record in those and in where the request came from. All else is fixed as long as the question,
the caller's rights and the key stay the same.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from authsvc.access.model import Decision, Registry, View
from authsvc.audit.records import Outcome, asked_member
from authsvc.identity.provider import Verified
from authsvc.keys.keyring import Signer
from authsvc.protocol import claims

from .request import Question


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """The fixed parts of a token, of its response and of its audit record.

    The record's parts enclose its changing members: see `records.printed`.
    """

    view: View
    signer: Signer
    registry: str
    ttl: int
    outcome: Outcome
    reason: str
    claims: bytes
    scope: str
    response_tail: bytes
    record_head: str
    record_middle: str
    subject: str | None = None  # the identity of who got less than was asked for

    @property
    def size(self) -> int:
        """About how many bytes of memory this takes, the objects around the texts included."""
        texts = (self.claims, self.scope, self.record_head, self.record_middle)
        return 1_500 + 2 * sum(map(len, texts))


def compact(value: object) -> str:
    """JSON without blanks, ASCII only: what records and answers are printed in."""
    return json.dumps(value, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Basis:
    """What an answer rests on. `ttl` is in seconds."""

    question: Question
    verified: Verified
    view: View
    registry: Registry
    signer: Signer
    ttl: int


def prepare(issuer: str, basis: Basis, decision: Decision) -> Answer:
    """Print everything that does not change from one token to the next."""
    question, verified, signer = basis.question, basis.verified, basis.signer
    registry = basis.registry.name
    principal = verified.principal
    outcome, reason = judge(question, decision)
    scope = " ".join(entry.scope for entry in decision.access)
    actor = {
        "kind": principal.kind.value, "source": principal.source or None,
        "name": principal.name or None, "id": principal.id or None,
    }  # fmt: skip
    credential = (
        {"kind": verified.credential_kind, "id": verified.credential_id} if principal.name else None
    )
    asked = asked_member(asked_elements(question, decision))
    granted = asked_member(entry.scope for entry in decision.access)
    return Answer(
        view=basis.view,
        signer=signer,
        registry=registry,
        ttl=basis.ttl,
        outcome=outcome,
        reason=reason,
        claims=claims.fixed_part(issuer, principal.claim, registry, decision.access),
        scope=scope,
        response_tail=f'","expires_in":{basis.ttl},"scope":{compact(scope)}}}'.encode(),
        record_head=(
            f'","event":"token","outcome":"{outcome.value}","reason":{compact(reason or None)},'
            f'"actor":{compact(actor)},"claimed":null,"credential":{compact(credential)},"address":'
        ),
        record_middle=(
            f'","registry":{compact(registry)},"asked":{compact(asked)},'
            f'"granted":{compact(granted)},"key_id":{compact(signer.kid)},"client_id":'
        ),
        subject=None if outcome is Outcome.GRANTED else principal.identity or None,
    )


def judge(question: Question, decision: Decision) -> tuple[Outcome, str]:
    """How the request ended, and the first reason why it did not get all that it asked for."""
    refused = [str(refusal.reason) for verdict in decision.verdicts for refusal in verdict.refused]
    refused += ["malformed"] * len(question.asked.junk)
    if not refused:
        return Outcome.GRANTED, ""
    return (Outcome.REDUCED if decision.access else Outcome.REFUSED), refused[0]


def asked_elements(question: Question, decision: Decision) -> Iterator[dict[str, Any]]:
    """What was asked, entry by entry, with the reason and the grant behind each refused action."""
    for verdict in decision.verdicts:
        refused = [(no.action, no.reason, no.grant) for no in verdict.refused]
        yield element(verdict.asked.scope, refused)
    yield from junk_elements(question)


def junk_elements(question: Question) -> Iterator[dict[str, Any]]:
    """The texts that did not parse, whole: what is too long is counted and hashed."""
    for text in question.asked.junk:
        yield element(text, [("*", "malformed", None)])


def element(entry: str, refused: Iterable[tuple[str, str, int | None]]) -> dict[str, Any]:
    """One element of the record's member `asked` (contract section 7)."""
    return {
        "entry": entry,
        "refused": [
            {"action": action, "reason": reason, "grant": grant}
            for action, reason, grant in refused
        ],
    }
