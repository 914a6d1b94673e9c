"""A CA that also issues for others is refused (threat JW-20)."""

import pytest

from authsvc.errors import InvalidSettings
from authsvc.keys import roots
from authsvc.keys.certificates import Issuer, chain_pem, make_issuer


def check(issuer, tmp_path, *, tls=None, system=()):
    roots.check(issuer, place=tmp_path / "ca.crt", tls_cert=tls, system=system)


def written(path, *certificates):
    path.write_bytes(b"".join(chain_pem((c,)) for c in certificates))
    return path


def test_a_ca_of_ours_is_accepted_beside_the_trust_store_of_this_machine(tmp_path):
    assert roots.system_files()
    roots.check(make_issuer(1_790_000_000.0), place=tmp_path / "ca.crt", tls_cert=None)


@pytest.mark.parametrize("length", [None, 1, 2])
def test_a_path_length_other_than_zero_is_refused(authority, tmp_path, length):
    ca = authority("wide", path_length=length)
    with pytest.raises(InvalidSettings, match=r"path length.*keys\.allow_shared_root"):
        check(Issuer(ca.chain, ca.key), tmp_path)


def test_a_ca_of_the_trust_store_is_refused(authority, tmp_path):
    ca, other = authority("trusted"), authority("other")
    store = written(tmp_path / "store.pem", other.certificate, ca.certificate)
    odd = tmp_path / "odd.pem"
    odd.write_bytes(b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n")
    files = [tmp_path / "missing.pem", odd, store]
    with pytest.raises(InvalidSettings, match="trust store"):
        check(Issuer(ca.chain, None), tmp_path, system=files)
    check(Issuer(authority("third").chain, None), tmp_path, system=files)


def test_another_certificate_of_a_trusted_ca_is_the_same_ca(authority, tmp_path):
    ca = authority("trusted")
    crossed = authority("crossed", key=ca.key, above=authority("above", path_length=1))
    store = written(tmp_path / "store.pem", ca.certificate)
    with pytest.raises(InvalidSettings, match="trust store"):
        check(Issuer((crossed.certificate,), None), tmp_path, system=[store])


def test_a_ca_that_signed_the_tls_certificate_is_refused(authority, tmp_path):
    ca, other = authority("ours"), authority("other")
    _, below = ca.issue("localhost")
    _, stranger = other.issue("localhost")
    issuer = Issuer(ca.chain, ca.key)
    for name, certificates in {
        "signed": (below,),
        "with its chain": (stranger, ca.certificate),
    }.items():
        with pytest.raises(InvalidSettings, match="signed the TLS certificate"):
            check(issuer, tmp_path, tls=written(tmp_path / name, *certificates))
    check(issuer, tmp_path, tls=written(tmp_path / "stranger", stranger, other.certificate))
    check(issuer, tmp_path, tls=tmp_path / "missing")


def test_all_reasons_are_told_at_once(authority, tmp_path):
    ca = authority("everything", path_length=None)
    store = written(tmp_path / "store.pem", ca.certificate)
    _, below = ca.issue("localhost")
    tls = written(tmp_path / "tls.pem", below)
    with pytest.raises(InvalidSettings) as refused:
        check(Issuer(ca.chain, None), tmp_path, tls=tls, system=[store])
    assert len(refused.value.faults) == 3


def test_the_setting_accepts_a_shared_ca_and_its_absence_does_not(on_sqlite, authority):
    wide = authority("wide", path_length=None)
    wide.put(on_sqlite.path)
    with pytest.raises(InvalidSettings, match="allow_shared_root"):
        on_sqlite.init()
    assert on_sqlite.keys() == []
    accepted = on_sqlite.again(shared=True)
    accepted.init()
    assert accepted.signer()


def test_a_tls_certificate_below_the_ca_stops_the_start(on_sqlite, authority):
    ca = authority("ours")
    ca.put(on_sqlite.path)
    _, below = ca.issue("localhost")
    tls = written(on_sqlite.path.parent / "tls.pem", below)
    with pytest.raises(InvalidSettings, match="TLS certificate"):
        on_sqlite.again(tls_cert=tls).init()
