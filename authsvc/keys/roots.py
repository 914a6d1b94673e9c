"""Whether a CA is for registry tokens alone (threat JW-20).

Any certificate below the root may mint tokens, whoever asked for it and whatever it was for.
"""

import base64
import re
import ssl
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from authsvc.errors import Invalid, InvalidSettings

from .certificates import Issuer, path_length, read_chain, signed

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_ADVICE = (
    "every certificate below this CA could mint registry tokens; use one that is for tokens "
    "alone, or accept that with keys.allow_shared_root = true"
)


def check(
    issuer: Issuer, *, place: Path, tls_cert: Path | None, system: Iterable[Path] | None = None
) -> None:
    """Refuse a CA that also issues for others. Raises InvalidSettings with all reasons.

    `place` is the file that the CA stands in; `system` are the files of the trust store, by
    default those of this machine's OpenSSL.
    """
    faults = [*_shapes(issuer), *_uses(issuer, tls_cert, system)]
    if faults:
        raise InvalidSettings(
            f"{place}: {faults[0]}",
            advice=_ADVICE,
            faults=[(str(place), text) for text in faults],
        )


def _shapes(issuer: Issuer) -> list[str]:
    if path_length(issuer.root) == 0:
        return []
    return ["the CA may have other CAs below it: its path length is not 0"]


def _uses(issuer: Issuer, tls_cert: Path | None, system: Iterable[Path] | None) -> list[str]:
    found = []
    if tls_cert is not None and _issued(issuer, tls_cert):
        found.append(f"the CA signed the TLS certificate {tls_cert}")
    if _trusts(system_files() if system is None else system, _key(issuer.root)):
        found.append("the CA stands in the trust store of this system")
    return found


def _issued(issuer: Issuer, tls_cert: Path) -> bool:
    """Whether any certificate of the file stands below the CA, or is the CA."""
    try:
        chain = read_chain(tls_cert.read_bytes())
    except (OSError, Invalid):
        return False  # serving with it fails with a better text than this check has
    ours = {_key(c) for c in issuer.chain}
    return any(_key(c) in ours or any(signed(c, above) for above in issuer.chain) for c in chain)


def _key(certificate: x509.Certificate) -> bytes:
    """By its public key: a cross-signed certificate of the same CA is the same CA."""
    key = certificate.public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def system_files() -> tuple[Path, ...]:
    """The files of OpenSSL's default trust store, those of the environment included."""
    paths = ssl.get_default_verify_paths()
    files = [Path(p) for p in (paths.cafile, paths.openssl_cafile) if p]
    for folder in {p for p in (paths.capath, paths.openssl_capath) if p}:
        for part in folder.split(":"):
            files += sorted(Path(part).glob("*")) if Path(part).is_dir() else []
    return tuple(dict.fromkeys(file.resolve() for file in files if file.is_file()))


def _trusts(files: Iterable[Path], key: bytes) -> bool:
    """Whether a certificate of these files holds this public key.

    Its encoding stands in the certificate's as it is, so none of them need be parsed: trust
    stores hold certificates that strict readers refuse. What cannot be read trusts nobody.
    """
    for file in files:
        try:
            content = file.read_bytes()
        except OSError:
            continue
        if any(key in _der(block) for block in _BLOCK.findall(content)):
            return True
    return False


def _der(base64_text: bytes) -> bytes:
    try:
        return base64.b64decode(base64_text)
    except ValueError:
        return b""
