"""Certificates that we make, as OpenSSL and the specifications see them."""

import subprocess

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from authsvc.errors import Invalid
from authsvc.keys.algorithms import ALGORITHMS, algorithm_of
from authsvc.keys.certificates import (
    ends,
    fingerprint,
    make_issuer,
    make_leaf,
    path_length,
    read_chain,
    read_key,
    signed,
    starts,
)
from authsvc.keys.jwks import entries, libtrust_id, thumbprint
from authsvc.keys.leaves import assemble

NOW = 1_790_000_000.0
DAY = 86400.0


def openssl(*arguments):
    done = subprocess.run(
        ["openssl", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def written(path, chain):
    from authsvc.keys.certificates import chain_pem

    path.write_bytes(chain_pem(chain))
    return path


def test_a_new_ca_is_for_registry_tokens_alone(tmp_path):
    issuer = make_issuer(NOW)
    text = openssl("x509", "-in", written(tmp_path / "ca", issuer.chain), "-noout", "-text")
    assert "CN = authsvc registry token CA" in text
    assert "CA:TRUE, pathlen:0" in text
    assert "X509v3 Key Usage: critical\n                Certificate Sign\n" in text
    assert starts(issuer.root).timestamp() == NOW - DAY
    assert 3650 <= (ends(issuer.root).timestamp() - NOW) / DAY <= 3653


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_a_leaf_verifies_strictly_and_starts_a_day_early(tmp_path, algorithm):
    issuer = make_issuer(NOW)
    _, chain = make_leaf(issuer, algorithm, NOW, 30)
    ca, leaf = written(tmp_path / "ca", issuer.chain), written(tmp_path / "leaf", chain)
    assert len(chain) == 1
    for at in (NOW - DAY + 1, NOW, NOW + 30 * DAY - 1):
        openssl("verify", "-x509_strict", "-attime", int(at), "-CAfile", ca, leaf)
    assert starts(chain[0]).timestamp() == NOW - DAY
    assert ends(chain[0]).timestamp() == NOW + 30 * DAY


def test_a_leaf_never_outlives_its_ca():
    issuer = make_issuer(NOW)
    late = ends(issuer.root).timestamp() - DAY
    _, chain = make_leaf(issuer, "ES256", late, 30)
    assert ends(chain[0]) == ends(issuer.root)
    with pytest.raises(Invalid, match="has ended"):
        make_leaf(issuer, "ES256", late + 2 * DAY, 30)


def test_two_installations_have_nothing_in_common():  # JW-16
    first, second = make_issuer(NOW), make_issuer(NOW)
    assert fingerprint(first.root) != fingerprint(second.root)
    assert first.root.subject != second.root.subject
    _, chain = make_leaf(first, "ES256", NOW, 30)
    assert signed(chain[0], first.root)
    assert not signed(chain[0], second.root)


def test_no_coordinate_of_a_made_key_has_a_leading_zero_byte():
    for _ in range(400):  # by chance three of so many would have one
        point = ALGORITHMS["ES256"].generate().public_key().public_numbers()
        assert min(point.x, point.y) >> 248


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(rsa.generate_private_key(65537, 1024), id="JW-17 RSA of 1024 bits"),
        pytest.param(ec.generate_private_key(ec.SECP192R1()), id="JW-17 P-192"),
        pytest.param(ec.generate_private_key(ec.SECP384R1()), id="P-384"),
        pytest.param(ec.generate_private_key(ec.SECP256K1()), id="secp256k1"),
    ],
)
def test_weak_and_unknown_keys_are_refused(key):
    with pytest.raises(Invalid):
        algorithm_of(key.public_key())


def test_the_libtrust_id_has_the_form_of_the_registrys():
    key = ALGORITHMS["ES256"].generate().public_key()
    groups = libtrust_id(key).split(":")
    assert [len(group) for group in groups] == [4] * 12


