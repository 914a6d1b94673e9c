"""Whom a source takes for its directory: certificates, names, protocol versions, StartTLS."""

import ssl

import pytest
from identity.parts import NOW
from ldap_fixtures import ldap_source
from real.authority import Authority
from real.company import PASSWORDS, settle
from real.hostile_ldap import injecting, serving, stripping
from real.slapd import Slapd

from authsvc.errors import Unavailable
from authsvc.identity.ldap.tls import context_of
from authsvc.identity.provider import Verified

LANAS = PASSWORDS["lana"]
WAYS = [pytest.param(False, id="ldaps"), pytest.param(True, id="StartTLS")]


@pytest.fixture(scope="module")
def foreign(rt):
    folder = rt / "foreign-ca"
    folder.mkdir()
    return Authority(folder, "A CA that nobody trusts")


@pytest.fixture(scope="module")
def directory(rt, foreign):
    """Makes directories by the word for what is wrong with their certificate; each once."""
    made = {}

    def get(fault):
        if fault not in made:
            folder = rt / f"tls-{len(made)}"
            scratch = rt / f"pki-{len(made)}"
            scratch.mkdir()
            own = Authority(scratch)
            certificate = {
                "foreign": lambda: foreign.server("foreign", "localhost", "127.0.0.1"),
                "wrong name": lambda: own.server("wrong", "other.example.com", "127.0.0.2"),
                "expired": lambda: own.server("expired", "localhost", "127.0.0.1", days=-1),
                "no names": lambda: own.server("localhost"),
                "old": lambda: own.server("old", "localhost", "127.0.0.1"),
            }[fault]()
            tls = "TLSCipherSuite NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0" * (fault == "old")
            made[fault] = settle(Slapd(folder, tls=tls, certificate=certificate).start())
            made[fault].authority = own
        return made[fault]

    yield get
    for server in made.values():
        server.stop()


def source_at(sources, server, start_tls, host="127.0.0.1", **settings):
    port = server.port if start_tls else server.tls_port
    scheme = "ldap" if start_tls else "ldaps"
    settings = {"ca_file": str(server.authority.ca)} | settings
    return sources(f"{scheme}://{host}:{port}", start_tls=start_tls, **settings)


@pytest.mark.parametrize("start_tls", WAYS)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_good_certificate_is_good_by_address_and_by_name(slapd, sources, start_tls, host):
    corp = source_at(sources, slapd, start_tls, host)
    assert isinstance(corp.verify("lana", LANAS, NOW), Verified)
    assert corp.state() == "ok"
    lines = [line for line in slapd.said() if " TLS established" in line]
    assert lines
    assert all("tls_ssf=256" in line or "tls_ssf=128" in line for line in lines)


@pytest.mark.parametrize("start_tls", WAYS)
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("foreign", id="signed by another CA"),
        pytest.param("wrong name", id="of another server"),
        pytest.param("expired", id="expired"),
        pytest.param("no names", id="named by its subject alone"),
        pytest.param("old", id="LD-12 TLS 1.1 at most"),
    ],
)
def test_a_directory_without_a_good_certificate_is_told_nothing(
    directory, sources, start_tls, fault, capsys
):
    server = directory(fault)
    before = len(server.said())
    corp = source_at(sources, server, start_tls)
    with pytest.raises(Unavailable) as refused:
        corp.verify("lana", LANAS, NOW)
    assert refused.value.retry_after >= 1
    assert corp.state() == "degraded"
    assert not [line for line in server.said()[before:] if " BIND " in line]
    corp.refresh()
    assert capsys.readouterr().err.count("directory server not usable") == 1


def test_no_version_before_tls_1_2_is_offered(slapd):
    """LD-12, also where the machine's own OpenSSL would let them pass."""
    context = context_of(ldap_source(slapd.tls_url))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("start_tls", WAYS)
def test_checking_ends_only_by_the_setting_and_for_that_source_alone(directory, sources, start_tls):
    """LD-23: options of TLS are a connection's own, whatever another source was told before."""
    server = directory("foreign")
    careless = source_at(sources, server, start_tls, name="careless", tls_verify=False)
    careful = source_at(sources, server, start_tls, name="careful")
    for _ in range(2):
        assert isinstance(careless.verify("lana", LANAS, NOW), Verified)
        with pytest.raises(Unavailable):
            careful.verify("lana", LANAS, NOW)


def test_without_a_ca_file_the_machine_s_own_list_counts(slapd, sources):
    corp = source_at(sources, slapd, start_tls=False, ca_file=None)
    with pytest.raises(Unavailable):
        corp.verify("lana", LANAS, NOW)


def test_a_ca_file_may_come_later_than_the_start(slapd, sources, tmp_path):
    ticks = [1_000.0]
    late = tmp_path / "ca.crt"
    corp = source_at(sources, slapd, False, ca_file=str(late), timer=lambda: ticks[0])
    with pytest.raises(Unavailable):
        corp.verify("lana", LANAS, NOW)
    late.write_bytes(slapd.authority.ca.read_bytes())
    ticks[0] += 5
    assert isinstance(corp.verify("lana", LANAS, NOW), Verified)


@pytest.mark.parametrize(
    "server", [pytest.param(stripping, id="refused"), pytest.param(injecting, id="injected")]
)
def test_nothing_is_said_in_the_clear_when_starttls_is_stripped(slapd, sources, server):
    seen = []
    with serving(server(seen)) as port:
        corp = sources(f"ldap://127.0.0.1:{port}", start_tls=True, ca_file=str(slapd.authority.ca))
        with pytest.raises(Unavailable):
            corp.verify("lana", LANAS, NOW)
    said = b"".join(seen)
    assert b"cn=reader" not in said
    assert b"secret" not in said
