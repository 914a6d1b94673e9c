"""An htpasswd file imported: hashes as they are, renewed at the next sign-in; all lines or none."""

from functools import partial

import bcrypt
import pytest
from argon2 import PasswordHasher, Type
from identity.parts import SECRET, htpasswd_line
from sqlalchemy import select

from authsvc.changes import users
from authsvc.changes.imports import htpasswd
from authsvc.db.models import Password
from authsvc.errors import Conflict, Forbidden, Invalid
from authsvc.identity import stored
from authsvc.identity.local import Local
from authsvc.identity.passwords import needs_rehash
from authsvc.identity.provider import Rejected, Verified
from authsvc.identity.schemes import ALL

NOW = 1_800_000_000.0


def by_bcrypt(prefix):
    made = bcrypt.hashpw(SECRET.encode(), bcrypt.gensalt(4)).decode()
    return f"u:{prefix}{made[4:]}\n"


def by_argon2(kind, **more):
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1, type=kind, **more)
    return f"u:{hasher.hash(SECRET)}\n"


def by_apache(*flags):
    return htpasswd_line("u", SECRET, *flags)


MADE = {
    "bcrypt $2y$": ("bcrypt", lambda: by_apache("-B", "-C", "4")),
    "bcrypt $2b$": ("bcrypt", lambda: by_bcrypt("$2b$")),
    "bcrypt $2a$": ("bcrypt", lambda: by_bcrypt("$2a$")),
    "argon2id": ("argon2", lambda: by_argon2(Type.ID)),
    "argon2i": ("argon2", lambda: by_argon2(Type.I)),
    "sha256_crypt": ("sha256_crypt", lambda: by_apache("-2", "-r", "1000")),
    "sha512_crypt": ("sha512_crypt", lambda: by_apache("-5", "-r", "1000")),
    "apr_md5": ("apr_md5", lambda: by_apache("-m")),
    "sha1": ("sha1", lambda: by_apache("-s")),
}


def local(database):
    return Local(partial(stored.find, database), partial(stored.rehash, database))


def hash_of(database):
    with database.read() as session:
        return session.scalars(select(Password.hash)).one()


def imported(road, text, *schemes):
    people = htpasswd.parsed("people", text.encode(), schemes)
    return htpasswd.submit(road.unit_of_work, road.actor, people)


def test_every_scheme_that_is_admitted_is_tried_here():
    assert {scheme for scheme, _ in MADE.values()} == set(ALL)


@pytest.mark.parametrize("made", MADE)
def test_an_imported_hash_verifies_and_is_renewed_at_the_first_sign_in(road, made):
    scheme, line = MADE[made]
    text = line()
    assert imported(road, text, scheme) == ["u"]
    before = hash_of(road.database)
    assert text == f"u:{before}\n"
    source = local(road.database)
    assert source.verify("u", SECRET + "!", NOW) == Rejected("wrong_password")
    assert hash_of(road.database) == before
    assert isinstance(source.verify("u", SECRET, NOW), Verified)
    after = hash_of(road.database)
    assert after.startswith("$argon2id$")
    assert not needs_rehash(after)
    assert isinstance(source.verify("u", SECRET, NOW), Verified)
    assert source.verify("u", SECRET + "!", NOW) == Rejected("wrong_password")


@pytest.mark.parametrize("made", [name for name, (scheme, _) in MADE.items() if scheme in ALL[2:]])
def test_a_weaker_scheme_is_taken_only_by_name(made):
    scheme, line = MADE[made]
    with pytest.raises(Invalid) as caught:
        htpasswd.parsed("people", line().encode())
    assert caught.value.faults == (
        ("people:1", f"{scheme} is not among the schemes of this source"),
    )


@pytest.mark.parametrize(
    "stored_as",
    [
        pytest.param("secret", id="HT-02 plaintext"),
        pytest.param("rqXexS6ZhobKA", id="HT-02 DES"),
        pytest.param("_J9..rasmBYk8r9AiWNc", id="HT-02 extended DES"),
        pytest.param("$1$abcdefgh$irWbblnpmw.5z7wgBnprh0", id="HT-02 MD5 without a name"),
        pytest.param("{PLAIN}secret", id="HT-02 plaintext by name"),
        pytest.param("$2y$31$" + "a" * 53, id="HT-07 cost"),
        pytest.param("$2x$05$" + "a" * 53, id="HT-08 prefix"),
        pytest.param("", id="nothing"),
        pytest.param("*", id="locked"),
    ],
)
def test_other_hashes_are_never_taken(stored_as):
    with pytest.raises(Invalid) as caught:
        htpasswd.parsed("people", f"u:{stored_as}\n".encode(), ALL)
    ((place, text),) = caught.value.faults
    assert place == "people:1"
    assert not stored_as or stored_as not in text


