"""What a directory may answer beside yes and no, and what a source makes of it."""

from contextlib import closing

import pytest
from identity.parts import NOW
from ldap_fixtures import ldap_source
from real import hostile_ldap
from real.company import PASSWORDS
from real.slapd import PEOPLE, READER, READERS_PASSWORD, entry

from authsvc.errors import Unavailable
from authsvc.identity.ldap.provider import Ldap
from authsvc.identity.ldap.servers import DOWN_FOR
from authsvc.identity.provider import Rejected, Verified

LANAS = PASSWORDS["lana"]


def is_lana(corp):
    return isinstance(corp.verify("lana", LANAS, NOW), Verified)


@pytest.mark.parametrize("code", [1, 2, 3, 8, 10, 11, 13, 51, 52, 80])
def test_a_bind_that_is_not_decided_is_no_wrong_password(slapd, second, sources, code):
    with hostile_ldap.serving(hostile_ldap.between(slapd.port, "uid=lana", code)) as port:
        corp = sources(f"ldap://127.0.0.1:{port}")
        with pytest.raises(Unavailable):
            corp.verify("lana", LANAS, NOW)
        assert isinstance(corp.verify("bob", PASSWORDS["bob"], NOW), Verified)
        assert corp.state() == "ok"
        assert is_lana(sources(f"ldap://127.0.0.1:{port}", second.url))


@pytest.mark.parametrize(
    ("code", "text", "reason"),
    [
        (49, "", "wrong_password"),
        (49, "80090308: LdapErr: DSID-0C09, comment: x, data 52e, v4f7c", "wrong_password"),
        (49, "80090308: LdapErr: DSID-0C09, comment: x, data 533, v4f7c", "disabled"),
        (49, "80090308: LdapErr: DSID-0C09, comment: x, data 775, v4f7c", "locked"),
        (49, "80090308: LdapErr: DSID-0C09, comment: x, data 532, v4f7c", "password_expired"),
        (49, "80090308: LdapErr: DSID-0C09, comment: x, data 773, v4f7c", "must_change_password"),
        (49, "80090308: LdapErr: DSID-0C09, comment: x, data 701, v4f7c", "account_expired"),
        (19, "", "wrong_password"),
        (32, "", "wrong_password"),
        (48, "", "wrong_password"),
        (53, "", "wrong_password"),
    ],
)
def test_a_bind_that_is_refused_is_a_no_with_its_reason(slapd, sources, code, text, reason):
    relay = hostile_ldap.between(slapd.port, "uid=lana", code, text)
    with hostile_ldap.serving(relay) as port:
        corp = sources(f"ldap://127.0.0.1:{port}")
        assert corp.verify("lana", LANAS, NOW) == Rejected(reason)


def test_referrals_lead_nowhere(slapd_of_its_own, sources):
    """Whoever may write one would be shown the service account's password."""
    accepted = []
    with hostile_ldap.serving(hostile_ldap.counting(accepted)) as port:
        elsewhere = f"ldap://127.0.0.1:{port}/{PEOPLE}"
        slapd_of_its_own.add([
            entry(f"ou=away,{PEOPLE}", ["referral", "extensibleObject"], ou="away", ref=elsewhere)
        ])  # fmt: skip
        assert is_lana(sources(slapd_of_its_own.url))
        corp = sources(slapd_of_its_own.url, user_base=f"ou=away,{PEOPLE}")
        with pytest.raises(Unavailable):
            corp.verify("lana", LANAS, NOW)
    assert accepted == []


@pytest.mark.parametrize(
    "settings",
    [
        {"user_filter": "(uid={username}"},
        {"user_filter": "uid={username}"},
        {"active_filter": "(!(x=y)"},
        {"group_filter": "nonsense"},
    ],
)
def test_a_filter_that_does_not_parse_lets_nobody_in(slapd, settings):
    """No settings file gets one so far; if one did."""
    corp = Ldap(ldap_source(slapd.url).model_copy(update=settings))
    with closing(corp), pytest.raises(Unavailable):
        corp.verify("lana", LANAS, NOW)


def test_a_wrong_service_account_is_unavailable_and_said_once(
    slapd_of_its_own, sources, running, capsys
):
    """LD-22: also for a person who is right, and only until the account is mended."""
    corp = sources(slapd_of_its_own.url, timer=running)
    slapd_of_its_own.set_password(READER, "changed by somebody")
    for _ in range(3):
        with pytest.raises(Unavailable):
            corp.verify("lana", LANAS, NOW)
        running.ahead += DOWN_FOR
    assert corp.state() == "degraded"
    said = capsys.readouterr().err
    assert said.count("refuses the service account") == 1
    assert READERS_PASSWORD not in said
    slapd_of_its_own.set_password(READER, READERS_PASSWORD)
    assert is_lana(corp)
    assert corp.state() == "ok"


def test_a_refused_service_account_is_not_tried_for_every_caller(
    slapd_of_its_own, sources, running
):
    """Or the directory would lock it."""
    corp = sources(slapd_of_its_own.url, timer=running)
    slapd_of_its_own.set_password(READER, "changed by somebody")
    for _ in range(20):
        with pytest.raises(Unavailable):
            corp.verify("lana", LANAS, NOW)
    tried = [line for line in slapd_of_its_own.said() if f'BIND dn="{READER}" method' in line]
    assert len(tried) == 1


def test_a_base_that_is_not_there_is_a_source_that_cannot_be_asked(slapd, sources):
    corp = sources(slapd.url, user_base=f"ou=nowhere,{PEOPLE}")
    for _ in range(2):
        with pytest.raises(Unavailable):
            corp.verify("lana", LANAS, NOW)
    corp.refresh()
    assert corp.state() == "degraded"
