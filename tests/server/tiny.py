"""The smallest application that the server can serve, and a program that serves it.

`python tiny.py PLAN` where PLAN is JSON: {"server": {...}, "bounds": {...}, "public_url": ...}.
"""

import asyncio
import json
import os
import resource
import sys
from pathlib import Path

from prometheus_client import generate_latest

from authsvc import metrics
from authsvc.errors import InvalidSettings
from authsvc.server.protocol import Bounds
from authsvc.server.serve import serve
from authsvc.settings import Settings
from authsvc.web.health import Health
from authsvc.web.middleware import Shell, respond

TEXT = [(b"content-type", b"text/plain")]


class Tiny:
    """/echo gives the body back, /slow answers late, /headers shows what came in."""

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        path = scope["path"]
        metrics.count_token("tiny", "granted", path)
        if path == "/echo":
            await respond(send, 200, TEXT, await body_of(receive))
        elif path == "/slow":
            await asyncio.sleep(1.5)
            await respond(send, 200, TEXT, b"late but whole")
        elif path == "/pid":
            await respond(send, 200, TEXT, b"%d" % os.getpid())
        elif path == "/headers":
            shown = [[name.decode("latin-1"), value.decode("latin-1")]
                     for name, value in scope["headers"]]  # fmt: skip
            await respond(send, 200, TEXT, json.dumps(shown).encode())
        elif path == "/fault":
            raise ZeroDivisionError("a secret text")
        elif path == "/direct":
            body = await body_of(receive)
            posted = body if scope["method"] == "POST" else None
            await respond(send, *await Quick().answer(scope, posted))
        elif path == "/early":
            await respond(send, 403, TEXT, b"no")
        else:
            await respond(send, 404, TEXT, b"nothing here")


class Quick:
    """/direct, by both doors."""

    paths = frozenset({b"/direct"})

    def begin(self, scope, body, done):
        if b"task" in scope["query_string"]:
            return False
        asyncio.get_running_loop().call_later(0.01, lambda: done(self.whole(scope, body)))
        return True

    async def answer(self, scope, body):
        return self.whole(scope, body)

    def whole(self, scope, body):
        shown = {"path": scope["path"], "query": scope["query_string"].decode()}
        shown["body"] = None if body is None else body.decode()
        return 200, TEXT, json.dumps(shown).encode()


async def lifespan(receive, send):
    await receive()
    if os.environ.get("TINY_FAILS"):
        raise InvalidSettings("there is no schema", advice="run authsvc init")
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def body_of(receive):
    whole = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return whole
        whole += message["body"]
        if not message["more_body"]:
            return whole


def create_app(settings, readiness):
    asyncio.get_running_loop()
    health = Health(
        Tiny(), {}, vital=frozenset(), readiness=readiness,
        metrics_allow=settings.server.metrics_allow,
    )  # fmt: skip
    return Shell(health, trusted_proxies=settings.server.trusted_proxies, quick=Quick())


def main():
    plan = json.loads(sys.argv[1])
    if files := os.environ.get("TINY_FILES"):
        resource.setrlimit(resource.RLIMIT_NOFILE, (int(files), int(files)))
    given = {**plan["server"]}
    for name in ("tls_cert", "tls_key"):
        if name in given:
            given[name] = Path(given[name])
    settings = Settings()
    server = settings.server.model_copy(update=given)
    url = plan.get("public_url", settings.public_url)
    serve(
        settings.model_copy(update={"server": server, "public_url": url}),
        app="tiny:create_app", bounds=Bounds(**plan.get("bounds", {})),
    )  # fmt: skip
    if counts := os.environ.get("TINY_COUNTS"):
        Path(counts).write_bytes(generate_latest())


if __name__ == "__main__":
    main()