def test_comments_blank_lines_and_line_ends_of_others_are_taken():
    line = by_apache("-B", "-C", "4").strip()
    text = (
        f"\ufeff# people\r\n\r\n{line}\r\n   \n  # more\n{line.replace('u:', 'Änne:')}:a comment\n"
    )
    assert list(htpasswd.parsed("people", text.encode())) == ["u", "Änne"]


def test_a_file_with_nobody_in_it_changes_nothing(road):
    assert imported(road, "# nobody\n") == []
    assert road.records() == []


def test_all_faulty_lines_are_named_at_once_and_nothing_is_imported(road):
    line = by_apache("-B", "-C", "4").strip()
    hashed = line.partition(":")[2]
    lines = [
        line,
        "no colon here",
        line,
        f"robot.ci:{hashed}",
        f"Anonymous:{hashed}",
        f" :{hashed}",
        f"a\tb:{hashed}",
        f"a:b:{hashed}",
        f"{'x' * 256}:{hashed}",
        "bob:secret",
        "y" * 5_000,
    ]
    with pytest.raises(Invalid) as caught:
        imported(road, "\n".join(lines))
    assert dict(caught.value.faults) == {
        "people:2": "no colon",
        "people:3": "name occurs twice",
        "people:4": "nobody can have this name",
        "people:5": "nobody can have this name",
        "people:6": "nobody can have this name",
        "people:7": "nobody can have this name",
        "people:8": "no known password hash",
        "people:9": "nobody can have this name",
        "people:10": "no known password hash",
        "people:11": "longer than 4096 bytes",
    }
    assert str(caught.value) == "10 faulty lines in people; nothing was imported"
    assert road.records() == []


def test_a_name_that_is_no_utf_8_is_a_fault():
    with pytest.raises(Invalid) as caught:
        htpasswd.parsed("people", b"\xff:" + by_apache("-s").encode()[2:], ["sha1"])
    assert caught.value.faults == (("people:1", "name is not UTF-8"),)


def test_a_scheme_that_does_not_exist_is_wrong():
    with pytest.raises(Invalid, match=r"no scheme is called 'md5'.*apr_md5"):
        htpasswd.parsed("people", b"", ["md5"])


def test_names_that_are_taken_are_all_named_and_nothing_is_imported(road):
    for name in ("zoe", "adam"):
        road.user(name)
    line = by_apache("-B", "-C", "4")
    text = "".join(line.replace("u:", f"{name}:") for name in ("zoe", "new", "adam"))
    with pytest.raises(Conflict, match="2 names are taken: adam, zoe"):
        imported(road, text)
    with road.database.read() as session:
        assert users.stored_hash(session, "new") == ""
    assert road.records()[-1]["outcome"] == "refused"


def test_a_person_of_another_source_takes_no_name(road):
    road.grant("user:corp:u", "reader", "team")
    assert imported(road, by_apache("-B", "-C", "4")) == ["u"]


def test_one_record_without_hashes_and_every_worker_forgets_the_names(road):
    line = by_apache("-B", "-C", "4")
    imported(road, line + line.replace("u:", "v:"))
    (record,) = road.records()
    assert (record["event"], record["outcome"]) == ("admin", "granted")
    assert record["after"] == {"users": ["u", "v"], "count": 2}
    assert "$2y$" not in repr(record)
    assert set(road.topics()) == {
        "name:u",
        "name:v",
        "subject:user:local:u",
        "subject:user:local:v",
    }


def test_many_people_are_one_change_with_a_bounded_record(road):
    hashed = by_apache("-B", "-C", "4").partition(":")[2]
    text = "".join(f"u{number}:{hashed}" for number in range(3_000))
    assert len(imported(road, text)) == 3_000
    (record,) = road.records()
    assert (len(record["after"]["users"]), record["after"]["count"]) == (500, 3_000)


def test_only_an_administrator_imports(road):
    road.user("alice")
    road.grant("user:alice", "auditor")
    alice = road.as_("alice")
    with pytest.raises(Forbidden):
        alice.run(lambda tx: users.add_all(tx, {"bob": "$argon2id$not-a-hash"}))
