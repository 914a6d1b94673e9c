"""/livez, /readyz and /metrics: PX-10."""

import asyncio
import ipaddress
import json

import pytest

from authsvc.settings import Settings
from authsvc.web.exposure import passwords_in_clear, transport_state
from authsvc.web.health import Health, Readiness
from authsvc.web.middleware import Shell, respond

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


async def nothing(scope, receive, send):
    await respond(send, 404, [(b"content-type", b"text/plain")], b"nothing at this path")


def ask(path, states=None, *, method="GET", peer="127.0.0.1", headers=(), readiness=None,
        trusted=(), allow=LOOPBACK):  # fmt: skip
    sent = []

    async def send(message):
        sent.append(message)

    dependencies = {name: (lambda state=state: state) for name, state in (states or {}).items()}
    dependencies |= {"broken": lambda: 1 / 0} if states and "breaks" in states else {}
    health = Health(
        nothing, dependencies, vital=frozenset({"database", "keys"}),
        readiness=readiness or Readiness(), metrics_allow=allow,
    )  # fmt: skip
    scope = {"type": "http", "path": path, "method": method, "headers": list(headers),
             "state": {}, "client": (peer, 5)}  # fmt: skip
    asyncio.run(Shell(health, trusted_proxies=trusted)(scope, None, send))
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


def test_alive_is_alive():
    assert ask("/livez", {"database": "failed"})[0] == 200


@pytest.mark.parametrize(
    ("states", "status", "said"),
    [
        ({}, 200, "ok"),
        ({"database": "ok", "keys": "ok", "ldap": "ok"}, 200, "ok"),
        ({"database": "ok", "keys": "ok", "ldap": "degraded"}, 200, "degraded"),
        ({"database": "ok", "keys": "ok", "ldap": "failed"}, 200, "degraded"),
        ({"database": "ok", "keys": "degraded"}, 200, "degraded"),
        ({"database": "failed", "keys": "ok"}, 503, "failed"),
        ({"database": "ok", "keys": "failed"}, 503, "failed"),
    ],
)
def test_only_the_database_and_the_signing_key_make_it_not_ready(states, status, said):
    found, headers, body = ask("/readyz", states)
    assert found == status
    assert json.loads(body) == {"status": said, "dependencies": states}
    assert (b"retry-after" in headers) == (status == 503)


def test_a_dependency_that_cannot_answer_has_failed_and_says_nothing_more():
    _, _, body = ask("/readyz", {"breaks": "ok"})
    assert json.loads(body)["dependencies"]["broken"] == "failed"


def test_draining_is_not_ready():
    readiness = Readiness()
    readiness.drain()
    status, _, body = ask("/readyz", {"database": "ok"}, readiness=readiness)
    assert (status, json.loads(body)["status"]) == (503, "draining")


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_they_are_read_and_nothing_else(path):
    status, headers, _ = ask(path, method="POST")
    assert status == 405
    assert headers[b"allow"] == b"GET, HEAD"
    assert ask(path, method="HEAD")[0] == 200


FORWARDED = [(b"x-forwarded-for", b"127.0.0.1")]
TRUSTED = (ipaddress.ip_network("10.0.0.0/8"),)


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        pytest.param({}, True, id="loopback"),
        pytest.param({"peer": "::1"}, True, id="loopback-6"),
        pytest.param({"peer": "::ffff:127.0.0.1"}, True, id="mapped"),
        pytest.param({"peer": "203.0.113.9"}, False, id="elsewhere"),
        pytest.param({"headers": FORWARDED}, False, id="PX-10-forwarded-by-a-peer-not-trusted"),
        pytest.param({"peer": "10.0.0.1", "headers": FORWARDED, "trusted": TRUSTED}, True,
                     id="behind-a-trusted-proxy"),
        pytest.param({"peer": "10.0.0.1", "trusted": TRUSTED}, False, id="the-proxy-itself"),
        pytest.param({"peer": "10.0.0.1", "trusted": TRUSTED,
                      "headers": [(b"x-forwarded-for", b"127.0.0.1, 203.0.113.9")]}, False,
                     id="spoofed-behind-the-proxy"),
        pytest.param({"allow": ()}, False, id="allowed-to-nobody"),
    ],
)  # fmt: skip
def test_metrics_are_there_for_those_allowed_and_else_as_if_the_path_were_unknown(arguments, shown):
    status, headers, body = ask("/metrics", **arguments)
    if shown:
        assert status == 200
        assert b"# TYPE authsvc_token_requests_total counter" in body
    else:
        unknown = ask("/metricz", **arguments)
        del headers[b"x-request-id"], unknown[1][b"x-request-id"]
        assert (status, headers, body) == unknown


def test_all_names_of_the_contract_are_there():
    text = ask("/metrics")[2].decode()
    for name in (
        "token_requests_total", "login_seconds", "remembered_total", "policy_version",
        "policy_age_seconds", "audit_pending", "audit_commit_seconds",
        "signing_certificate_expires_seconds", "source_up", "limited_total",
    ):  # fmt: skip
        assert f"# TYPE authsvc_{name} " in text
    assert "_created" not in text


def settings_with(url="http://localhost:5001", **server):
    plain = Settings()
    return plain.model_copy(
        update={"public_url": url, "server": plain.server.model_copy(update=server)}
    )


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        pytest.param(settings_with(), 0, id="PX-17-default"),
        pytest.param(settings_with(host="::1"), 0, id="PX-17-loopback-6"),
        pytest.param(settings_with(host="0.0.0.0"), 1, id="PX-17-all-addresses"),
        pytest.param(settings_with(host="::"), 1, id="PX-17-all-addresses-6"),
        pytest.param(settings_with(host="0.0.0.0", trusted_proxies=TRUSTED), 0, id="PX-17-proxy"),
        pytest.param(settings_with(host="0.0.0.0", tls_cert="c", tls_key="k"), 0, id="PX-17-tls"),
        pytest.param(settings_with(host="0.0.0.0", tls_cert="c"), 1, id="PX-17-half-tls"),
        pytest.param(settings_with("http://auth.example.com"), 1, id="PX-17-http-url"),
        pytest.param(settings_with("https://auth.example.com"), 0, id="PX-17-https-url"),
        pytest.param(settings_with("http://a.example", host="10.1.1.1"), 2, id="PX-17-both"),
    ],
)
def test_passwords_in_clear_show_in_readyz(settings, count):
    assert len(passwords_in_clear(settings)) == count
    assert transport_state(settings) == ("degraded" if count else "ok")
