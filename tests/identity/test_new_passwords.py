"""Which new passwords are taken (contract section 6), and how they are hashed."""

import pytest
from identity.parts import NOW, SECRET, hashed, htpasswd_line

from authsvc.clock import utc
from authsvc.errors import Invalid
from authsvc.identity.local import Local
from authsvc.identity.passwords import (
    check_new_password,
    hash_password,
    needs_rehash,
    verify,
)
from authsvc.identity.provider import Rejected, StoredPassword, Verified


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("x2" * 7 + "y", id="AD-24 shortest"),
        pytest.param("long words " * 93 + "x", id="AD-24 longest"),
        pytest.param("all small letters will do", id="AD-24 no composition rule"),
        pytest.param("пароль без единой цифры", id="AD-24 any script"),
        pytest.param("🦆" * 14 + "x", id="AD-24 code points are counted, not bytes"),
        pytest.param("alice and something", id="AD-24 the name may be part of it"),
        pytest.param("passwordpassword!?", id="AD-24 a blocked one may be part of it"),
        pytest.param("  blanks around it  ", id="AD-24 nothing is trimmed"),
    ],
)
def test_a_password_of_15_to_1024_characters_is_taken(password):
    check_new_password(password, "alice", ["registry.example.com:5000"])


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("", id="empty"),
        pytest.param("fourteen chars", id="AD-24 too short"),
        pytest.param("🦆" * 14, id="AD-24 short in code points though long in bytes"),
        pytest.param("x" * 1_025, id="AD-24 too long"),
        pytest.param("a nul \0 in the middle", id="HT-06"),
        pytest.param("a tab\tin the middle of it", id="control character"),
        pytest.param("a c1 \x85 in the middle of it", id="C1 control character"),
        pytest.param("a lone surrogate \ud800 here", id="not encodable"),
        pytest.param("PasswordPassword", id="AD-24 blocklist, case-folded"),
        pytest.param("1q2w3e4r5t6y7u8i", id="AD-24 blocklist, a walk"),
        pytest.param("#" * 15, id="AD-24 blocklist, looks like a comment"),
        pytest.param("correct horse battery staple", id="AD-24 blocklist, with blanks"),
        pytest.param("Alice.In.Wonderland", id="AD-24 user name, case-folded"),
        pytest.param("REGISTRY.example.com:5000", id="AD-24 service name, case-folded"),
    ],
)
def test_a_password_against_the_rules_is_refused(password):
    with pytest.raises(Invalid) as refusal:
        check_new_password(password, "alice.in.wonderland", ["registry.example.com:5000"])
    assert not password or password not in str(refusal.value)


def test_a_hash_names_its_parameters_and_is_salted():
    assert hashed(SECRET).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hash_password(SECRET) != hashed(SECRET)


@pytest.mark.parametrize("length", [15, 72, 73, 1_024])
def test_every_character_of_a_password_counts(length):
    password = "ä" * (length - 1) + "x"
    stored = hash_password(password)
    assert verify(stored, password)
    assert not verify(stored, password[:-1] + "y")


@pytest.mark.parametrize("flags", [("-B", "-C", "4"), ("-m",), ("-s",), ("-2",), ("-5",)])
def test_an_imported_hash_verifies_and_is_to_be_renewed(flags):
    stored = htpasswd_line("alice", SECRET, *flags).strip().partition(":")[2]
    assert verify(stored, SECRET)
    assert not verify(stored, SECRET + "x")
    assert needs_rehash(stored)


def test_a_hash_of_today_need_not_be_renewed_but_one_of_other_parameters_must():
    assert not needs_rehash(hashed(SECRET))
    assert needs_rehash(hashed(SECRET).replace("m=19456", "m=65536"))


@pytest.mark.parametrize(
    "stored",
    ["", "*", "!", SECRET, "$argon2id$", "$argon2id$v=19$m=19456,t=2,p=1$x$y", "$2y$05$short"],
)
def test_nobody_has_the_password_of_an_unusable_hash(stored):
    assert not verify(stored, SECRET)
    assert not verify(stored, stored)
    assert not verify(stored, "")


@pytest.mark.parametrize("password", ["", "\0", "\ud800", "x" * 100_000])
def test_a_password_that_cannot_be_hashed_is_wrong(password):
    assert not verify(hashed(SECRET), password)


def test_an_imported_bcrypt_hash_counts_72_bytes_until_the_next_sign_in_renews_it():
    long = "p" * 80
    foreign = htpasswd_line("alice", long, "-B", "-C", "4").strip().partition(":")[2]
    kept = [foreign]
    source = Local(
        lambda name: StoredPassword(name, "1", True, kept[-1], utc(NOW)),
        lambda _name, _old, new: kept.append(new),
    )
    assert verify(foreign, long[:72])
    assert isinstance(source.verify("alice", long, NOW), Verified)
    assert kept[1:]
    assert source.verify("alice", long[:72], NOW) == Rejected("wrong_password")
    assert isinstance(source.verify("alice", long, NOW), Verified)
