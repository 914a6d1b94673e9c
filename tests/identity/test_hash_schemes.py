"""Which stored hashes are verified at all."""

import pytest
from identity.parts import SECRET, hashed, htpasswd_line

from authsvc.identity.schemes import ALL, Schemes, cost
from authsvc.settings.sources import HtpasswdSource

DEFAULT = Schemes(HtpasswdSource.model_fields["schemes"].default)
EVERY = Schemes(ALL)

SALT = "abcdefghijklmnopqrstuu"
BCRYPT = f"{SALT}{'a' * 30}."
FLAGS = {
    "bcrypt": ("-B", "-C", "4"),
    "apr_md5": ("-m",),
    "sha1": ("-s",),
    "sha256_crypt": ("-2",),
    "sha512_crypt": ("-5",),
}


def made_by_apache(flags, password=SECRET):
    return htpasswd_line("u", password, *flags).strip().partition(":")[2]


@pytest.mark.parametrize("scheme", FLAGS)
def test_every_named_scheme_verifies_what_apaches_tool_made(scheme):
    stored = made_by_apache(FLAGS[scheme])
    named = Schemes([scheme])
    assert named.fault(stored) is None
    assert named.verify(stored, SECRET)
    assert not named.verify(stored, SECRET + "x")
    assert cost(stored).startswith(scheme)


@pytest.mark.parametrize("scheme", sorted(set(FLAGS) - {"bcrypt"}))
def test_weak_schemes_are_refused_unless_named(scheme):
    """HT-02."""
    stored = made_by_apache(FLAGS[scheme])
    assert scheme in DEFAULT.fault(stored)
    assert not DEFAULT.verify(stored, SECRET)


@pytest.mark.parametrize("flags", [("-p",), ("-d",)])
def test_plaintext_and_des_are_refused_even_when_all_is_named(flags):
    """HT-02: passlib's default context would take a text it does not recognise as plaintext."""
    stored = made_by_apache(flags, "secret")
    assert EVERY.fault(stored) is not None
    assert not EVERY.verify(stored, "secret")
    assert not EVERY.verify(stored, stored)


@pytest.mark.parametrize("stored", ["", "*", "!", "x", "$zz$notahash", "{PLAIN}secret", "{SHA}"])
def test_an_unrecognised_text_is_nobodys_password(stored):
    assert EVERY.fault(stored)
    assert not EVERY.verify(stored, stored)
    assert not EVERY.verify(stored, "secret")


@pytest.mark.parametrize(
    ("stored", "taken"),
    [
        pytest.param(f"$2a$05${BCRYPT}", True, id="HT-08 2a"),
        pytest.param(f"$2b$05${BCRYPT}", True, id="HT-08 2b"),
        pytest.param(f"$2y$05${BCRYPT}", True, id="HT-08 2y"),
        pytest.param(f"$2x$05${BCRYPT}", False, id="HT-08 2x"),
        pytest.param(f"$2$05${BCRYPT}", False, id="HT-08 2"),
        pytest.param(f"$2y$16${BCRYPT}", True, id="HT-07 cost 16"),
        pytest.param(f"$2y$17${BCRYPT}", False, id="HT-07 cost 17"),
        pytest.param(f"$2y$31${BCRYPT}", False, id="HT-07 cost 31"),
        pytest.param(f"$2y$03${BCRYPT}", False, id="HT-07 cost 3"),
        pytest.param(f"$2y$05${BCRYPT}\n", False, id="trailing newline"),
        pytest.param(f"$2y$05${BCRYPT[:-1]}", False, id="cut short"),
        pytest.param(f"$2y$05${SALT[:-1]}a{'a' * 30}.", False, id="padding bits set"),
        pytest.param(f"$6${'s' * 16}${'a' * 86}", True, id="sha512 of 5000 rounds"),
        pytest.param(f"$6$rounds=656000${'s' * 16}${'a' * 86}", True, id="sha512 of passlib"),
        pytest.param(f"$6$rounds=1000001${'s' * 16}${'a' * 86}", False, id="HT-07 sha512"),
        pytest.param(f"$5$rounds=999999999${'s' * 16}${'a' * 43}", False, id="HT-07 sha256"),
        pytest.param("$argon2id$v=19$m=65536,t=3,p=4$" + SALT + "$" + "a" * 43, True, id="64 MiB"),
        pytest.param(
            "$argon2id$v=19$m=2097152,t=1,p=4$" + SALT + "$" + "a" * 43, False, id="2 GiB"
        ),
        pytest.param("$argon2id$v=19$m=65536,t=99,p=4$" + SALT + "$" + "a" * 43, False, id="long"),
        pytest.param("$argon2id$v=19$m=19456,t=2,p=99$" + SALT + "$" + "a" * 43, False, id="wide"),
        pytest.param("$argon2id$v=19$m=8,t=0,p=1$" + SALT + "$" + "a" * 43, False, id="no pass"),
        pytest.param("$argon2d$v=19$m=65536,t=3,p=4$" + SALT + "$" + "a" * 43, False, id="argon2d"),
        pytest.param("$argon2id$v=19$m=65536,t=3,p=4$" + SALT + "$aaaa", False, id="short digest"),
    ],
)
def test_a_hash_has_the_exact_form_and_a_bounded_cost(stored, taken):
    assert (EVERY.fault(stored) is None) == taken
    assert (cost(stored) is not None) == taken
    if not taken:
        assert not EVERY.verify(stored, SECRET)  # and at once: nothing is computed


def test_a_fault_repeats_nothing_of_the_hash():
    assert SALT not in EVERY.fault(f"$2y$31${BCRYPT}")


def test_argon2_is_taken_by_default():
    assert DEFAULT.verify(hashed(SECRET), SECRET)
    assert not DEFAULT.verify(hashed(SECRET), hashed(SECRET))


def test_a_foreign_bcrypt_hash_counts_72_bytes_as_its_maker_did():
    long = "p" * 80
    stored = made_by_apache(FLAGS["bcrypt"], long)
    assert EVERY.verify(stored, long)
    assert EVERY.verify(stored, "p" * 72)
    assert not EVERY.verify(stored, "p" * 71)


@pytest.mark.parametrize("password", ["", "a\0b", "\ud800", "x" * 5_000])
@pytest.mark.parametrize("scheme", FLAGS)
def test_a_password_that_cannot_be_verified_is_wrong(scheme, password):
    """HT-06, BA-04."""
    assert not EVERY.verify(made_by_apache(FLAGS[scheme], "a"), password)


def test_the_empty_password_is_nobodys_even_when_its_hash_is_stored():
    """BA-04, CVE-2013-2157."""
    assert not EVERY.verify(made_by_apache(FLAGS["bcrypt"], ""), "")


def test_the_settings_admit_exactly_the_schemes_that_are_known():
    everything = {"type": "htpasswd", "name": "file", "path": "x", "schemes": list(ALL)}
    fields = HtpasswdSource.model_json_schema()["properties"]["schemes"]["items"]["enum"]
    assert set(fields) == set(everything["schemes"])
