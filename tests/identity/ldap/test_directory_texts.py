"""Texts of LDAP without any server: filters, distinguished names, the password policy control."""

import pytest
from real.slapd import escaped

from authsvc.identity.ldap.entries import Entry, escape
from authsvc.identity.ldap.names import is_below, name_of, parse_dn
from authsvc.identity.ldap.once import Once
from authsvc.identity.ldap.policy_control import must_change


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("lana", "lana"),
        ("*", "\\2a"),
        ("(a)", "\\28a\\29"),
        ("\\", "\\5c"),
        (" a ", "\\20a\\20"),
        ("é", "\\c3\\a9"),
        (b"\x00\xff", "\\00\\ff"),
        ("", ""),
    ],
)
def test_values_stand_escaped_in_filters(value, text):
    assert escape(value) == text


@pytest.mark.parametrize(
    ("text", "rdns"),
    [
        ("", ()),
        ("cn=a", ((("cn", "a"),),)),
        ("CN=a,dc=b", ((("cn", "a"),), (("dc", "b"),))),
        ("cn=a+uid=b,dc=c", ((("cn", "a"), ("uid", "b")), (("dc", "c"),))),
        ("cn=a\\, b", ((("cn", "a, b"),),)),
        ("cn=a\\2C b", ((("cn", "a, b"),),)),
        ("cn=\\c3\\a9\\\\", ((("cn", "é\\"),),)),
        ("cn=é", ((("cn", "é"),),)),
        ("cn=\\#x", ((("cn", "#x"),),)),
        ("cn=\\ a\\ ", ((("cn", " a "),),)),
        ("2.5.4.3=a", ((("2.5.4.3", "a"),),)),
        ("cn=a, dc=b", ((("cn", "a"),), (("dc", "b"),))),
        ("cn=", ((("cn", ""),),)),
    ],
)
def test_distinguished_names_are_read(text, rdns):
    assert parse_dn(text) == rdns


@pytest.mark.parametrize(
    "text",
    ["a", "cn", "=a", "cn=a,", "cn=a+", "cn=a;dc=b", 'cn="a"', "cn=#0402", "cn=a\\", "cn=\\ff"],
)
def test_what_is_no_distinguished_name_is_said_to_be_none(text):
    with pytest.raises(ValueError, match=r".+"):
        parse_dn(text)


def test_reading_a_long_name_takes_no_longer_than_its_length():
    with pytest.raises(ValueError, match=r".+"):
        parse_dn("cn=" + "\\61" * 100_000 + ";")


@pytest.mark.parametrize("name", ["a,b", "a+b", '"', "\\", "#a", " a ", "é=;<>"])
def test_what_was_escaped_is_read_again(name):
    assert parse_dn(f"cn={escaped(name)},dc=x")[0] == (("cn", name),)


@pytest.mark.parametrize(
    ("dn", "base", "below"),
    [
        ("cn=a,ou=g,dc=x", "ou=g,dc=x", True),
        ("cn=a,ou=g,dc=x", "OU=G,DC=X", True),
        ("cn=a,ou=g,dc=x", "ou=g, dc=x", True),
        ("ou=g,dc=x", "ou=g,dc=x", True),
        ("cn=a,ou=gg,dc=x", "ou=g,dc=x", False),
        ("cn=a\\,ou=g\\,dc=x", "ou=g,dc=x", False),
        ("dc=x", "ou=g,dc=x", False),
        ("cn=a", "", True),
    ],
)
def test_below_goes_by_whole_parts(dn, base, below):
    assert is_below(dn, base) is below


@pytest.mark.parametrize(
    ("dn", "values", "name"),
    [
        ("cn=a,dc=x", (b"a",), "a"),
        ("uid=u,dc=x", (b"a",), "a"),
        ("cn=a,dc=x", (b"b", b"a"), "a"),
        ("uid=u,dc=x", (b"b", b"a"), None),
        ("cn=a,dc=x", (), "a"),
        ("cn=a,dc=x", (b"b", b"\xff"), "a"),
        ("uid=u,dc=x", (b"\xff",), None),
        ("nonsense", (), None),
        ("", (), None),
    ],
)
def test_an_entry_goes_by_one_certain_name(dn, values, name):
    assert name_of(Entry(dn, {"cn": values}), "CN") == name


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        pytest.param("3003810102", True, id="change after reset"),
        pytest.param("3008a003810105810102", True, id="with a warning before it"),
        pytest.param("3003810101", False, id="locked"),
        pytest.param("3005a003810102", False, id="two grace logins are left, no error"),
        pytest.param("3000", False, id="nothing"),
        pytest.param("", False, id="no octets"),
        pytest.param("30", False, id="cut"),
        pytest.param("3001a0", False, id="cut in the warning"),
        pytest.param("040100", False, id="something else"),
    ],
)
def test_only_change_after_reset_counts(octets, expected):
    assert must_change(bytes.fromhex(octets)) is expected
    assert must_change(None) is False


def test_what_was_said_is_not_said_again():
    once = Once()
    assert [once.first(text) for text in "aba"] == [True, True, False]
