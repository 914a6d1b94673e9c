"""Token requests: the query of a GET and the form of a POST.

Distribution docs: spec/auth/token and spec/auth/oauth; RFC 6749. Bytes are decoded here and once:
percent escapes, `+` as a blank, UTF-8. Only `&` separates parameters. One without a value counts
as left out, one that is not known is ignored. None may repeat but `scope`; in a query, where
clients add what they like, that holds for those that are read. No message repeats what was sent.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from authsvc.errors import Invalid

from .credentials import Anonymous, Credentials, RefreshToken, from_pair
from .names import is_service

MAX_FIELDS = 1_000  # parameters of one request; 256 scopes are the most that can count
MAX_CLIENT_ID = 256  # characters that are recorded

FORM = b"application/x-www-form-urlencoded"
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")

Values = dict[bytes, list[bytes]]


class OAuthInvalid(Invalid):
    """A token request that cannot be read. `error` is the code of RFC 6749, 5.2."""

    def __init__(self, message: str, *, error: str = "invalid_request", advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.error = error


class UnsupportedBody(OAuthInvalid):
    """The body is of a type or an encoding that is not taken here."""


@dataclass(frozen=True, slots=True)
class TokenQuery:
    """What a GET asks for. `scopes` are the values as sent, none of them empty.

    `client_id` is for the record: escaped where it is not printable ASCII, and cut.
    """

    service: str
    scopes: tuple[str, ...]
    offline: bool
    client_id: str | None


@dataclass(frozen=True, slots=True)
class TokenForm:
    """What a POST asks for, and the credentials in it; the rest as in TokenQuery."""

    grant_type: str
    credentials: Credentials
    service: str
    scopes: tuple[str, ...]
    offline: bool
    client_id: str | None


def parse_query(raw: bytes) -> TokenQuery:
    """The question in the raw query string of a GET. Raises OAuthInvalid."""
    values = _values(raw)
    return TokenQuery(
        service=_service(values),
        scopes=_scopes(values),
        offline=_decoded(_one(values, b"offline_token")) == "true",
        client_id=_client_id(values),
    )


def parse_form(body: bytes, content_type: bytes) -> TokenForm:
    """The question and the credentials in the body of a POST. Raises OAuthInvalid, UnsupportedBody.

    A `charset` beside the content type is ignored: the form is UTF-8.
    """
    values = _form(body, content_type)
    if any(len(found) > 1 for name, found in values.items() if name != b"scope"):
        raise _repeated()
    grant_type = _required(values, b"grant_type")
    return TokenForm(
        grant_type=grant_type,
        credentials=_credentials(grant_type, values),
        service=_service(values),
        scopes=_scopes(values),
        offline=_decoded(_one(values, b"access_type")) == "offline",
        client_id=_client_id(values),
    )


def parse_token_alone(body: bytes, content_type: bytes) -> str:
    """The token that a form is about (RFC 7009, 2.1; RFC 7662, 2.1).

    `token_type_hint` is but a hint, and there is one kind of token here. Raises OAuthInvalid,
    UnsupportedBody.
    """
    values = _form(body, content_type)
    if any(len(found) > 1 for found in values.values()):
        raise OAuthInvalid("a parameter was sent more than once", advice="send each once")
    return _required(values, b"token")


def check_post_query(raw: bytes) -> None:
    """Refuse a POST that names a service in its query, beside the form; the rest is ignored.

    Raises OAuthInvalid.
    """
    if raw and b"service" in _values(raw):
        raise OAuthInvalid("service stands in the query of a POST", advice="send it in the form")


def one_of(header: Credentials, form: Credentials) -> Credentials:
    """The one set of credentials that a POST shows. Raises OAuthInvalid when there are two."""
    if isinstance(header, Anonymous) or header == form:
        return form
    raise OAuthInvalid(
        "the Authorization header and the form show different credentials",
        advice="send them once, in the form",
    )


def _form(body: bytes, content_type: bytes) -> Values:
    if content_type.partition(b";")[0].strip().lower() != FORM:
        raise UnsupportedBody("the body is no form", advice=f"send {FORM.decode()}")
    return _values(body)


def _credentials(grant_type: str, values: Values) -> Credentials:
    if grant_type == "password":
        return from_pair(_required(values, b"username"), _required(values, b"password"))
    if grant_type == "refresh_token":
        return RefreshToken(_required(values, b"refresh_token"))
    raise OAuthInvalid(
        "this grant_type is not served here",
        error="unsupported_grant_type",
        advice="use password or refresh_token",
    )


def _service(values: Values) -> str:
    service = _required(values, b"service")
    if not is_service(service):
        raise OAuthInvalid("service is no registry's name", advice="send one name, as registered")
    return service


def _scopes(values: Values) -> tuple[str, ...]:
    """The scope values; what is broken in one becomes U+FFFD, so that its entry alone is junk."""
    found = values.get(b"scope", ())
    return tuple(_decoded(_BROKEN_ESCAPE.sub(b"\xff", value)) for value in found if value)


def _client_id(values: Values) -> str | None:
    # Cut first: escapes make up to ten characters of one.
    text = _decoded(_one(values, b"client_id"))[:MAX_CLIENT_ID]
    if not (text.isascii() and text.isprintable()):
        text = text.encode("unicode_escape").decode("ascii")[:MAX_CLIENT_ID]
    return text or None


def _values(raw: bytes) -> Values:
    """The values of each parameter, escaped as sent, by unescaped name. Raises OAuthInvalid."""
    if raw.count(b"&") >= MAX_FIELDS:
        raise OAuthInvalid(f"there are more than {MAX_FIELDS} parameters")
    values: Values = {}
    for parameter in raw.split(b"&"):
        if parameter:
            name, _, value = parameter.partition(b"=")
            values.setdefault(_unescaped(name), []).append(value)
    return values


def _one(values: Values, name: bytes) -> bytes:
    """The value of a parameter that may be there once; empty when it is not."""
    found = values.get(name, [b""])
    if len(found) > 1:
        raise _repeated()
    return found[0]


def _repeated() -> OAuthInvalid:
    return OAuthInvalid("a parameter was sent more than once", advice="only scope may repeat")


def _required(values: Values, name: bytes) -> str:
    """The value of a parameter that must be there, exactly as it was meant. Raises OAuthInvalid."""
    raw = _one(values, name)
    if not raw:
        raise OAuthInvalid(f"{name.decode()} is missing")
    unescaped = _unescaped(raw)
    text = unescaped.decode("utf-8", "replace")
    # Compared instead of decoded strictly: an exception would carry the bytes, maybe a password.
    if text.encode() != unescaped or _BROKEN_ESCAPE.search(raw):
        raise OAuthInvalid(f"{name.decode()} is not percent-encoded UTF-8")
    return text


def _decoded(raw: bytes) -> str:
    """The text of encoded bytes; what is not UTF-8 becomes U+FFFD, which no grammar here holds."""
    return _unescaped(raw).decode("utf-8", "replace")


def _unescaped(raw: bytes) -> bytes:
    if b"%" in raw or b"+" in raw:
        return unquote_to_bytes(raw.replace(b"+", b" "))
    return raw
