"""How a token comes about, top to bottom: fresh, who, what, signed, written down, answered."""

from collections import OrderedDict
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from authsvc import metrics
from authsvc.access.model import Registry, View
from authsvc.access.policy import decide
from authsvc.access.snapshot import Snapshot
from authsvc.audit.log import TokenLog
from authsvc.audit.records import Outcome
from authsvc.clock import Clock
from authsvc.db.feed import Feed
from authsvc.errors import AuthsvcError, TooLarge, Unauthenticated, Unavailable
from authsvc.identity.authenticator import Authenticator
from authsvc.identity.provider import Circumstances, Verified
from authsvc.keys.keyring import Keyring, Signer
from authsvc.principal import Kind
from authsvc.protocol import claims
from authsvc.protocol.credentials import RefreshToken
from authsvc.protocol.oauth2 import OAuthInvalid

from .answer import Answer, Basis, prepare
from .identifiers import Identifiers
from .records import Pseudonyms, entry_of, printed, refusal, with_question
from .request import Caller, Question, TokenRequest

Key = tuple[Question, View, object, str | None]

ANSWERS = 10_000  # remembered answers: callers times their questions, a few kilobytes each
NAMED = frozenset({"wrong_password", "disabled"})  # refusals that prove an account of that name
SHORTEST = 60  # seconds; clients take a shorter life for 60 (protocol.md 4.2)


class UnknownService(OAuthInvalid):
    """No enabled registry has this name; a token for it would be trusted by somebody else."""


class BadRefreshToken(OAuthInvalid):
    """A refresh token in a form that nobody may use: 400, where a bad password is 401."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            "the refresh token is not valid here", error="invalid_grant", advice="sign in again"
        )
        self.reason = reason


class Issued(NamedTuple):
    """A registry token and what the response says about it. `expires_in` is in seconds."""

    token: bytes
    expires_in: int
    scope: str
    tail: bytes


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service works with; built once by assembly."""

    clock: Clock
    feed: Feed
    snapshot: Snapshot
    authenticator: Authenticator
    keyring: Keyring
    log: TokenLog
    pseudonyms: Pseudonyms
    identifiers: Identifiers


