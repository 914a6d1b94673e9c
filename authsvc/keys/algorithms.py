"""The signature algorithms of registry tokens: one table, one row each (RFC 7518 section 3).

ES256 and RS256 are what distribution 2.8 and 3 both accept (protocol.md 1.3).
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from authsvc.errors import Invalid

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
Sign = Callable[[bytes], bytes]

RSA_BITS = 2048
_COORDINATE = 32  # bytes of a P-256 coordinate, and of r and s
_SHA256 = hashes.SHA256()


@dataclass(frozen=True, slots=True)
class Algorithm:
    """What one algorithm needs.

    `generate` makes a key, `sign` gives a function from the signing input to the raw signature,
    `members` are those members of the public JWK that its thumbprint is made of.
    """

    name: str
    generate: Callable[[], PrivateKey]
    sign: Callable[[PrivateKey], Sign]
    members: Callable[[PublicKey], Mapping[str, str]]


def algorithm_of(key: object) -> Algorithm:
    """The algorithm that a public key is for. Raises Invalid for any other or a weak key."""
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return ALGORITHMS["ES256"]
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= RSA_BITS:
        return ALGORITHMS["RS256"]
    raise Invalid(
        "the key is neither P-256 (ES256) nor RSA of 2048 bits or more (RS256)",
        advice="make one that is: authsvc keys rotate",
    )


def base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _generate_p256() -> PrivateKey:
    """A P-256 key whose coordinates have no leading zero byte.

    distribution 3.1 strips such bytes before it computes a thumbprint, so that about one key in
    128 would have another name there than by RFC 7638 (protocol.md 1.4).
    """
    while True:
        key = ec.generate_private_key(ec.SECP256R1())
        point = key.public_key().public_numbers()
        if min(point.x, point.y).bit_length() > 8 * (_COORDINATE - 1):
            return key


def _generate_rsa() -> PrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)


def _sign_es256(key: PrivateKey) -> Sign:
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("an ES256 key is elliptic")
    sign, how = key.sign, ec.ECDSA(_SHA256)

    def raw(data: bytes) -> bytes:
        return _raw(sign(data, how))

    return raw


def _raw(der: bytes) -> bytes:
    """`r || s` of a P-256 signature in DER: SEQUENCE { INTEGER r, INTEGER s }.

    Every length fits in one byte: both integers have at most 33. By hand, since the library's
    `decode_dss_signature` costs 2 us of every token.
    """
    end = 4 + der[3]
    r, s = der[4:end], der[end + 2 :]
    return r[-_COORDINATE:].rjust(_COORDINATE, b"\0") + s[-_COORDINATE:].rjust(_COORDINATE, b"\0")


def _sign_rs256(key: PrivateKey) -> Sign:
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("an RS256 key is RSA")
    sign, how = key.sign, padding.PKCS1v15()

    def raw(data: bytes) -> bytes:
        return sign(data, how, _SHA256)

    return raw


def _ec_members(key: PublicKey) -> Mapping[str, str]:
    """RFC 7518 section 6.2.1: coordinates in full length, leading zeros included."""
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise TypeError("an ES256 key is elliptic")
    point = key.public_numbers()
    x, y = (base64url(n.to_bytes(_COORDINATE, "big")) for n in (point.x, point.y))
    return {"crv": "P-256", "kty": "EC", "x": x, "y": y}


def _rsa_members(key: PublicKey) -> Mapping[str, str]:
    """RFC 7518 section 6.3.1: numbers in as few bytes as they need."""
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("an RS256 key is RSA")
    numbers = key.public_numbers()
    return {"e": _number(numbers.e), "kty": "RSA", "n": _number(numbers.n)}


def _number(value: int) -> str:
    return base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


ALGORITHMS: Mapping[str, Algorithm] = {
    row.name: row
    for row in (
        Algorithm("ES256", _generate_p256, _sign_es256, _ec_members),
        Algorithm("RS256", _generate_rsa, _sign_rs256, _rsa_members),
    )
}
