"""Claims, minted secrets and the error body, as others read them."""

import base64
import hashlib
import json
import os
import re

import pytest

from authsvc.protocol.access import Access
from authsvc.protocol.claims import b64, fixed_part, payload
from authsvc.protocol.secrets import digest, kind_of, mint
from authsvc.protocol.wire import error_body


def test_claims_are_those_of_the_contract():
    access = (
        Access("repository", "team/app", ("pull", "push")),
        Access("repository", "team/plug", ("pull",), "plugin"),
    )
    fixed = fixed_part("authsvc", "alice", "localhost:5000", access)
    assert json.loads(payload(fixed, 1_700_000_000, 900, "0123abcd")) == {
        "iss": "authsvc",
        "sub": "alice",
        "aud": "localhost:5000",
        "exp": 1_700_000_900,
        "nbf": 1_699_999_940,
        "iat": 1_699_999_940,
        "jti": "0123abcd",
        "access": [
            {"type": "repository", "name": "team/app", "actions": ["pull", "push"]},
            {"type": "repository", "name": "team/plug", "actions": ["pull"], "class": "plugin"},
        ],
    }


def test_no_access_is_an_empty_list_and_no_subject_an_empty_text():  # SC-01, SC-20
    assert payload(fixed_part("i", "", "r", ()), 60, 60, "j") == (
        b'{"iss":"i","sub":"","aud":"r","access":[],"exp":120,"nbf":0,"iat":0,"jti":"j"}'
    )


def test_actions_are_sorted_in_claims():
    fixed = fixed_part("i", "", "r", [Access("repository", "a", ("push", "delete", "pull"))])
    assert b'"actions":["delete","pull","push"]' in fixed


def test_claims_are_ascii_and_escaped():
    sub = 'L\u00e4na "x"\\\u202e%d'
    text = payload(fixed_part("i", sub, "r", ()), 60, 60, "j")
    assert text.isascii()
    assert json.loads(text)["sub"] == sub


def test_claims_name_each_member_once():
    text = payload(fixed_part("i", "s", "r", ()), 60, 60, "j")
    pairs = json.loads(text, object_pairs_hook=list)
    assert sorted(name for name, _ in pairs) == [
        "access", "aud", "exp", "iat", "iss", "jti", "nbf", "sub",
    ]  # fmt: skip


def test_a_jti_that_is_not_ascii_never_gets_in():
    with pytest.raises(UnicodeEncodeError):
        payload(fixed_part("i", "s", "r", ()), 60, 60, "\u00e4")


@pytest.mark.parametrize(
    ("data", "text"), [(b"", b""), (b"f", b"Zg"), (b"fo", b"Zm8"), (b"\xfb\xff", b"-_8")]
)
def test_base64url_has_no_padding(data, text):
    assert b64(data) == text


@pytest.mark.parametrize("kind", ["pat", "rob", "ref"])
def test_a_minted_secret_is_known_by_its_form(kind):  # RT-03
    secret = mint(kind, os.urandom)
    assert re.fullmatch(rf"asv_{kind}_[0-9A-Za-z]{{36}}", secret)
    assert kind_of(secret) == kind
    assert digest(secret) == hashlib.sha256(secret.encode()).digest()


def test_the_checksum_is_the_crc_32_of_all_before_it_in_base62():
    # The CRC-32 is 1286726534 = 1*62^5 + 25*62^4 + 4*62^3 + 60*62^2 + 21*62 + 48.
    secret = mint("pat", bytes)
    assert secret == "asv_pat_" + "0" * 30 + "1P4yLm"


def test_minting_draws_all_that_it_needs_from_what_it_is_given():
    drawn = []
    mint("ref", lambda count: drawn.append(count) or bytes(count))
    assert drawn == [48]  # 384 bits, reduced to the 178 that 30 characters hold


def test_the_random_part_can_be_anything_that_30_characters_hold():
    secrets = [mint("rob", os.urandom)[8:38] for _ in range(2_000)]
    assert len(set(secrets)) == len(secrets)
    assert len(set("".join(secrets))) == 62
    assert mint("pat", lambda count: (62**30 - 1).to_bytes(count, "big"))[8:38] == "z" * 30


GOOD = mint("pat", bytes)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("correct horse battery staple", id="password"),
        pytest.param(GOOD[:-1], id="shorter"),
        pytest.param(GOOD + "0", id="longer"),
        pytest.param(GOOD + "\n", id="newline"),
        pytest.param(" " + GOOD, id="blank-before"),
        pytest.param(GOOD.replace("pat", "rob"), id="another-kind"),
        pytest.param(GOOD.replace("pat", "xyz"), id="unknown-kind"),
        pytest.param(GOOD.upper(), id="upper"),
        pytest.param(GOOD[:-1] + "-", id="alphabet"),
        pytest.param(GOOD[:8] + "\u0660" + GOOD[9:], id="another-digit"),
        pytest.param(GOOD[:8] + "1" + GOOD[9:], id="one-digit-changed"),
        pytest.param("asv_pat_" + "a" * 1_000_000, id="long"),
    ],
)
def test_what_was_not_minted_here_is_no_secret_of_ours(text):
    assert kind_of(text) is None


def test_the_error_body_is_one_that_every_client_reads():
    body = error_body(
        code="UNAUTHORIZED",
        message="wrong user name or password",
        error="invalid_grant",
        description="sign in again",
    )
    assert json.loads(body) == {
        "details": "wrong user name or password",
        "errors": [
            {"code": "UNAUTHORIZED", "message": "wrong user name or password", "detail": None}
        ],
        "error": "invalid_grant",
        "error_description": "sign in again",
    }
    assert body.isascii()


def test_the_error_body_takes_a_detail():
    body = error_body(
        code="DENIED", message="m", detail={"retry": 3}, error="access_denied", description="d"
    )
    assert json.loads(body)["errors"][0]["detail"] == {"retry": 3}


def test_base64url_is_what_the_standard_library_reads():
    assert base64.urlsafe_b64decode(b64(b"\xfb\xef\xbe") + b"") == b"\xfb\xef\xbe"
