"""The Authorization header, threats.md table BA."""

import base64

import pytest

from authsvc.protocol.credentials import (
    Anonymous,
    Malformed,
    Password,
    RefreshToken,
    from_authorization,
)


def basic(pair, scheme=b"Basic "):
    return scheme + base64.b64encode(pair)


GOOD = Password("alice", "secret")


@pytest.mark.parametrize(
    ("value", "credentials"),
    [
        pytest.param(None, Anonymous(), id="no-header"),
        pytest.param(basic(b"alice:secret"), GOOD, id="plain"),
        pytest.param(basic(b"alice:a:b::c"), Password("alice", "a:b::c"), id="BA-02"),
        pytest.param(b"Basic Og==", Anonymous(), id="BA-05"),
        pytest.param(basic(b"alice:secret", b"basic "), GOOD, id="BA-09-lower"),
        pytest.param(basic(b"alice:secret", b"BASIC "), GOOD, id="BA-09-upper"),
        pytest.param(basic(b"alice:secret", b"  Basic    ") + b"  ", GOOD, id="BA-09-blanks"),
        pytest.param(
            basic("al\u00efce:p\u00e4ss".encode()), Password("al\u00efce", "p\u00e4ss"), id="utf-8"
        ),
        pytest.param(
            basic("\uff41lice:secret".encode()), Password("\uff41lice", "secret"), id="BA-15"
        ),
        pytest.param(basic(b"a: s "), Password("a", " s "), id="blanks-belong-to-it"),
        pytest.param(basic(b"a:" + b"s" * 1_024), Password("a", "s" * 1_024), id="BA-16-1024"),
        pytest.param(
            basic(b"a:" + "\U0001f600".encode() * 1_024),
            Password("a", "\U0001f600" * 1_024),
            id="BA-16-1024-wide",
        ),
        pytest.param(basic(b"n" * 255 + b":s"), Password("n" * 255, "s"), id="longest-name"),
    ],
)
def test_a_header_names_whom_it_names(value, credentials):
    assert from_authorization(value) == credentials


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param(basic(b"alice"), "no_colon", id="BA-01"),
        pytest.param(basic(b":secret"), "empty_user", id="BA-03"),
        pytest.param(basic(b"alice:"), "empty_password", id="BA-04"),
        pytest.param(basic(b"a:" + b"s" * 8_192), "too_long", id="BA-08-8-KiB"),
        pytest.param(b"Basic " + b"A" * 65_536, "too_long", id="BA-08-64-KiB"),
        pytest.param(b"A" * 1_048_576, "too_long", id="BA-08-1-MiB"),
        pytest.param(b"", "scheme", id="BA-10-empty"),
        pytest.param(b" ", "scheme", id="BA-10-blank"),
        pytest.param(b"Basic", "no_colon", id="BA-10-basic"),
        pytest.param(b"Basic ", "no_colon", id="BA-10-basic-blank"),
        pytest.param(b"Bearer", "scheme", id="BA-10-bearer"),
        pytest.param(b"Bearer ", "scheme", id="BA-10-bearer-blank"),
        pytest.param(b"Bearer eyJ.eyJ.x", "scheme", id="bearer-token"),
        pytest.param(b"Digest x", "scheme", id="BA-10-digest"),
        pytest.param(b"Basic YTpi YTpi", "base64", id="BA-10-three-words"),
        pytest.param(b"Basic YTpi, Basic YTpi", "base64", id="BA-10-list"),
        pytest.param(b"Basic\tYTpi", "scheme", id="BA-10-tab"),
        pytest.param(b"BasicYTpi", "scheme", id="BA-10-joined"),
        pytest.param(basic(b"a:??>").replace(b"/", b"_"), "base64", id="BA-12-url-safe"),
        pytest.param(basic(b"a:bc").rstrip(b"="), "base64", id="BA-12-no-padding"),
        pytest.param(b"Basic YT\npi", "base64", id="BA-12-newline"),
        pytest.param(b"Basic YTpi!", "base64", id="BA-12-junk"),
        pytest.param(b"Basic YTpiYw==YTpi", "base64", id="BA-12-after-padding"),
        pytest.param(b"Basic YTpi====", "base64", id="BA-12-more-padding"),
        pytest.param(b"Basic YTpiYx==", "base64", id="BA-12-unused-bits"),
        pytest.param(b"Basic =", "base64", id="BA-12-padding-alone"),
        pytest.param(b"Basic \xff\xfe", "base64", id="BA-12-not-ascii"),
        pytest.param(basic(b"a:" + b"s" * 1_025), "too_long", id="BA-16-1025"),
        pytest.param(basic(b"a:" + b"s" * 4_096), "too_long", id="BA-16-4096"),
        pytest.param(basic(b"n" * 256 + b":s"), "too_long", id="long-name"),
        pytest.param(basic(b"alice:\xff"), "not_utf8", id="latin-1"),
        pytest.param(basic(b"alice:\xed\xa0\x80"), "not_utf8", id="surrogate"),
        pytest.param(basic(b"al\xc0\xaece:s"), "not_utf8", id="overlong"),
        pytest.param(basic(b"alice:s\0"), "control_character", id="HT-06"),
        pytest.param(basic(b"ali\nce:s"), "control_character", id="newline-in-name"),
        pytest.param(basic(b"alice:s\x7f"), "control_character", id="delete"),
        pytest.param(basic(b"alice:s\xc2\x85"), "control_character", id="next-line"),
    ],
)
def test_what_can_be_nobodys_credentials_says_why(value, reason):
    assert from_authorization(value) == Malformed(reason)


@pytest.mark.parametrize("credentials", [Password("alice", "hush"), RefreshToken("hush")])
def test_no_secret_shows_in_a_repr(credentials):
    assert "hush" not in repr(credentials)
    assert "hush" not in str(credentials)
