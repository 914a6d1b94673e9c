"""PX-13: TLS 1.2 or newer with forward secrecy; a renewed certificate without a restart."""

import ssl

import pytest
from served import parsed, read_all, request, until


def shown(served, context):
    with context.wrap_socket(served.connect()) as connection:
        connection.sendall(request("/pid"))
        assert parsed(read_all(connection))[0] == 200
        return connection.getpeercert(binary_form=True)


@pytest.fixture
def secure(serve, pki):
    return serve(tls_cert=str(pki.certificate), tls_key=str(pki.key))


def test_old_versions_and_ciphers_without_forward_secrecy_are_refused(secure, unverified):
    with unverified.wrap_socket(secure.connect()) as connection:
        assert connection.version() == "TLSv1.3"
    unverified.maximum_version = ssl.TLSVersion.TLSv1_2
    with unverified.wrap_socket(secure.connect()) as connection:
        assert connection.cipher()[0].startswith("ECDHE-ECDSA-")
        assert connection.compression() is None
    unverified.set_ciphers("AES128-GCM-SHA256:AES256-SHA:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError), unverified.wrap_socket(secure.connect()):
        pass


def test_tls_1_1_is_refused(secure, unverified):
    unverified.minimum_version = ssl.TLSVersion.TLSv1_2
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        unverified.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        unverified.maximum_version = ssl.TLSVersion.TLSv1_1
    unverified.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError), unverified.wrap_socket(secure.connect()):
        pass


@pytest.mark.parametrize("workers", [1, 2])
def test_a_renewed_certificate_is_used_for_new_connections_and_a_broken_one_is_not(
    serve, pki, unverified, workers
):
    served = serve(tls_cert=str(pki.certificate), tls_key=str(pki.key), workers=workers)
    until(lambda: len({worker(served, unverified) for _ in range(8)}) == workers)
    with unverified.wrap_socket(served.connect()) as old:
        second = pki.write()
        until(lambda: served.text().count("certificate was renewed") == workers)
        assert shown(served, unverified) == second
        pki.key.write_text("half a fi")
        until(lambda: "the renewed TLS certificate cannot be used" in served.text())
        assert shown(served, unverified) == second
        third = pki.write()
        until(lambda: served.text().count("certificate was renewed") == 2 * workers)
        assert shown(served, unverified) == third
        old.sendall(request("/pid"))
        assert parsed(read_all(old))[0] == 200


def worker(served, context):
    with context.wrap_socket(served.connect()) as connection:
        connection.sendall(request("/pid"))
        return parsed(read_all(connection))[2]


def test_a_certificate_that_has_expired_is_served_with_a_warning(serve, pki, unverified):
    pki.write(days=-1)
    served = serve(tls_cert=str(pki.certificate), tls_key=str(pki.key))
    assert "the TLS certificate has expired" in served.text()
    assert shown(served, unverified)


def test_files_that_cannot_be_used_stop_the_start(serve, pki):
    pki.key.write_text("no key")
    served = serve(tls_cert=str(pki.certificate), tls_key=str(pki.key), ready=False)
    assert served.wait() != 0
    assert f"InvalidSettings: server.tls_cert {pki.certificate}" in served.text()
    assert str(pki.key) in served.text()


def test_plain_http_on_the_tls_port_gets_nothing_and_hurts_nobody(secure, unverified):
    assert b"200" not in secure.get("/pid")
    assert shown(secure, unverified)


@pytest.mark.parametrize(
    ("server", "url", "said"),
    [
        pytest.param({"host": "0.0.0.0"}, None, ["without TLS"], id="PX-17-host"),
        pytest.param({}, "http://auth.example.com", ["public_url is http"], id="PX-17-url"),
        pytest.param({"host": "0.0.0.0"}, "http://a.example", ["without TLS", "public_url is http"],
                     id="PX-17-both"),
        pytest.param({}, "https://auth.example.com", [], id="PX-17-none"),
    ],
)  # fmt: skip
def test_passwords_in_clear_are_warned_about(serve, server, url, said):
    text = serve(public_url=url, **server).text()
    for part in ("without TLS", "public_url is http"):
        assert (part in text) == (part in said)


def test_a_key_that_everybody_can_read_is_warned_of(serve, pki):
    pki.key.chmod(0o644)
    service = serve(tls_cert=str(pki.certificate), tls_key=str(pki.key))
    assert "everybody can read the TLS key" in service.text()
    assert f"chmod o-rwx {pki.key}" in service.text()
