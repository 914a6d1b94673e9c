"""A domain controller with people and groups, and sources that ask it.

`make test` leaves this folder out; `make test-ad` installs what it needs and runs it.
"""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from real.domain import READER, READERS_PASSWORD, Newcomer, newcomer, settle
from real.samba import GROUPS, PEOPLE, Samba, network_of_its_own

from authsvc.identity.ldap.provider import Ldap

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def domain(rt: Path) -> Iterator[Samba]:
    """The domain of real/domain.py. Leave it running; change nobody but newcomers."""
    with network_of_its_own():
        controller = Samba(rt / "samba").provision().start()
        try:
            yield settle(controller)
        finally:
            controller.stop()


@pytest.fixture
def corp(domain: Samba, sources: Callable[..., Ldap]) -> Callable[..., Ldap]:
    """Makes sources by the settings that docs/operations.md recommends, and changes to them."""

    def make(*urls: str, **settings: object) -> Ldap:
        recommended = {
            "ca_file": str(domain.authority.ca),
            "bind_dn": READER,
            "bind_password": READERS_PASSWORD,
            "user_base": PEOPLE,
            "user_filter": "(&(objectCategory=person)(sAMAccountName={username}))",
            "active_filter": "(!(userAccountControl:1.2.840.113556.1.4.803:=2))",
            "username_attribute": "sAMAccountName",
            "id_attribute": "objectGUID",
            "password_changed_attribute": "pwdLastSet",
            "group_base": GROUPS,
            "group_strategy": "ad-nested",
            "group_filter": "(objectClass=group)",
            "group_attribute": "sAMAccountName",
        }
        return sources(*(urls or (domain.tls_url,)), **(recommended | settings))

    return make


@pytest.fixture
def eve(domain: Samba) -> Newcomer:
    """Somebody new, who may change."""
    return newcomer(domain, f"Eve{next(_NUMBERS)}")
