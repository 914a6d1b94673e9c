"""Tokens as they look when their time has come, signed by the service's own key."""

import base64
from pathlib import Path

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from real.wire import claims, header


def aged(token: str, certs_dir: Path, *, seconds: int = 3600) -> str:
    """The same token, as if it had been given so many seconds earlier."""
    named = header(token)
    certificate = x509.load_der_x509_certificate(base64.b64decode(named["x5c"][0]))
    times = {name: claims(token)[name] - seconds for name in ("exp", "nbf", "iat")}
    return jwt.encode(
        claims(token) | times,
        _key_of(certificate, certs_dir),
        algorithm=named["alg"],
        headers=named,
    )


def _key_of(certificate: x509.Certificate, certs_dir: Path):
    """The private key in the folder that belongs to a certificate."""
    for path in certs_dir.rglob("*"):
        if not path.is_file() or b"PRIVATE KEY" not in (pem := path.read_bytes()):
            continue
        key = serialization.load_pem_private_key(pem, None)
        if key.public_key() == certificate.public_key():
            return key
    raise LookupError(f"no key of {certificate.subject} in {certs_dir}")
