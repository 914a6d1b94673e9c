"""Names and passwords against a real directory: exact, escaped, and never an empty bind."""

import gc
import uuid
from types import BuiltinFunctionType, FunctionType, ModuleType

import pytest
from identity.parts import NOW
from ldap_fixtures import ldap_source
from real.company import GROUPS_OF, PASSWORDS, dn_of, person
from real.slapd import PEOPLE, entry, escaped

from authsvc.errors import Unavailable
from authsvc.identity.ldap.provider import MAX_PASSWORD, Ldap
from authsvc.identity.provider import Rejected, Unknown, Verified
from authsvc.principal import Kind, Principal

LANAS = PASSWORDS["lana"]


@pytest.fixture
def corp(slapd, sources):
    return sources(slapd.url)


@pytest.fixture
def newcomer(slapd):
    """A name that nobody has."""
    return f"new-{uuid.uuid4().hex[:8]}"


@pytest.mark.parametrize("name", PASSWORDS)
def test_everybody_gets_their_own_identity_and_groups(slapd, corp, name):
    """A regression test of ldap3's escaping too: 2.10 finds nobody whose name needs any."""
    verified = corp.verify(name, PASSWORDS[name], NOW)
    groups = {f"group:corp:{group}" for group in GROUPS_OF.get(name, ())}
    assert isinstance(verified, Verified)
    principal = verified.principal
    assert (principal.kind, principal.source, principal.name) == (Kind.USER, "corp", name)
    assert uuid.UUID(principal.id)
    assert set(principal.groups) - {"group:corp:inner"} == groups
    assert corp.verify(name, PASSWORDS[name] + "x", NOW) == Rejected("wrong_password")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("lana,ou=admins", id="LD-04 a DN's next part"),
        pytest.param("lana+cn=x", id="LD-04 a DN's second value"),
        pytest.param("*", id="anybody"),
        pytest.param("lan*", id="the beginning"),
        pytest.param("lana)(uid=*", id="a second condition"),
        pytest.param("lana)(|(uid=*))", id="an alternative"),
        pytest.param("*)(uid=*))(|(uid=*", id="the classic"),
        pytest.param("lana\\", id="open escape"),
        pytest.param("\\6cana", id="escaped letter"),
        pytest.param("lana\x00", id="NUL"),
        pytest.param("lana\r\nbob", id="line break"),
        pytest.param(" lana", id="leading blank"),
        pytest.param("la  na", id="inner blanks"),
        pytest.param("\uff4cana", id="LD-21 NFKC-folds to lana"),
        pytest.param("zoe\u0308", id="LD-21 decomposed"),
        pytest.param("\ud800", id="lone surrogate"),
        pytest.param("", id="empty"),
        pytest.param(dn_of("lana"), id="a whole DN"),
        pytest.param("robot.lana", id="a robot's"),
    ],
)
def test_a_name_is_never_more_than_a_name(corp, name):
    for password in (LANAS, "", "*"):
        assert corp.verify(name, password, NOW) == Unknown()
    assert corp.knows(name) is None
    assert corp.state() == "ok"


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("", id="empty"),
        pytest.param("\0", id="NUL"),
        pytest.param(LANAS + "\0", id="NUL behind it"),
        pytest.param(LANAS + "\n", id="line break behind it"),
        pytest.param("\x7f", id="DEL"),
        pytest.param("\ud800", id="lone surrogate"),
        pytest.param("x" * (MAX_PASSWORD + 1), id="too long"),
        pytest.param("x" * 1_000_000, id="1 MB"),
    ],
)
def test_what_is_no_password_is_refused_before_any_bind(slapd, corp, password):
    before = len(binds_as(slapd, "lana"))
    assert corp.verify("lana", password, NOW) == Rejected("wrong_password")
    assert len(binds_as(slapd, "lana")) == before
    assert isinstance(corp.verify("lana", LANAS, NOW), Verified)


@pytest.mark.parametrize("password", [" ", "*", LANAS.upper(), "\u00a0", "x" * MAX_PASSWORD])
def test_any_other_password_is_for_the_directory_to_refuse(slapd, corp, password):
    before = len(binds_as(slapd, "lana"))
    assert corp.verify("lana", password, NOW) == Rejected("wrong_password")
    assert len(binds_as(slapd, "lana")) == before + 1


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        pytest.param("sch\u00f6n", "scho\u0308n", id="LD-21 composed"),
        pytest.param("scho\u0308n", "sch\u00f6n", id="LD-21 decomposed"),
        pytest.param("\uff41bc", "abc", id="LD-21 full width"),
        pytest.param("a\u00adb", "ab", id="LD-21 soft hyphen"),
    ],
)
def test_passwords_go_to_the_directory_byte_for_byte(slapd, corp, newcomer, stored, shown):
    slapd.add([person(newcomer, stored)])
    assert isinstance(corp.verify(newcomer, stored, NOW), Verified)
    assert corp.verify(newcomer, shown, NOW) == Rejected("wrong_password")


@pytest.mark.parametrize(("typed", "stored"), [("LANA", "lana"), ("mixed.case", "Mixed.Case")])
def test_other_letters_lead_to_the_stored_name(corp, typed, stored):
    verified = corp.verify(typed, PASSWORDS[stored], NOW)
    assert verified.principal.name == stored
    assert corp.knows(typed) == verified.principal


def test_a_login_by_mail_gives_the_stored_name(slapd, sources, newcomer):
    corp = sources(slapd.url, user_filter="(|(uid={username})(mail={username}))")
    slapd.add([person(newcomer, "her own", mail=f"{newcomer}@example.com")])
    verified = corp.verify(f"{newcomer}@Example.com", "her own", NOW)
    assert verified.principal.name == newcomer
    assert verified.principal == corp.verify(newcomer, "her own", NOW).principal


