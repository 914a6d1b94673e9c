"""A registry client in plain HTTP, for what real clients do not show: headers, tokens, one step."""

import base64
import http.client
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlencode, urlsplit

from real.image import Image, digest
from real.service import Account

By = Literal["GET", "POST"]
_PATIENCE = 150  # seconds; one flow keeps an answer back for more than two minutes
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class Reply:
    """An HTTP answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        return json.loads(self.body)

    def challenge(self) -> dict[str, str]:
        """The parameters of `WWW-Authenticate: Bearer`."""
        return dict(re.findall(r'(\w+)="([^"]*)"', self.headers["www-authenticate"]))


def call(
    method: str, url: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Reply:
    """One request on a connection of its own; follows nothing."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=_PATIENCE)
    try:
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, path, body=body or None, headers=dict(headers or {}))
        answer = connection.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, named, answer.read())
    finally:
        connection.close()


def basic(account: Account) -> dict[str, str]:
    pair = f"{account.name}:{account.password}".encode()
    return {"Authorization": "Basic " + base64.b64encode(pair).decode()}


def ask_token(
    realm: str, service: str, *scopes: str, account: Account | None = None, by: By = "GET"
) -> Reply:
    """Asks the realm as clients do: GET with Basic, or POST with the password grant of OAuth2.

    Without an account both ask by GET, since OAuth2 has no anonymous grant.
    """
    asked = [("service", service), *(("scope", scope) for scope in scopes)]
    if by == "GET" or account is None:
        headers = basic(account) if account else {}
        return call("GET", f"{realm}?{urlencode(asked)}", headers=headers)
    form = {
        "grant_type": "password",
        "username": account.name,
        "password": account.password,
        "client_id": "flow-tests",
        "service": service,
        "scope": " ".join(scopes),
    }
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return call("POST", realm, body=urlencode(form).encode(), headers=kind)


def claims(token: str) -> dict[str, object]:
    """The claims of a JWT, unverified: verifying is the registry's work."""
    return _part(token, 1)


def header(token: str) -> dict[str, object]:
    return _part(token, 0)


def _part(token: str, index: int) -> dict[str, object]:
    part = token.split(".")[index]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@dataclass
class Wire:
    """A caller of one registry, who asks for a token whenever the registry demands one."""

    host: str
    account: Account | None = None
    by: By = "GET"
    token: str = ""
    tokens: list[str] = field(default_factory=list)
    """Every token received, oldest first."""

    def send(
        self, method: str, path: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One request to the registry; after a challenge once more, with a new token."""
        url = path if path.startswith("http") else f"http://{self.host}{path}"
        first = call(method, url, body=body, headers=self._with_token(headers))
        if first.status != 401:
            return first
        challenge = first.challenge()
        scopes = challenge["scope"].split(" ") if challenge.get("scope") else []
        answer = ask_token(
            challenge["realm"], challenge["service"], *scopes, account=self.account, by=self.by
        )
        if answer.status != 200:
            return answer
        self.token = str(answer.json()["token"])
        self.tokens.append(self.token)
        return call(method, url, body=body, headers=self._with_token(headers))

    def push_blob(self, repository: str, blob: bytes) -> Reply:
        started = self.send("POST", f"/v2/{repository}/blobs/uploads/")
        return self.finish(started, blob) if started.status == 202 else started

    def finish(self, started: Reply, blob: bytes) -> Reply:
        """Sends the whole of a blob to an upload that was started, and ends it."""
        place = started.headers["location"]
        joint = "&" if "?" in place else "?"
        octets = {"Content-Type": "application/octet-stream"}
        return self.send("PUT", f"{place}{joint}digest={digest(blob)}", body=blob, headers=octets)

    def push(self, repository: str, image: Image, tag: str = "v1") -> Reply:
        for blob in (image.layer, image.config):
            answer = self.push_blob(repository, blob)
            if answer.status != 201:
                return answer
        return self.put_manifest(repository, image, tag)

    def put_manifest(self, repository: str, image: Image, tag: str = "v1") -> Reply:
        path = f"/v2/{repository}/manifests/{tag}"
        return self.send("PUT", path, body=image.manifest, headers={"Content-Type": MANIFEST})

    def manifest(self, repository: str, tag: str = "v1") -> Reply:
        return self.send("GET", f"/v2/{repository}/manifests/{tag}", headers={"Accept": MANIFEST})

    def delete(self, repository: str, image: Image) -> Reply:
        return self.send("DELETE", f"/v2/{repository}/manifests/{image.digest}")

    def mount(self, repository: str, source: str, blob: bytes) -> Reply:
        path = f"/v2/{repository}/blobs/uploads/?mount={digest(blob)}&from={source}"
        return self.send("POST", path)

    def _with_token(self, headers: Mapping[str, str] | None) -> dict[str, str]:
        token = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return dict(headers or {}) | token
