"""What a registry is given to trust: the root, or for `libtrust` the signing keys themselves."""

import json
from dataclasses import dataclass

from sqlalchemy.orm import Session

from authsvc.errors import Conflict

from . import rows
from .certificates import chain_pem, read_chain
from .jwks import document


@dataclass(frozen=True, slots=True)
class Trust:
    """What the `auth.token` section of a registry says of keys: an option and its file."""

    option: str
    content: bytes


def root(session: Session) -> bytes:
    """The root in PEM. Raises Conflict before `init`."""
    authority = rows.authority(session)
    if authority is None:
        raise Conflict("there is no CA for registry tokens yet", advice="run: authsvc init")
    return authority.certificate.encode("ascii")


def signing(session: Session, now: float) -> bytes:
    """The signing certificates in PEM, without their chains: trusted one by one, by key id."""
    listed = rows.listed_now(rows.read(session), now)
    if not listed:
        raise Conflict("there is no signing key yet", advice="run: authsvc init")
    return b"".join(chain_pem(read_chain(row.certificate.encode())[:1]) for row in listed)


def key_set(session: Session, now: float) -> bytes:
    """The JWKS: every key whose tokens can be valid, under both of its ids."""
    return document(row.public_key for row in rows.listed_now(rows.read(session), now))


def trust(session: Session, key_header: str, version: int, now: float) -> Trust:
    """What the stanza of a registry names (protocol.md 1.4).

    The root does for `x5c` on every version. A `libtrust` registry finds the key by its libtrust
    id: version 2 among the certificates of its bundle, version 3 in a JWKS file alone, since it
    names the keys of its bundle by RFC 7638.
    """
    if key_header == "x5c":
        return Trust("rootcertbundle", root(session))
    if version == 2:
        return Trust("rootcertbundle", signing(session, now))
    return Trust("jwks", key_set(session, now))


def stanza(*, realm: str, service: str, issuer: str, option: str, path: str) -> str:
    """The `auth` section of a registry's configuration, in YAML.

    Values are JSON strings, which YAML reads as text whatever they look like.
    """
    lines = [("realm", realm), ("service", service), ("issuer", issuer), (option, path)]
    body = "".join(f"    {key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in lines)
    return f"auth:\n  token:\n{body}"
