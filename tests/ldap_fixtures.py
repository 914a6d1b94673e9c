"""Fixtures that run OpenLDAP, and sources of identities that ask it."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from real.company import settle
from real.slapd import GROUPS, PEOPLE, READER, READERS_PASSWORD, Slapd

from authsvc.identity.ldap.provider import Ldap
from authsvc.settings.sources import LdapSource

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def slapd(rt: Path) -> Iterator[Slapd]:
    """A directory with the people and groups of real/company.py. Leave it running, and them."""
    server = settle(Slapd(rt / "slapd").start())
    yield server
    server.stop()


@pytest.fixture
def slapd_of_its_own(rt: Path) -> Iterator[Slapd]:
    """The same for one test that stops it or changes those in it."""
    server = settle(Slapd(rt / f"slapd-{next(_NUMBERS)}").start())
    yield server
    server.stop()


@pytest.fixture
def sources() -> Iterator[Callable[..., Ldap]]:
    """Makes sources by `ldap_source`, and closes them."""
    made: list[Ldap] = []

    def make(*urls: str, timer: Callable[[], float] | None = None, **settings: object) -> Ldap:
        options = {} if timer is None else {"timer": timer}
        made.append(Ldap(ldap_source(*urls, **settings), **options))
        return made[-1]

    yield make
    for source in made:
        source.close()


def ldap_source(*urls: str, **settings: object) -> LdapSource:
    """Settings of a source `corp` in the directory of real/company.py."""
    return LdapSource.model_validate(
        {
            "type": "ldap",
            "name": "corp",
            "urls": urls,
            "bind_dn": READER,
            "bind_password": READERS_PASSWORD,
            "user_base": PEOPLE,
            "group_base": GROUPS,
            "connect_timeout": 5.0,
            "timeout": 5.0,
        }
        | settings
    )