def test_a_part_of_the_value_may_stand_in_the_filter(slapd, sources, newcomer):
    corp = sources(slapd.url, user_filter="(&(objectClass=*)(mail={username}@example.com))")
    slapd.add([person(newcomer, "her own", mail=f"{newcomer}@example.com")])
    assert corp.verify(newcomer, "her own", NOW).principal.name == newcomer
    principal = corp.knows(newcomer)
    assert corp.recheck(principal) == principal


def test_two_entries_for_one_name_are_nobody_and_an_alarm(slapd, corp, newcomer, capsys):
    """LD-07."""
    slapd.add([
        person(newcomer, "the one"),
        entry(f"cn={newcomer},{PEOPLE}", ["inetOrgPerson"], cn=newcomer, sn="x", uid=newcomer,
              userPassword="the other"),
    ])  # fmt: skip
    for password in ("the one", "the other", "neither"):
        assert corp.verify(newcomer, password, NOW) == Rejected("ambiguous_name")
    assert corp.knows(newcomer) is None
    assert capsys.readouterr().err.count("two entries for one name") == 1


@pytest.mark.parametrize(
    ("attribute", "values", "reason"),
    [
        pytest.param("description", [], "no_stable_id", id="missing"),
        pytest.param("description", ["one", "two"], "no_stable_id", id="two of them"),
        pytest.param("jpegPhoto", [b"\xff\xd8\xff\xe0 JFIF"], "no_stable_id", id="binary"),
        pytest.param("description", ["a\x1bb"], "no_stable_id", id="control character"),
        pytest.param("description", ["x" * 300], "no_stable_id", id="very long"),
        pytest.param("objectGUID", [b"\0" * 15], "no_stable_id", id="a GUID too short"),
    ],
)
def test_an_entry_without_a_stable_id_is_refused(
    slapd, sources, newcomer, attribute, values, reason
):
    """LD-17."""
    corp = sources(slapd.url, id_attribute=attribute)
    slapd.add([person(newcomer, "own", **{attribute: values})])
    assert corp.verify(newcomer, "own", NOW) == Rejected(reason)
    assert corp.knows(newcomer) is None


def test_the_id_of_active_directory_is_read_as_a_uuid(slapd, sources, newcomer):
    corp = sources(slapd.url, id_attribute="objectGUID")
    made = uuid.uuid4()
    slapd.add([person(newcomer, "own", objectGUID=made.bytes_le)])
    principal = corp.verify(newcomer, "own", NOW).principal
    assert principal.id == str(made)
    assert corp.recheck(principal) == principal


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([], id="missing"),
        pytest.param(["one", "two"], id="LD-17 several, none in the DN"),
        pytest.param(["robot.x"], id="a robot's"),
        pytest.param(["a:b"], id="colon"),
        pytest.param(["everyone"], id="reserved"),
        pytest.param(["tab\there"], id="control character"),
    ],
)
def test_an_entry_without_one_certain_name_is_refused(slapd, sources, newcomer, values):
    corp = sources(slapd.url, username_attribute="description")
    slapd.add([person(newcomer, "own", description=values)])
    assert corp.verify(newcomer, "own", NOW) == Rejected("unusable_name")


def test_who_adds_a_name_to_their_entry_stays_who_they_are(slapd, corp, newcomer):
    """LD-17: of several values the one in the DN is the name."""
    slapd.add([person(newcomer, "own")])
    slapd.replace(dn_of(newcomer), "uid", newcomer, f"boss-{newcomer}")
    assert corp.verify(f"boss-{newcomer}", "own", NOW).principal.name == newcomer


def test_a_name_with_two_parts_in_its_dn_binds(slapd, corp, newcomer):
    dn = f"cn={escaped('Doe, J')}+uid={newcomer},{PEOPLE}"
    slapd.add([entry(dn, ["inetOrgPerson"], cn="Doe, J", sn="x", uid=newcomer, userPassword="own")])
    assert corp.verify(newcomer, "own", NOW).principal.name == newcomer


def test_a_source_without_a_service_account_asks_anonymously(slapd, sources):
    """The test directory lets nobody search so, which is no answer about anybody."""
    corp = sources(slapd.url, bind_dn="", bind_password="")
    with pytest.raises(Unavailable):
        corp.verify("lana", LANAS, NOW)


def test_nothing_of_a_password_is_in_the_texts_of_a_source(slapd):
    settings = ldap_source(slapd.url)
    source = Ldap(settings)
    verified = source.verify("lana", LANAS, NOW)
    source.close()
    assert isinstance(verified.principal, Principal)
    for text in (repr(settings), repr(source), repr(verified)):
        assert LANAS not in text
        assert settings.bind_password.get_secret_value() not in text


def test_no_password_stays_in_memory_after_its_login(slapd, corp):
    for password in (LANAS, "not " + LANAS):
        corp.verify("lana", password, NOW)
    texts = [text for text in held_by(corp) if isinstance(text, (str, bytes))]
    assert dn_of("lana") in texts
    for password in (LANAS, "not " + LANAS):
        assert password not in texts
        assert password.encode() not in texts


def held_by(start):
    """All objects that can be reached from one, but by way of modules, classes and functions."""
    found, new = {id(start): start}, [start]
    while new:
        reached = gc.get_referents(*(one for one in new if not isinstance(one, _SHARED)))
        new = [one for one in reached if id(one) not in found]
        found |= {id(one): one for one in new}
    return found.values()


_SHARED = (ModuleType, type, FunctionType, BuiltinFunctionType)


def binds_as(slapd, name):
    return [line for line in slapd.said() if f'BIND dn="{dn_of(name)}" method' in line]