def test_the_thumbprint_is_that_of_rfc_7638_section_3_1():
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJ"
        "ECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW"
        "2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQ"
        "Fh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    jwk = jwt.PyJWK({"kty": "RSA", "e": "AQAB", "n": n, "alg": "RS256"})
    assert thumbprint(jwk.key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_a_key_is_listed_under_both_ids_with_public_members_only(algorithm):  # JW-15
    key = ALGORITHMS[algorithm].generate()
    listed = entries(key.public_key())
    assert [entry["kid"] for entry in listed] == [
        thumbprint(key.public_key()),
        libtrust_id(key.public_key()),
    ]
    members = {"ES256": {"crv", "x", "y"}, "RS256": {"n", "e"}}[algorithm]
    for entry in listed:
        assert set(entry) == {"kid", "kty", "use", "alg", *members}
        assert jwt.PyJWK(entry).key.public_numbers() == key.public_key().public_numbers()


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_signatures_are_what_pyjwt_verifies(algorithm):
    row, key = ALGORITHMS[algorithm], ALGORITHMS[algorithm].generate()
    sign = row.sign(key)
    verifier = jwt.get_algorithm_by_name(algorithm)
    # Some of these have an r or s shorter or longer than 32 bytes in DER.
    for number in range(300 if algorithm == "ES256" else 3):
        data = b"part.%d" % number
        assert verifier.verify(data, key.public_key(), sign(data))
        assert not verifier.verify(data + b"x", key.public_key(), sign(data))


def test_a_leaf_of_a_long_chain_carries_it_up_to_but_not_including_the_root(authority):
    root = authority("root", path_length=2)
    middle = authority("middle", path_length=1, above=root)
    low = authority("low", path_length=0, above=middle)
    from authsvc.keys.certificates import Issuer

    key, leaf = low.issue()
    for given in ((leaf,), (leaf, low.certificate), (leaf, *low.chain)):
        made = assemble(key, given, Issuer(low.chain, None))
        assert made.chain == (leaf, low.certificate, middle.certificate)
    # Where ca.crt holds the root alone, the file of the leaf has to hold the rest.
    with pytest.raises(Invalid, match="does not lead"):
        assemble(key, (leaf,), Issuer(root.chain, None))


def test_a_chain_through_what_is_no_ca_is_refused(authority):
    from authsvc.keys.certificates import Issuer

    root = authority("root")
    end = authority("end", above=root, ca=False)
    key, leaf = end.issue()
    with pytest.raises(Invalid, match="is no CA"):
        assemble(key, (leaf, end.certificate), Issuer(root.chain, None))
    below = authority("below", above=root)
    key, leaf = below.issue()
    with pytest.raises(Invalid, match="path length"):
        assemble(key, (leaf, below.certificate), Issuer(root.chain, None))


def test_path_length_knows_a_ca_from_what_is_none(authority):
    assert path_length(authority("a").certificate) == 0
    assert path_length(authority("b", path_length=None).certificate) is None
    with pytest.raises(Invalid):
        path_length(authority("c", ca=False).certificate)


@pytest.mark.parametrize("form", ["pkcs8", "traditional", "with parameters before it"])
def test_private_keys_in_the_forms_of_openssl_are_read(tmp_path, form):
    file = tmp_path / "key.pem"
    options = [] if form == "with parameters before it" else ["-noout"]
    openssl("ecparam", "-name", "prime256v1", "-genkey", *options, "-out", file)
    if form == "pkcs8":
        openssl("pkcs8", "-topk8", "-nocrypt", "-in", file, "-out", tmp_path / "pkcs8")
        file = tmp_path / "pkcs8"
    assert isinstance(read_key(file.read_bytes()), ec.EllipticCurvePrivateKey)


@pytest.mark.parametrize(
    "pem",
    [b"", b"garbage", b"-----BEGIN PRIVATE KEY-----", b"\x00\xff" * 100,
     b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"],
)  # fmt: skip
def test_what_is_no_key_and_no_certificate_is_a_fault_and_no_crash(pem):
    with pytest.raises(Invalid):
        read_key(pem)
    with pytest.raises(Invalid):
        read_chain(pem)
