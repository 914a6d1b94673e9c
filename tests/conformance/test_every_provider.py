"""The one suite that every source of identities passes; see `built_sources` for how to add one."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from conformance.built_sources import ALICES, BUILDERS, PEOPLE
from identity.parts import NOW, hashed

from authsvc.errors import Unavailable
from authsvc.identity.provider import Marks, Rejected, StoresHashes, Unknown, Verified
from authsvc.identity.schemes import cost
from authsvc.principal import Kind
from authsvc.protocol.names import is_source_name


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
