"""The one suite that every source of identities passes.

A new provider adds one builder to `BUILDERS`: it makes a source in `folder` whose people are
those of `PEOPLE`, with a fixture of its own where it needs one.
"""

import itertools
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from identity.parts import NOW, People, hashed, htpasswd_line
from real.process import free_port
from real.slapd import SUFFIX, entry, escaped

from authsvc.errors import Unavailable
from authsvc.identity.htpasswd import Htpasswd
from authsvc.identity.provider import Marks, Provider, Rejected, StoresHashes, Unknown, Verified
from authsvc.identity.schemes import cost
from authsvc.principal import Kind
from authsvc.protocol.names import is_source_name

PEOPLE = {
    "alice": "correct horse, wrong staple",
    "zoë": "schöne große, süße äpfel",
    "long": "p" * 72,
    "j.doe+ci@example.com": "a:password:with:colons",
}
ALICES = PEOPLE["alice"]


@dataclass
class Built:
    """A provider, how to change a person behind it, and one like it that cannot be asked.

    With `by_topic` the change feed tells of changes; else `is_current` must. With `by_look` nobody
    tells the source either: it sees a change when it looks, and the changes here make it look.
    """

    provider: Provider
    set_password: Callable[[str, str], None]
    remove: Callable[[str], None]
    out_of_reach: Provider
    by_topic: bool = False
    by_look: bool = False


def local(_request, _folder):
    people, unreachable = People(), People(down=True)
    for name, password in PEOPLE.items():
        people.add(name, password)
    return Built(
        people.provider(), people.add, people.stored.pop, unreachable.provider(), by_topic=True
    )


def htpasswd(_request, folder):
    path = folder / "htpasswd"
    lines = {name: htpasswd_line(name, password) for name, password in PEOPLE.items()}
    lines["alice"] = f"alice:{hashed(ALICES)}\n"
    path.write_text("".join(lines.values()))
    provider = at(path)

    def write():
        path.write_text("".join(lines.values()))
        provider.refresh()

    def set_password(name, password):
        lines[name] = htpasswd_line(name, password)
        write()

    def remove(name):
        del lines[name]
        write()

    return Built(provider, set_password, remove, at(folder / "missing"))


def at(path):
    return Htpasswd("file", path, ["bcrypt", "argon2"], pause=lambda _seconds: None)


def ldap(request, _folder):
    slapd, sources = (request.getfixturevalue(name) for name in ("slapd", "sources"))
    unit = f"ou=conformance-{uuid.uuid4().hex[:8]},{SUFFIX}"
    provider = sources(slapd.url, user_base=unit, password_changed_attribute="description")
    slapd.add([entry(unit, ["organizationalUnit"], ou=unit[3 : unit.index(",")])])
    changes = itertools.count()

    def dn(name):
        return f"uid={escaped(name)},{unit}"

    def set_password(name, password):
        known = provider.knows(name)
        marked = {"userPassword": password, "description": f"change {next(changes)}"}
        if known is None:
            slapd.add([entry(dn(name), ["inetOrgPerson"], uid=name, cn=name, sn="x", **marked)])
            return
        for attribute, value in marked.items():
            slapd.replace(dn(name), attribute, value)
        provider.recheck(known)

    def remove(name):
        known = provider.knows(name)
        slapd.remove(dn(name))
        provider.recheck(known)

    for name, password in PEOPLE.items():
        set_password(name, password)
    nowhere = sources(f"ldap://127.0.0.1:{free_port()}")
    return Built(provider, set_password, remove, nowhere, by_look=True)


BUILDERS = [
    pytest.param(local, id="local"),
    pytest.param(htpasswd, id="htpasswd"),
    pytest.param(ldap, id="ldap"),
]


@pytest.fixture(params=BUILDERS)
def built(request, tmp_path):
    return request.param(request, tmp_path)


