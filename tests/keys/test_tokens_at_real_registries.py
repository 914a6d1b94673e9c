"""One signed token, shown to distribution 2.8 and 3.1 set up by the stanza we print (JW-01)."""

import json
import os
import urllib.error
import urllib.request
from base64 import urlsafe_b64encode

import pytest
from real.process import Proc, free_port, listens, program

from authsvc.clock import SystemClock
from authsvc.keys import bundles

PROGRAMS = {2: "docker-registry", 3: "registry31"}
SERVICE = "reg.example:5000"


@pytest.fixture
def running(on_sqlite):
    """An installation in the present: registries have clocks of their own."""
    on_sqlite.clock.wall = SystemClock().now()
    on_sqlite.init()
    on_sqlite.clock.advance(2)
    return on_sqlite


@pytest.fixture
def started(running, tmp_path):
    """Starts a registry of a version that trusts what its stanza says; gives its port."""
    procs = []

    def start(version, key_header):
        folder = tmp_path / f"registry-{len(procs)}"
        folder.mkdir()
        with running.database.read() as session:
            trust = bundles.trust(session, key_header, version, running.clock.now())
        (folder / "trusted").write_bytes(trust.content)
        stanza = bundles.stanza(
            realm="http://localhost:1/token", service=SERVICE, issuer="authsvc",
            option=trust.option, path=str(folder / "trusted"),
        )  # fmt: skip
        port = free_port()
        config = folder / "config.yml"
        config.write_text(
            f"version: 0.1\nstorage: {{inmemory: {{}}}}\n"
            f'http: {{addr: "127.0.0.1:{port}", secret: of-no-use}}\n' + stanza
        )
        environ = os.environ | {"OTEL_TRACES_EXPORTER": "none"}
        argv = [program(PROGRAMS[version]), "serve", config]
        ready = lambda: listens(port)  # noqa: E731
        procs.append(Proc(argv, log=folder / "log", ready=ready, env=environ))
        return port

    yield start
    for proc in procs:
        proc.stop()


def token(installation, signer, **claims):
    now = int(installation.clock.now())
    access = [{"type": "repository", "name": "team/app", "actions": ["pull"]}]
    payload = {
        "iss": "authsvc", "sub": "alice", "aud": SERVICE, "exp": now + 300, "nbf": now - 60,
        "iat": now - 60, "jti": "one", "access": access, **claims,
    }  # fmt: skip
    body = urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=")
    signing_input = signer.header + b"." + body
    return (signing_input + b"." + signer.sign(signing_input)).decode()


def status(port, shown):
    """404 means accepted: the token was good and the repository is not there."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v2/team/app/tags/list",
        headers={"Authorization": f"Bearer {shown}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_one_x5c_token_is_good_at_every_version_and_after_rotation(running, started, algorithm):
    installation = running.again(algorithm=algorithm)
    installation.maker.renew_if_due()
    installation.clock.advance(2)
    ports = [started(version, "x5c") for version in (2, 3)]
    first = token(installation, installation.signer())
    assert [status(port, first) for port in ports] == [404, 404]
    installation.rotate()
    installation.clock.advance(2)
    second = token(installation, installation.signer())
    assert second.split(".")[0] != first.split(".")[0]
    assert [status(port, second) for port in ports] == [404, 404]
    assert [status(port, first) for port in ports] == [404, 404]
    spoiled = second[:-4] + ("AAAA" if second[-4:] != "AAAA" else "BBBB")
    assert [status(port, spoiled) for port in ports] == [401, 401]


def test_a_token_of_another_installation_is_refused_everywhere(running, started):
    ports = [started(version, "x5c") for version in (2, 3)]
    from authsvc.keys.certificates import make_issuer, make_leaf
    from authsvc.keys.keyring import signer_for
    from authsvc.keys.leaves import assemble

    issuer = make_issuer(running.clock.now())
    leaf = assemble(*make_leaf(issuer, "ES256", running.clock.now(), 30), issuer)
    stranger = token(running, signer_for(leaf, "x5c"))
    assert [status(port, stranger) for port in ports] == [401, 401]


def test_a_libtrust_token_is_good_where_its_file_was_read_in_time(running, started):
    running.add_registry(SERVICE, key_header="libtrust")
    (kid,) = running.pinned().values()
    ports = [started(version, "libtrust") for version in (2, 3)]
    first = token(running, running.libtrust(kid))
    assert [status(port, first) for port in ports] == [404, 404]

    published = running.rotate().made["kid"]
    unknown = token(running, running.libtrust(published))
    assert [status(port, unknown) for port in ports] == [401, 401]

    restarted = [started(version, "libtrust") for version in (2, 3)]
    running.rotate(activate=True)
    (kid,) = running.pinned().values()
    assert kid == published
    after = token(running, running.libtrust(kid))
    assert [status(port, after) for port in restarted] == [404, 404]
    assert [status(port, first) for port in restarted] == [404, 404]


def test_a_chain_with_an_intermediate_is_good_everywhere(running, authority, started):
    root = authority("root", path_length=1)
    low = authority("low", above=root)
    low.put(running.path)
    shared = running.again(shared=True)
    shared.init(new_ca=True)
    shared.clock.advance(2)
    ports = [started(version, "x5c") for version in (2, 3)]
    shown = token(shared, shared.signer())
    assert [status(port, shown) for port in ports] == [404, 404]
