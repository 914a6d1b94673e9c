"""What clients can learn about this server without credentials: RFC 8414 metadata and JWKS."""

import json
from collections.abc import Callable

from authsvc.web.errors import refusal
from authsvc.web.middleware import Receive, Scope, Send, respond

METADATA = "/.well-known/oauth-authorization-server"
JWKS = "/.well-known/jwks.json"
PATHS = frozenset({METADATA, JWKS})
HEADERS = [(b"content-type", b"application/json"), (b"cache-control", b"max-age=60")]


def document(issuer: str, public_url: str) -> bytes:
    """The metadata of RFC 8414 section 2.

    `issuer` is the setting as written, URL or not, since it must equal `iss` byte for byte: a
    divergence from the RFC. So is what `client_secret_basic` means here: HTTP Basic with the name
    and password of a person. Endpoints stand below `public_url`, never below a Host header.
    """
    return json.dumps(
        {
            "issuer": issuer,
            "token_endpoint": f"{public_url}/token",
            "jwks_uri": f"{public_url}{JWKS}",
            "response_types_supported": [],
            "grant_types_supported": ["password", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["none"],
            "revocation_endpoint": f"{public_url}/token/revoke",
            "revocation_endpoint_auth_methods_supported": ["client_secret_basic"],
            "introspection_endpoint": f"{public_url}/token/introspect",
            "introspection_endpoint_auth_methods_supported": ["client_secret_basic"],
        }
    ).encode()


class Metadata:
    """The ASGI application of the well-known paths. `jwks` gives the keys as of now."""

    def __init__(self, *, issuer: str, public_url: str, jwks: Callable[[], bytes]) -> None:
        self._document = document(issuer, public_url)
        self._jwks = jwks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Answer GET and HEAD."""
        if scope["method"] not in ("GET", "HEAD"):
            status, headers, body = refusal(
                405, "use GET", path=scope["path"], request_id=scope["state"]["request_id"]
            )
            await respond(send, status, [*headers, (b"allow", b"GET, HEAD")], body)
            return
        body = self._document if scope["path"] == METADATA else self._jwks()
        await respond(send, 200, HEADERS, b"" if scope["method"] == "HEAD" else body)
