"""The token realm as a small ASGI application: parse, issue, print.

It stands in front of the framework's routing because a framework route costs more processor
time than the whole token. GET is the distribution token specification, POST the OAuth2 one;
every answer of these paths, errors included, has one of two JSON shapes and never redirects.
"""

from collections.abc import Callable
from typing import NamedTuple

from authsvc.clock import Clock
from authsvc.errors import AuthsvcError, BodyTooLarge, NotFound
from authsvc.protocol import oauth2
from authsvc.protocol.credentials import from_authorization
from authsvc.protocol.wire import error_body
from authsvc.web.errors import Answer, token_response
from authsvc.web.middleware import Receive, Scope, Send, respond

from .parts import Issued
from .records import LONGEST
from .request import Caller, Questions, TokenRequest
from .service import TokenService

PATHS = frozenset({"/token", "/token/", "/auth/token", "/auth/token/"})
BODY = 256 * 1024  # bytes of a form: 64 KiB of scopes, all percent-encoded, and credentials
JSON = [
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"pragma", b"no-cache"),
]
NOT_ALLOWED = error_body(
    code="UNSUPPORTED", message="use GET or POST", error="invalid_request",
    description="this method is not served here; use GET or POST",
)  # fmt: skip


def serves(path: str) -> bool:
    """Whether a path is the realm's, known or not: all errors below it have the realm's shape."""
    return path.startswith(("/token", "/auth/token")) and (
        path in PATHS or path.startswith(("/token/", "/auth/token/"))
    )


class Realm:
    """The application of the token paths. `url` is the realm as registries name it.

    It has two doors: the ASGI one, and for a server that calls it by itself `begin` and `answer`.
    """

    paths = frozenset(path.encode() for path in PATHS)

    def __init__(self, service: TokenService, clock: Clock, *, url: str) -> None:
        self._service = service
        self._clock = clock
        self._url = url
        self._questions = Questions()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of any method and path below the realm."""
        await respond(send, *await self._answered(scope, receive))

    async def answer(self, scope: Scope, body: bytes | None) -> Answer:
        """The whole answer to a GET of one of `paths`, or to a POST of `body`."""
        try:
            return 200, JSON, printed(await self._issued(scope, body))
        except AuthsvcError as error:
            return token_response(error, realm=self._url)

    def begin(self, scope: Scope, body: bytes | None, done: Callable[[Answer], None]) -> bool:
        """Answer through `done`, if only the record of the token is to be waited for.

        Else False, and nothing is done: ask `answer`.
        """
        head = of(scope)
        try:
            request = self._seen(scope, body, head) or self._parsed(scope, body, head)
        except AuthsvcError:
            return False

        def told(outcome: Issued | AuthsvcError) -> None:
            if isinstance(outcome, Issued):
                done((200, JSON, printed(outcome)))
            else:
                done(token_response(outcome, realm=self._url))

        return self._service.issue_then(request, told)

    async def _answered(self, scope: Scope, receive: Receive) -> Answer:
        if scope["path"] not in PATHS:
            nothing = NotFound("there is nothing at this path", advice="the token realm is /token")
            return token_response(nothing, realm=self._url)
        if scope["method"] == "GET":
            return await self.answer(scope, None)
        if scope["method"] != "POST":
            return 405, [*JSON, (b"allow", b"GET, POST")], NOT_ALLOWED
        try:
            body = await body_of(receive)
        except AuthsvcError as error:
            await self._unparsed(of(scope).caller, error)
            return token_response(error, realm=self._url)
        return await self.answer(scope, body)

    async def _issued(self, scope: Scope, body: bytes | None) -> Issued:
        head = of(scope)
        try:
            request = self._parsed(scope, body, head)
        except AuthsvcError as error:
            await self._unparsed(head.caller, error)
            raise
        return await self._service.issue(request)

    def _seen(self, scope: Scope, body: bytes | None, head: "Head") -> TokenRequest | None:
        """The request in a form that was read before and comes again just so; else None."""
        if body is None or head.content_type != oauth2.FORM or head.authorization is not None:
            return None
        question = self._questions.of_body(body)
        if question is None or head.encoded or scope["query_string"]:
            return None
        return TokenRequest(None, None, question, head.caller, body)

    def _parsed(self, scope: Scope, body: bytes | None, head: "Head") -> TokenRequest:
        """The request in a query, or in a form. Raises as those are read."""
        query, shown = scope["query_string"], head.authorization
        if body is None:
            return TokenRequest(shown, None, self._questions.of_query(query), head.caller)
        oauth2.check_post_query(query)
        head.refuse_encoded()
        form = oauth2.parse_form(body, head.content_type)
        question = self._questions.of_form(form, body)
        credentials = oauth2.one_of(from_authorization(shown), form.credentials)
        return TokenRequest(None, credentials, question, head.caller, body)

    async def _unparsed(self, caller: Caller, error: AuthsvcError) -> None:
        await self._service.refuse(caller, error, now=self._clock.now())


def printed(issued: Issued) -> bytes:
    """The response body: the same JWT twice, since clients differ in which one they read."""
    body = b'{"token":"%b","access_token":"%b%b' % (issued.token, issued.token, issued.tail)
    return (
        body[:-1] + b',"refresh_token":"%b"}' % issued.refresh.encode() if issued.refresh else body
    )


class Head(NamedTuple):
    """What counts in the head of a request. `encoded`: nothing is ever inflated here."""

    caller: Caller
    authorization: bytes | None
    content_type: bytes
    encoded: bool

    def refuse_encoded(self) -> None:
        """Raise UnsupportedBody for a compressed body."""
        if self.encoded:
            raise oauth2.UnsupportedBody("send the form as it is, without Content-Encoding")


def of(scope: Scope) -> Head:
    """The head of a request, read once."""
    agent, authorization, content_type, encoded = b"", None, b"", False
    for name, value in scope["headers"]:
        if name == b"authorization":
            # Two of them leave open which one counts: neither does.
            authorization = value if authorization is None else b""
        elif name == b"user-agent":
            agent = value[:LONGEST]  # here, since what comes after remembers it
        elif name == b"content-type":
            content_type = value
        elif name == b"content-encoding":
            encoded = encoded or value != b"identity"
    state = scope["state"]
    caller = Caller(
        state["address"], state["address_known"], state["peer"], state["request_id"], agent
    )
    return Head(caller, authorization, content_type, encoded)


async def body_of(receive: Receive) -> bytes:
    """The whole body, which may come in chunks. Raises BodyTooLarge beyond BODY bytes."""
    chunks, size = [], 0
    while True:
        message = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > BODY:
            raise BodyTooLarge(
                f"the form is larger than {BODY} bytes", advice="ask for fewer scopes"
            )
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)
