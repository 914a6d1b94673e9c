"""docker_auth as a peer: an ES256 key of its own, everything public, as little as it can do."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from processes import free_port, running

CONFIG = """\
server: {{addr: "127.0.0.1:{port}"}}
token: {{issuer: authsvc, expiration: 900, certificate: {folder}/peer.crt, key: {folder}/peer.key}}
users: {{"": {{}}}}
acl: [{{match: {{account: ""}}, actions: ["pull"]}}]
"""


@contextmanager
def docker_auth(folder: Path, binary: str, service: str) -> Iterator[tuple[int, str]]:
    """A running docker_auth; yields its process id and the URL that asks it for a token."""
    port = free_port()
    write_key(folder)
    config = folder / "peer.yml"
    config.write_text(CONFIG.format(port=port, folder=folder))
    url = f"http://127.0.0.1:{port}/auth?service={service}"
    ready = f"{url}&scope=repository:open/app:pull"
    with running([binary, str(config)], ready, log=folder / "peer.log") as pid:
        yield pid, url


def write_key(folder: Path) -> None:
    """A self-signed P-256 pair, as docker_auth's documentation describes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "peer")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1)).sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "peer.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "peer.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
