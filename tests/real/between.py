"""An HTTP relay between a client and a registry, which may change what passes."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Hop by hop, or set anew by the relay.
_NOT_RELAYED = {"connection", "transfer-encoding", "content-length", "date", "server"}

Before = Callable[[str, str, dict[str, str]], None]
"""Is given method, path and headers of a request, and may change the headers."""

After = Callable[[str, str], None]
"""Is given method and path of an answered request, and may keep the answer back for a while."""


def _nothing(*_: object) -> None: ...


@contextmanager
def relay(registry: str, *, before: Before = _nothing, after: After = _nothing) -> Iterator[str]:
    """Serves a relay to `registry` on loopback while the block runs; gives its `host:port`.

    The Host header passes unchanged, so the registry names the relay in its Location headers.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = _read_body(self)
            headers = {
                name: value
                for name, value in self.headers.items()
                if name.lower() not in _NOT_RELAYED
            }
            before(self.command, self.path, headers)
            with closing(http.client.HTTPConnection(registry, timeout=60)) as connection:
                connection.request(self.command, self.path, body=body or None, headers=headers)
                answer = connection.getresponse()
                after(self.command, self.path)
                _write(self, answer)

        def log_message(self, *_: object) -> None:
            """Says nothing: the registry's own log is enough."""

    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler._pass_on)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            yield f"localhost:{server.server_port}"
        finally:
            server.shutdown()
            serving.join()


def _read_body(request: BaseHTTPRequestHandler) -> bytes:
    if "chunked" not in request.headers.get("Transfer-Encoding", ""):
        return request.rfile.read(int(request.headers.get("Content-Length", 0)))
    body = b""
    while size := int(request.rfile.readline(), 16):
        body += request.rfile.read(size)
        request.rfile.readline()
    request.rfile.readline()
    return body


def _write(request: BaseHTTPRequestHandler, answer: http.client.HTTPResponse) -> None:
    body = answer.read()
    request.send_response(answer.status)
    for name, value in answer.getheaders():
        if name.lower() not in _NOT_RELAYED:
            request.send_header(name, value)
    # To HEAD the length says what GET would bring.
    length = answer.getheader("Content-Length") if request.command == "HEAD" else str(len(body))
    request.send_header("Content-Length", length or "0")
    request.end_headers()
    request.wfile.write(body)
