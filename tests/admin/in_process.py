"""A `requests` session whose requests go to an application in this process, as somebody."""

from contextlib import contextmanager
from io import BytesIO

import requests
from anyio.from_thread import start_blocking_portal
from inprocess import basic, serving
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

URL = "http://auth.test"


class ToTheApplication(HTTPAdapter):
    """Hands a prepared request over, and makes the answer what `requests` would have received."""

    def __init__(self, portal, realm):
        super().__init__()
        self._portal = portal
        self._realm = realm

    def send(self, request, **_):
        path, _, query = request.path_url.partition("?")
        body = request.body or b""
        answer = self._portal.call(
            lambda: self._realm.call(
                request.method, requests.utils.unquote(path), query=query,
                headers=[(name, _octets(value)) for name, value in request.headers.items()],
                body=body if isinstance(body, bytes) else body.encode(),
            )
        )  # fmt: skip
        received = HTTPResponse(
            BytesIO(answer.body), answer.headers, answer.status, preload_content=False,
            request_method=request.method,
        )  # fmt: skip
        return self.build_response(request, received)


class Callers:
    """Sessions of the people of an installation that is up."""

    def __init__(self, portal, realm):
        self.realm = realm
        self._adapter = ToTheApplication(portal, realm)

    def session(self, who=""):
        """Who is `NAME` with the password of all, or `NAME:PASSWORD`; nobody when empty."""
        session = requests.Session()
        session.trust_env = False
        session.mount(URL, self._adapter)
        session.headers.update(dict(basic(who)))
        return session


@contextmanager
def callers(settings, parts):
    """The application up and running on a thread of its own."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serving(settings, parts)) as realm,
    ):
        yield Callers(portal, realm)
    parts.database.dispose()


def _octets(value):
    return value if isinstance(value, bytes) else value.encode("latin-1", "replace")
