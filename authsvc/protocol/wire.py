"""The one error body of the token realm, which registry clients and OAuth2 clients all read.

docker prints `details`; crane, oras and BuildKit the first of `errors`; OAuth2 clients `error`
and `error_description` (RFC 6749, 5.2). No text in it may be longer than a line: oras reads 8 KiB.
"""

import json
from typing import Any


def error_body(
    *, code: str, message: str, detail: Any = None, error: str, description: str
) -> bytes:
    """The body as JSON. `code` is a registry's (`UNAUTHORIZED`, `DENIED`, ...), `error` OAuth2's.

    `message` and `description` are ours, never a caller's; `detail` is any JSON value.
    """
    body = {
        "details": message,
        "errors": [{"code": code, "message": message, "detail": detail}],
        "error": error,
        "error_description": description,
    }
    return json.dumps(body, separators=(",", ":")).encode("ascii")
