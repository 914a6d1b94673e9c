"""The least a Python service can do: a bare ASGI application that sends one fixed answer.

`SIZE` in the environment says how many bytes the body has: those of a token response.
"""

import os

BODY = b"x" * int(os.environ.get("SIZE", "1"))
HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", b"%d" % len(BODY)),
]


async def app(scope, receive, send) -> None:  # noqa: ANN001, ARG001
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
