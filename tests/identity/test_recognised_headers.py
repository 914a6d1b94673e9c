"""A remembered caller is recognised by the header as it was sent, and by nothing else."""

import asyncio

import pytest
from identity.parts import NOW, SECRET, People, house
from inprocess import basic

from authsvc.identity.credential_cache import MOST_TEXTS, CredentialCache
from authsvc.identity.provider import Circumstances
from authsvc.principal import ANONYMOUS
from authsvc.protocol.credentials import from_authorization

HERE = Circumstances("192.0.2.1", "reg.test", NOW)
HEADER = basic(f"alice:{SECRET}")[0][1].encode()


def told(story):
    """Run a story with alice at home, her header noted once her password was verified."""
    people = People()
    people.add("alice")

    async def whole():
        with house(people.provider(), ttl=60) as at:
            service = at.authenticator
            assert service.recognised(HEADER, HERE) is None
            shown = from_authorization(HEADER)
            verified = await service.identify(shown, HERE)
            assert service.recognised(HEADER, HERE) is None
            assert service.remembered(shown, HERE, text=HEADER) is verified
            story(at, service, verified)

    asyncio.run(whole())


def test_the_same_header_is_the_same_caller():
    def story(at, service, verified):
        assert service.recognised(HEADER, HERE) is verified
        assert at.served[-1] == "right"

    told(story)


@pytest.mark.parametrize(
    "header",
    [HEADER[:-1], HEADER + b" ", HEADER.lower(), b"", basic("alice:wrong password")[0][1].encode()],
)
def test_any_other_header_is_not(header):
    def story(_at, service, _verified):
        assert service.recognised(header, HERE) is None

    told(story)


def test_no_header_is_nobody():
    def story(_at, service, _verified):
        assert service.recognised(None, HERE).principal is ANONYMOUS

    told(story)


def test_recognition_ends_with_what_is_remembered():
    def by_time(at, service, _verified):
        at.clock.advance(60)
        assert service.recognised(HEADER, HERE) is None

    def by_news(_at, service, _verified):
        service.forget(frozenset({"name:alice"}))
        assert service.recognised(HEADER, HERE) is None

    told(by_time)
    told(by_news)


def test_headers_are_bounded_and_never_kept_as_they_are():
    cache = CredentialCache(b"k" * 32)
    for number in range(MOST_TEXTS + 5):
        cache.note_text(b"Basic %d" % number, b"pair")
    assert len(cache._texts) <= MOST_TEXTS
    assert not any(b"Basic" in key for key in cache._texts)
