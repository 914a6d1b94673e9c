"""How a domain controller is reached: by LDAPS or StartTLS, with a good certificate, or not."""

import pytest
from identity.parts import NOW
from real.authority import Authority
from real.domain import READERS_NAMES, password_of

from authsvc.errors import Unavailable
from authsvc.identity.provider import Rejected, Verified

WAYS = [
    pytest.param("ldaps://{host}:636", False, id="LDAPS"),
    pytest.param("ldap://{host}:389", True, id="StartTLS"),
]


def wrong_passwords_of(domain, name):
    found = domain.find(f"(sAMAccountName={name})", "badPwdCount").splitlines()
    counts = [line.split(": ")[1] for line in found if line.startswith("badPwdCount: ")]
    return int(counts[0]) if counts else 0


@pytest.mark.parametrize(
    "reader", [pytest.param(name, id=name.replace("\\", "-")) for name in READERS_NAMES]
)
@pytest.mark.parametrize(("url", "start_tls"), WAYS)
def test_people_sign_in_over_tls_whichever_name_the_service_account_binds_by(
    corp, url, start_tls, reader
):
    source = corp(url.format(host="localhost"), start_tls=start_tls, bind_dn=reader)
    assert isinstance(source.verify("lana", password_of("lana"), NOW), Verified)
    assert source.verify("bob", "wrong", NOW) == Rejected("wrong_password")
    assert source.verify("bob", password_of("bob"), NOW).principal.name == "bob"
    assert source.state() == "ok"


@pytest.mark.parametrize(("url", "start_tls"), WAYS)
def test_a_controller_with_a_certificate_of_another_ca_is_told_nothing(
    corp, domain, eve, tmp_path, url, start_tls
):
    foreign = Authority(tmp_path, "A CA that did not sign it")
    source = corp(url.format(host="localhost"), start_tls=start_tls, ca_file=str(foreign.ca))
    with pytest.raises(Unavailable):
        source.verify(eve.name, "wrong", NOW)
    assert wrong_passwords_of(domain, eve.name) == 0
    assert source.state() == "degraded"


@pytest.mark.parametrize(("url", "start_tls"), WAYS)
def test_a_controller_of_another_name_is_told_nothing(corp, domain, eve, url, start_tls):
    source = corp(url.format(host="127.0.0.2"), start_tls=start_tls)
    with pytest.raises(Unavailable):
        source.verify(eve.name, "wrong", NOW)
    assert wrong_passwords_of(domain, eve.name) == 0


@pytest.mark.parametrize("password", ["right", "wrong"])
def test_a_bind_in_the_clear_is_refused_and_says_nothing_of_the_password(
    corp, domain, eve, capsys, password
):
    source = corp(domain.url)
    with pytest.raises(Unavailable):
        source.verify(eve.name, eve.password if password == "right" else password, NOW)
    assert source.state() == "degraded"
    assert "result 8" in capsys.readouterr().err
    assert wrong_passwords_of(domain, eve.name) == 0


@pytest.mark.parametrize(
    ("dn", "password"),
    [
        pytest.param(READERS_NAMES[0], "wrong", id="wrong password"),
        pytest.param("nobody@ad.test", "wrong", id="nobody"),
        pytest.param("", "", id="no service account"),
    ],
)
def test_a_service_account_that_may_not_search_is_no_answer_about_anybody(corp, dn, password):
    source = corp(bind_dn=dn, bind_password=password)
    with pytest.raises(Unavailable):
        source.verify("lana", password_of("lana"), NOW)
    with pytest.raises(Unavailable):
        source.verify("nobody", "wrong", NOW)


def test_one_wrong_password_is_one_for_the_domain(corp, domain, eve):
    """Its own limit would else be reached by fewer guesses than were made."""
    source = corp()
    assert source.verify(eve.name, "wrong", NOW) == Rejected("wrong_password")
    assert wrong_passwords_of(domain, eve.name) == 1


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("", id="empty"),
        pytest.param("\0", id="NUL"),
        pytest.param("x" * 5_000, id="too long"),
    ],
)
def test_what_is_no_password_never_reaches_the_domain(corp, domain, eve, password):
    source = corp()
    assert source.verify(eve.name, password, NOW) == Rejected("wrong_password")
    assert wrong_passwords_of(domain, eve.name) == 0
