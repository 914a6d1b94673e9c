"""docker_auth as a peer, with a key and rules of its own."""

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from processes import free_port, running

READY = "repository:ready/ready:pull"  # a rule that is always there grants this
LIFE = dt.timedelta(days=9)


@dataclass(frozen=True)
class Peer:
    """What a docker_auth is set up with: its rules in their order, its people, its directory."""

    algorithm: str = "ES256"
    acl: list[dict[str, Any]] = field(default_factory=list)
    users: dict[str, Any] = field(default_factory=dict)
    directory: dict[str, Any] | None = None


@contextmanager
def docker_auth(folder: Path, binary: str, service: str, peer: Peer) -> Iterator[tuple[int, str]]:
    """A running docker_auth; yields its process id and the URL that asks it for a token."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    write_key(folder, peer.algorithm)
    config = folder / "peer.yml"
    config.write_text(json.dumps(settings(folder, port, peer)))
    url = f"http://127.0.0.1:{port}/auth?service={service}"
    with running([binary, str(config)], f"{url}&scope={READY}", log=folder / "peer.log") as pid:
        yield pid, url


def settings(folder: Path, port: int, peer: Peer) -> dict[str, Any]:
    """Its configuration, as its reference says; JSON is YAML."""
    token = {"issuer": "authsvc", "expiration": 900, "certificate": str(folder / "peer.crt"),
             "key": str(folder / "peer.key")}  # fmt: skip
    ready = {"match": {"account": "", "name": "ready/ready"}, "actions": ["pull"]}
    made = {
        "server": {"addr": f"127.0.0.1:{port}"},
        "token": token,
        "users": {"": {}, **peer.users},
        "acl": [*peer.acl, ready],
    }
    return made if peer.directory is None else {**made, "ldap_auth": peer.directory}


def write_key(folder: Path, algorithm: str) -> None:
    """A key of that algorithm and a certificate of its own."""
    elliptic = algorithm == "ES256"
    key = (
        ec.generate_private_key(ec.SECP256R1())
        if elliptic
        else rsa.generate_private_key(65537, 2048)
    )
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "peer")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name)
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - LIFE).not_valid_after(now + LIFE).sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )  # fmt: skip
    (folder / "peer.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "peer.key").write_bytes(private)