class TokenService:
    """Issues registry tokens. `ttl` is the life of one in seconds where a registry names none.

    With `durable`, a token leaves only after its record is on disk (`audit.durability`).
    """

    def __init__(self, parts: Parts, *, issuer: str, ttl: int, durable: bool) -> None:
        self._parts = parts
        self._issuer = issuer
        self._ttl = ttl
        self._durable = durable
        self._answers: OrderedDict[Key, Answer] = OrderedDict()

    async def issue(self, request: TokenRequest) -> Issued:
        """The token for a request.

        Raises Invalid (service), Unauthenticated and Unavailable; each leaves its record.
        """
        now = self._parts.clock.now()
        try:
            return await self._issue(request, now)
        except AuthsvcError as error:
            service = request.question.service
            await self.refuse(request.caller, error, now=now, service=service, request=request)
            raise

    async def _issue(self, request: TokenRequest, now: float) -> Issued:
        self._parts.feed.require_fresh()
        service = request.question.service
        served(self._parts.snapshot.registry(service))
        verified = await self._identify(request, now)
        view = self._parts.snapshot.view_now(verified.principal)
        if view is None:
            view = await self._parts.snapshot.view(verified.principal)
        # Out of the view: while we waited, the registry may have become another one.
        registry = served(view.base.registries.get(service))
        answer = self._answer(request, verified, view, registry, now)
        return await self._sign(answer, request, now)

    async def _identify(self, request: TokenRequest, now: float) -> Verified:
        caller = request.caller
        circumstances = Circumstances(
            caller.address, request.question.service, now, caller.address_known
        )
        verified = None
        if request.form is None:
            verified = self._parts.authenticator.recognised(request.header, circumstances)
        if verified is None:
            verified = await self._verify(request, circumstances)
        if verified.principal.kind is Kind.ANONYMOUS and request.question.empty:
            # Any token opens /v2/: only this refusal makes a `docker login` without a user fail.
            raise Unauthenticated("credentials are required", reason="no_credentials")
        return verified

    async def _verify(self, request: TokenRequest, circumstances: Circumstances) -> Verified:
        authenticator, shown = self._parts.authenticator, request.credentials
        verified = authenticator.remembered(shown, circumstances, header=request.header)
        if verified is not None:
            return verified
        found = await authenticator.identify(shown, circumstances)
        if isinstance(found, Verified):
            return found
        if isinstance(shown, RefreshToken):
            raise BadRefreshToken(found.reason)
        raise Unauthenticated("authentication failed", reason=found.reason)

    def _answer(
        self, request: TokenRequest, verified: Verified, view: View, registry: Registry, now: float
    ) -> Answer:
        ttl = self._ttl if registry.ttl is None else registry.ttl
        signer = self._parts.keyring.signer(registry.key_header, registry.libtrust_kid, now, ttl)
        ttl = self._bounded(ttl, signer, now)
        key = (request.question, view, verified.bounds.scopes, verified.credential_id)
        answer = self._answers.get(key)
        if answer is not None and answer.signer is signer and answer.ttl == ttl:
            return answer
        decision = decide(
            view, registry, request.question.asked,
            address=request.caller.address, address_known=request.caller.address_known, now=now,
        )  # fmt: skip
        basis = Basis(request.question, verified, view, registry, signer, ttl)
        answer = prepare(self._issuer, basis, decision)
        if decision.timeless:
            self._remember(key, answer)
        return answer

    def _bounded(self, ttl: int, signer: Signer, now: float) -> int:
        """No token outlives the certificate that it is checked by."""
        left = int(signer.ends - ceil(now)) if signer.ends < now + ttl + 1 else ttl
        if left < SHORTEST:
            raise Unavailable("the signing certificate is at its end", what="signing key")
        return min(ttl, left)

    def _remember(self, key: Key, answer: Answer) -> None:
        if not key[0].lasting:
            return
        self._answers[key] = answer
        if len(self._answers) > ANSWERS:
            self._answers.popitem(last=False)

    async def _sign(self, answer: Answer, request: TokenRequest, now: float) -> Issued:
        jti = self._parts.identifiers.next(now)
        payload = claims.payload(answer.claims, ceil(now), answer.ttl, jti)
        signed = answer.signer.header + b"." + claims.b64(payload)
        token = signed + b"." + answer.signer.sign(signed)
        entry = printed(answer, request, jti, now)
        if self._durable:
            await self._parts.log.record(entry)
        else:
            self._parts.log.record_soon(entry)
        metrics.count_token(answer.registry, answer.outcome.value, answer.reason)
        return Issued(token, answer.ttl, answer.scope, answer.response_tail)

    async def refuse(
        self, caller: Caller, error: AuthsvcError, *, now: float, service: str = "",
        request: TokenRequest | None = None,
    ) -> None:  # fmt: skip
        """Write down that a request got no token, and why.

        Raises Unavailable when it cannot be written: no answer leaves before its record.
        """
        reason, outcome = reason_of(error), outcome_of(error)
        metrics.count_token(self._label(service), outcome.value, reason)
        record = refusal(caller, outcome=outcome, reason=reason, service=service, now=now)
        if request is not None:
            claimed = self._parts.pseudonyms.claimed(request.credentials, known=reason in NAMED)
            record = with_question(record, request, claimed)
        entry = entry_of(record)
        if outcome is Outcome.ERROR or not self._durable:
            self._parts.log.record_soon(entry)
        else:
            await self._parts.log.record(entry)

    def _label(self, service: str) -> str:
        """A registry's name for the metrics, `unknown` for what a client made up."""
        try:
            return service if self._parts.snapshot.registry(service) else "unknown"
        except Unavailable:
            return "unknown"


def served(registry: Registry | None) -> Registry:
    """The registry, when tokens are made for it. Raises UnknownService."""
    if registry is None or not registry.enabled:
        raise UnknownService(
            "this service is not served here",
            advice="ask the operator to add the registry under exactly this name",
        )
    return registry


def reason_of(error: AuthsvcError) -> str:
    """The word that records and metrics use for an error; a closed set."""
    match error:
        case Unauthenticated() | BadRefreshToken():
            return error.reason
        case Unavailable():
            return "unavailable"
        case UnknownService():
            return "unknown_service"
        case OAuthInvalid():
            return error.error
        case TooLarge():
            return "too_large"
        case _:
            return "invalid_request"


def outcome_of(error: AuthsvcError) -> Outcome:
    """Refused, or an error of ours."""
    return Outcome.ERROR if isinstance(error, Unavailable) else Outcome.REFUSED