@pytest.mark.parametrize("name", PEOPLE)
def test_the_right_password_gives_the_whole_identity(built, name):
    provider = built.provider
    verified = provider.verify(name, PEOPLE[name], NOW)
    assert isinstance(verified, Verified)
    principal = verified.principal
    assert (principal.kind, principal.source) == (Kind.USER, provider.name)
    assert (principal.name, bool(principal.id)) == (name, True)
    assert principal.subject == f"user:{provider.name}:{name}"
    assert verified.credential_kind == "password"
    assert is_source_name(provider.name)
    assert provider.knows(name) == principal


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("", id="BA-04 empty"),
        pytest.param(" ", id="blank"),
        pytest.param(ALICES[:-1], id="cut"),
        pytest.param(ALICES + " ", id="trailing blank"),
        pytest.param(ALICES + "\0", id="HT-06 NUL behind it"),
        pytest.param("\0", id="HT-06 NUL"),
        pytest.param(ALICES.upper(), id="case"),
        pytest.param(PEOPLE["long"], id="another's"),
        pytest.param("x" * 1_024, id="BA-16 1,024 characters"),
        pytest.param("🦆" * 1_024, id="BA-16 4 KiB in UTF-8"),
        pytest.param("x" * 1_000_000, id="BA-16 1 MB"),
        pytest.param("\ud800", id="lone surrogate"),
        pytest.param("*", id="filter metacharacter"),
        pytest.param("plaintext:\r\n", id="line break"),
    ],
)
def test_any_other_password_is_refused_and_never_an_error(built, password):
    assert built.provider.verify("alice", password, NOW) == Rejected("wrong_password")


def test_composed_and_decomposed_letters_are_different_passwords(built):
    decomposed = "scho\u0308ne große, süße äpfel"
    assert built.provider.verify("zoë", decomposed, NOW) == Rejected("wrong_password")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="BA-03 empty"),
        pytest.param("carol", id="stranger"),
        pytest.param("*", id="filter metacharacter"),
        pytest.param("alice:x", id="colon"),
        pytest.param("alice\0", id="NUL"),
        pytest.param("alice\n", id="line break"),
        pytest.param(" alice", id="leading blank"),
        pytest.param("alice ", id="trailing blank"),
        pytest.param("\ufeffalice", id="byte order mark"),
        pytest.param("\uff41lice", id="BA-15 NFKC-folds to alice"),
        pytest.param("\u0430lice", id="BA-15 Cyrillic"),
        pytest.param("zoe\u0308", id="BA-15 decomposed"),
        pytest.param("\ud800", id="lone surrogate"),
        pytest.param("a" * 100_000, id="very long"),
        pytest.param("alice,ou=admins", id="DN"),
        pytest.param("#alice", id="comment"),
    ],
)
def test_a_name_that_is_not_there_byte_for_byte_is_unknown(built, name):
    assert isinstance(built.provider.verify(name, ALICES, NOW), Unknown)
    assert built.provider.knows(name) is None


def test_what_was_verified_is_current_until_the_password_changes(built):
    alice = built.provider.verify("alice", ALICES, NOW)
    long = built.provider.verify("long", PEOPLE["long"], NOW)
    assert built.provider.is_current(alice)
    built.set_password("alice", "the next one of hers")
    assert built.provider.is_current(alice) == built.by_topic
    assert built.provider.is_current(long)
    assert built.provider.verify("alice", ALICES, NOW) == Rejected("wrong_password")
    assert isinstance(built.provider.verify("alice", "the next one of hers", NOW), Verified)


def test_who_is_removed_is_unknown_and_no_longer_current(built):
    alice = built.provider.verify("alice", ALICES, NOW)
    built.remove("alice")
    assert isinstance(built.provider.verify("alice", ALICES, NOW), Unknown)
    assert built.provider.knows("alice") is None
    assert built.provider.is_current(alice) == built.by_topic


def test_a_source_without_topics_marks_what_it_holds_for_each_name(built):
    assert built.by_topic or built.by_look or isinstance(built.provider, Marks)
    if isinstance(built.provider, Marks):
        before = [built.provider.mark(name) for name in ("alice", "long", "carol")]
        built.set_password("alice", "the next one of hers")
        built.set_password("carol", "her first one")
        after = [built.provider.mark(name) for name in ("alice", "long", "carol")]
        assert [old == new for old, new in zip(before, after, strict=True)] == [False, True, False]


def test_a_source_of_hashes_shows_one_of_each_cost(built):
    if isinstance(built.provider, StoresHashes):
        built.provider.verify("alice", ALICES, NOW)
        costs = [cost(stored) for stored in built.provider.samples()]
        assert cost(hashed(ALICES)) in costs
        assert len(costs) == len(set(costs))


def test_a_source_that_cannot_be_asked_says_so_and_never_no(built):
    with pytest.raises(Unavailable):
        built.out_of_reach.verify("alice", ALICES, NOW)
    with pytest.raises(Unavailable):
        built.out_of_reach.knows("alice")


def test_nobody_is_given_another_ones_identity_when_many_ask_at_once(built):
    """LD-19 for every source."""
    asked = list(PEOPLE) * 5
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda name: built.provider.verify(name, PEOPLE[name], NOW), asked)
        assert [answer.principal.name for answer in answers] == asked
