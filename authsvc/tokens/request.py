"""A token request, parsed once and frozen; nothing deeper sees the raw one."""

import hashlib
import os
from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

from authsvc.identity.provider import Circumstances
from authsvc.protocol import oauth2, scope
from authsvc.protocol.access import Asked
from authsvc.protocol.credentials import Credentials, from_authorization

QUESTIONS = 4_096  # remembered questions; a build farm asks far fewer different ones
_IS_FORM = b"\0form\0"  # no header begins like this
LONGEST = 1_024  # bytes; longer ones are parsed each time, so that memory stays bounded


class Caller(NamedTuple):
    """Where a request came from. `address` is the client's behind trusted proxies.

    `address_known` is False when an X-Forwarded-For came from a peer that is not trusted.
    """

    address: str
    address_known: bool
    peer: str
    request_id: str
    user_agent: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What is asked for, without who asks. Compared by identity: it is a key of what is remembered.

    `lasting` is False when the question itself is not remembered, so that nothing may hang on it.
    """

    service: str
    asked: Asked
    offline: bool
    client_id: str | None
    lasting: bool = False

    @property
    def empty(self) -> bool:
        """Whether no scope was named at all, which is how `docker login` asks."""
        return not self.asked.entries and not self.asked.junk


class TokenRequest(NamedTuple):
    """What is shown, what is asked for, and where it came from.

    `header` is the Authorization header of a GET, `body` the form of a POST and `form` what that
    shows, None when it was read before and is not read again.
    """

    header: bytes | None
    form: Credentials | None
    question: Question
    caller: Caller
    body: bytes | None = None

    def circumstances(self, now: float) -> Circumstances:
        """Where and when it is made, as identity looks at it; `now` is wall clock seconds."""
        caller = self.caller
        return Circumstances(caller.address, self.question.service, now, caller.address_known)

    @property
    def credentials(self) -> Credentials:
        """What is shown, parsed at each call: that of a recognised caller never is."""
        if self.form is not None:
            return self.form
        if self.body is not None:
            return oauth2.parse_form(self.body, oauth2.FORM).credentials
        return from_authorization(self.header)

    @property
    def text(self) -> bytes | None:
        """What the credentials are in, by which a caller is recognised without reading it."""
        return self.header if self.body is None else _IS_FORM + self.body


class Questions:
    """Parsed questions, remembered under their raw text: clients repeat themselves.

    A form holds a secret: it is remembered by a keyed hash, whose key never leaves the process.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[object, Question] = OrderedDict()
        self._keyed = hashlib.blake2b(key=os.urandom(32), digest_size=32)

    def of_query(self, raw: bytes) -> Question:
        """The question in a raw query string. Raises OAuthInvalid and TooLarge."""
        known = self._known.get(raw)
        if known is not None:
            return known
        return self._keep(raw, oauth2.parse_query(raw), len(raw))

    def of_body(self, body: bytes) -> Question | None:
        """The question in a form that was read before, None for others."""
        return self._known.get(self._hash(body)) if len(body) <= LONGEST else None

    def of_form(self, form: oauth2.TokenForm, body: bytes) -> Question:
        """The question in `body`, parsed as `form`. Raises TooLarge."""
        key = (form.service, form.scopes, form.offline, form.client_id)
        known = self._known.get(key)
        if known is None:
            known = self._keep(key, form, sum(map(len, form.scopes)) + len(form.service))
        if known.lasting and len(body) <= LONGEST:
            self._note(self._hash(body), known)
        return known

    def _hash(self, body: bytes) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(body)
        return keyed.digest()

    def _note(self, key: object, question: Question) -> None:
        self._known[key] = question
        if len(self._known) > QUESTIONS:
            self._known.popitem(last=False)

    def _keep(
        self, key: object, asked: oauth2.TokenQuery | oauth2.TokenForm, size: int
    ) -> Question:
        lasting = size <= LONGEST
        question = Question(
            asked.service, scope.parse(asked.scopes), asked.offline, asked.client_id, lasting
        )
        if lasting:
            self._note(key, question)
        return question
