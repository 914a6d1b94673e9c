"""X.509: making the CA and its signing certificates, and reading what somebody else made.

The CA is for registry tokens alone: a registry takes tokens from any certificate below a root
that it trusts (protocol.md 1.4), so path length 0 and no other use.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from authsvc.clock import utc
from authsvc.errors import Invalid

from .algorithms import ALGORITHMS, PrivateKey

HEAD_START = timedelta(hours=24)  # registries check a chain's dates without any leeway
CA_LIFE = timedelta(days=3652)  # ten years


@dataclass(frozen=True, slots=True)
class Issuer:
    """A CA: `chain` is its certificate and those above it, the root last; `key` None = offline."""

    chain: tuple[x509.Certificate, ...]
    key: PrivateKey | None

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate that signs leaves."""
        return self.chain[0]

    @property
    def root(self) -> x509.Certificate:
        """What registries trust."""
        return self.chain[-1]


def make_issuer(now: float) -> Issuer:
    """A new CA with a name of its own, so that two of them are never mistaken for each other."""
    key = ALGORITHMS["ES256"].generate()
    name = _name(f"authsvc registry token CA {secrets.token_hex(4)}")
    public = key.public_key()
    certificate = (
        _builder(name, name, public, now)
        .not_valid_after(utc(now) + CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Issuer((certificate,), key)


def make_leaf(
    issuer: Issuer, algorithm: str, now: float, days: int
) -> tuple[PrivateKey, tuple[x509.Certificate, ...]]:
    """A signing key with its chain (leaf first, without the root), living `days` from now.

    Raises Invalid when the CA's key is not here or the CA itself has ended.
    """
    if issuer.key is None:
        raise Invalid("the key of the CA is not here", advice="see docs/keys.md, offline CA")
    end = min(utc(now) + timedelta(days=days), *(ends(c) for c in issuer.chain))
    if end <= utc(now):
        raise Invalid("the CA has ended", advice="make a new one: authsvc init --new-ca")
    key = ALGORITHMS[algorithm].generate()
    public = key.public_key()
    name = _name(f"authsvc registry token signing {secrets.token_hex(4)}")
    certificate = (
        _builder(name, issuer.certificate.subject, public, now)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(_authority(issuer), critical=False)
        .sign(issuer.key, hashes.SHA256())
    )
    return key, (certificate, *issuer.chain[:-1])


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    now: float,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(utc(now) - HEAD_START)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _authority(issuer: Issuer) -> x509.AuthorityKeyIdentifier:
    """By the issuer's own identifier where it has one: another's need not be a SHA-1."""
    try:
        own = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        key = issuer.certificate.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
            raise Invalid("the key of the CA is neither elliptic nor RSA") from None
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value)


def ends(certificate: x509.Certificate) -> datetime:
    """When it ends, aware."""
    return certificate.not_valid_after_utc


def starts(certificate: x509.Certificate) -> datetime:
    """When it starts, aware."""
    return certificate.not_valid_before_utc


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 over the certificate's DER, in hex."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether `issuer` signed `certificate`, by name and by signature."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def path_length(certificate: x509.Certificate) -> int | None:
    """How many CAs may stand below this one, None for any number. Raises Invalid for no CA."""
    try:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, ValueError):
        basic = None
    if basic is None or not basic.ca:
        raise Invalid("the certificate is no CA (basicConstraints does not say CA:TRUE)")
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return basic.path_length
    if not usage.key_cert_sign:
        raise Invalid("the CA may not sign certificates (keyUsage lacks keyCertSign)")
    return basic.path_length


def key_pem(key: PrivateKey) -> bytes:
    """The private key as PKCS #8 without passphrase."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def chain_pem(chain: tuple[x509.Certificate, ...]) -> bytes:
    """Certificates as PEM, one after the other."""
    return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in chain)


def read_chain(pem: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM text. Raises Invalid when there are none or one is broken."""
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError:
        raise Invalid("holds no PEM certificate that can be read") from None


def read_key(pem: bytes) -> PrivateKey:
    """The private key of a PEM text, which may hold certificates too.

    Raises Invalid when there is none, it has a passphrase, or it is of another kind.
    """
    start, end = pem.find(b"-----BEGIN "), 0
    while start >= 0:
        line = pem[start : pem.find(b"\n", start)]
        end = pem.find(b"-----END ", start)
        end = pem.find(b"-----", end + 9) + 5 if end >= 0 else len(pem)
        if b"PRIVATE KEY" in line:
            return _load_key(pem[start:end] + b"\n")
        start = pem.find(b"-----BEGIN ", end)
    raise Invalid("holds no PEM private key")


def _load_key(pem: bytes) -> PrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Invalid("its private key cannot be read, or has a passphrase") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise Invalid("its private key is neither elliptic nor RSA")
    return key
