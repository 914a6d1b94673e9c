"""How a token comes about, top to bottom: fresh, who, what, signed, written down, answered."""

import asyncio
import contextlib
from collections import OrderedDict
from math import ceil

from authsvc import metrics
from authsvc.access.model import Registry, View
from authsvc.access.narrowing import all_but_pull, narrowed, outside_of
from authsvc.access.policy import decide
from authsvc.audit.log import Entry
from authsvc.audit.records import Outcome
from authsvc.db.batch import Undecided
from authsvc.errors import AuthsvcError, Limited, Unauthenticated, Unavailable
from authsvc.identity.provider import PROVES_AN_ACCOUNT, Rejected, Verified
from authsvc.keys.keyring import Signer
from authsvc.principal import ANONYMOUS, Kind
from authsvc.protocol import claims
from authsvc.protocol.credentials import Anonymous, RefreshToken

from .answer import Answer, Basis, prepare
from .faults import BadRefreshToken, outcome_of, reason_of, served
from .parts import Issued, Parts, Signed, Told
from .records import entry_of, printed, refusal, with_question
from .refreshing import Given, is_due
from .request import Caller, Question, TokenRequest

Key = tuple[Question, View, bool, str | None]

ANSWERS = 10_000  # remembered answers: callers times their questions
ANSWERS_SIZE = 32 << 20  # bytes of them; the longest has 14 KB
SHORTEST = 60  # seconds; clients take a shorter life for 60 (protocol.md 4.2)


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
        self._held = 0  # bytes, roughly

    async def issue(self, request: TokenRequest) -> Issued:
        """The token for a request.

        Raises Invalid (service), Unauthenticated and Unavailable, each of which leaves its record,
        and Limited, which comes late and leaves one for each window.
        """
        now = self._parts.clock.now()
        try:
            signed = self._at_once(request, now) or await self._in_time(request, now)
            await self._record(signed.entry)
        except AuthsvcError as error:
            service = request.question.service
            await self.refuse(request.caller, error, now=now, service=service, request=request)
            raise
        return self._counted(signed)

    def issue_then(self, request: TokenRequest, told: Told) -> bool:
        """As `issue`, for a request that waits for nothing but its record; else False, and nothing.

        `told` is called with the outcome, on the event loop, after this has returned.
        """
        now = self._parts.clock.now()
        signed = self._at_once(request, now)
        if signed is None:
            return False

        def recorded(fault: Unavailable | None) -> None:
            told(
                self._counted(signed) if fault is None else self._not_recorded(request, fault, now)
            )

        try:
            if self._durable:
                self._parts.log.record_then(signed.entry, recorded)
            else:
                self._parts.log.record_soon(signed.entry)
                # Answered at the end of this turn of the loop: signing all that came in it and
                # then sending all costs a quarter less than doing both for one after the other.
                asyncio.get_running_loop().call_soon(recorded, None)
        except Unavailable:
            return False
        return True

    def _at_once(self, request: TokenRequest, now: float) -> Signed | None:
        """The token of a remembered caller; None when anything must be waited for, or refused."""
        try:
            self._parts.feed.require_fresh()
            verified = self._remembered(request, now)
            if verified is None:
                return None
            view = self._parts.snapshot.view_now(verified.principal)
            if view is None:
                return None
            registry = served(view.base.registries.get(request.question.service))
            if is_due(request.question, verified, registry):
                return None
            answer = self._answer(request, verified, view, registry, now)
            if not self._parts.limiter.admits(verified.principal, request.caller.address):
                return None
            return self._sign(answer, request, now)
        except AuthsvcError:
            return None  # raised again, and recorded, by the long way

    async def _in_time(self, request: TokenRequest, now: float) -> Signed:
        self._parts.feed.require_fresh()
        limiter, address = self._parts.limiter, request.caller.address
        anonymous = isinstance(request.credentials, Anonymous)
        if anonymous:
            await limiter.check(ANONYMOUS, address)
        service = request.question.service
        served(self._parts.snapshot.registry(service))
        verified = await self._identify(request, now)
        if not anonymous:
            await limiter.check(verified.principal, address)
        view = await self._parts.snapshot.view(verified.principal)
        registry = served(view.base.registries.get(service))  # it may be another one by now
        answer = self._answer(request, verified, view, registry, now)
        refresh = await self._parts.refresh.given(request.question, verified, registry)
        return self._sign(answer, request, now, refresh)

    def _remembered(self, request: TokenRequest, now: float) -> Verified | None:
        """Who this is, when it takes no waiting to say so."""
        circumstances = request.circumstances(now)
        authenticator = self._parts.authenticator
        if request.form is None:
            verified = authenticator.recognised(request.text, circumstances)
        else:
            verified = authenticator.remembered(request.form, circumstances, text=request.text)
        if verified is not None and verified.principal.kind is Kind.ANONYMOUS:
            return None if request.question.empty else verified
        return verified

    async def _identify(self, request: TokenRequest, now: float) -> Verified:
        authenticator, shown = self._parts.authenticator, request.credentials
        circumstances = request.circumstances(now)
        found: Verified | Rejected | None
        found = authenticator.remembered(shown, circumstances, text=request.text)
        if found is None:
            found = await authenticator.identify(shown, circumstances)
        if isinstance(found, Rejected):
            if isinstance(shown, RefreshToken):
                raise BadRefreshToken(found.reason)
            raise Unauthenticated("authentication failed", reason=found.reason)
        if found.principal.kind is Kind.ANONYMOUS and request.question.empty:
            # Any token opens /v2/: only this refusal makes a `docker login` without a user fail.
            raise Unauthenticated("credentials are required", reason="no_credentials")
        return found

    def _answer(
        self, request: TokenRequest, verified: Verified, view: View, registry: Registry, now: float
    ) -> Answer:
        if verified.credential_id is not None:
            self._parts.uses.saw(verified.credential_id, now)
        ttl = self._ttl if registry.ttl is None else registry.ttl
        signer = self._parts.keyring.signer(registry.key_header, registry.libtrust_kid, now, ttl)
        ttl = self._bounded(ttl, signer, now)
        key = (request.question, view, verified.bounds.pull_only, verified.credential_id)
        answer = self._answers.get(key)
        if answer is not None and answer.signer is signer and answer.ttl == ttl:
            return answer
        decision = decide(
            view, registry, request.question.asked,
            address=request.caller.address, address_known=request.caller.address_known, now=now,
        )  # fmt: skip
        if verified.bounds.pull_only:
            decision = narrowed(decision, all_but_pull)
        if verified.bounds.scopes is not None:
            decision = narrowed(decision, outside_of(verified.bounds.scopes))
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

    def forget(self, _topics: frozenset[str] | None) -> None:
        """Hear news of changes: an answer holds the policy that it was made by in memory."""
        self._answers.clear()
        self._held = 0

    def _remember(self, key: Key, answer: Answer) -> None:
        if not key[0].lasting:
            return
        before = self._answers.pop(key, None)
        self._held += answer.size - (before.size if before else 0)
        self._answers[key] = answer
        while len(self._answers) > ANSWERS or self._held > ANSWERS_SIZE:
            self._held -= self._answers.popitem(last=False)[1].size

    def _sign(
        self, answer: Answer, request: TokenRequest, now: float, refresh: Given | None = None
    ) -> Signed:
        jti = self._parts.identifiers.next(now)
        payload = claims.payload(answer.claims, ceil(now), answer.ttl, jti)
        signed = answer.signer.header + b"." + claims.b64(payload)
        token = signed + b"." + answer.signer.sign(signed)
        entry = printed(
            answer, request, jti, now, refresh_id=None if refresh is None else refresh.id
        )
        return Signed(token, answer, entry, refresh)

    async def _record(self, entry: Entry) -> None:
        if self._durable:
            await self._parts.log.record(entry)
        else:
            self._parts.log.record_soon(entry)

    def _counted(self, signed: Signed) -> Issued:
        answer = signed.answer
        metrics.count_token(answer.registry, answer.outcome.value, answer.reason)
        refresh = "" if signed.refresh is None else signed.refresh.secret
        return Issued(signed.token, answer.ttl, answer.scope, answer.response_tail, refresh)

    def _not_recorded(self, request: TokenRequest, fault: Unavailable, now: float) -> Unavailable:
        service = request.question.service
        self._failed(request.caller, fault, now=now, service=service, request=request)
        return fault

    def _failed(
        self, caller: Caller, fault: Unavailable, *, now: float, service: str,
        request: TokenRequest | None,
    ) -> None:  # fmt: skip
        """Leave a record, when one can be written again, of an answer that had to be 503.

        One whose own record is undecided has that, and there is one for each.
        """
        entry = self._refusal(caller, fault, now=now, service=service, request=request)
        if not isinstance(fault, Undecided):
            with contextlib.suppress(Unavailable):
                self._parts.log.record_soon(entry)

    async def refuse(
        self, caller: Caller, error: AuthsvcError, *, now: float, service: str = "",
        request: TokenRequest | None = None,
    ) -> None:  # fmt: skip
        """Write down that a request got no token, and why.

        Raises Unavailable when it cannot be written: no answer leaves before its record.
        """
        entry = self._refusal(caller, error, now=now, service=service, request=request)
        if isinstance(error, Undecided | Limited):
            return  # its record is on its way, or there is one for all of its window
        if outcome_of(error) is Outcome.ERROR:
            self._parts.log.record_soon(entry)
            return
        try:
            await self._record(entry)
        except Unavailable as fault:
            self._failed(caller, fault, now=now, service=service, request=request)
            raise

    def _refusal(
        self, caller: Caller, error: AuthsvcError, *, now: float, service: str,
        request: TokenRequest | None,
    ) -> Entry:  # fmt: skip
        reason, outcome = reason_of(error), outcome_of(error)
        metrics.count_token(self._label(service), outcome.value, reason)
        record = refusal(caller, outcome=outcome, reason=reason, service=service, now=now)
        if request is not None:
            claimed = self._parts.pseudonyms.claimed(
                request.credentials, known=reason in PROVES_AN_ACCOUNT
            )
            record = with_question(record, request, claimed)
        return entry_of(record)

    def _label(self, service: str) -> str:
        """A registry's name for the metrics, `unknown` for what a client made up."""
        try:
            return service if self._parts.snapshot.registry(service) else "unknown"
        except Unavailable:
            return "unknown"
