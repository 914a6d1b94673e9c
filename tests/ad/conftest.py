"""A domain controller with people and groups, and sources that ask it.

`make test` leaves this folder out; `make test-ad` installs what it needs and runs it.
"""

import itertools
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from real.domain import READER, READERS_PASSWORD, Newcomer, newcomer, settle
from real.samba import SUFFIX, Samba, network_of_its_own

from authsvc.identity.ldap.provider import Ldap

PAGE = Path(__file__).parents[2] / "docs" / "sources.md"
_MANY_LINES = re.DOTALL | re.MULTILINE
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
    """Makes sources by the settings that docs/sources.md shows, and changes to them."""
    shown = documented() | {
        "ca_file": str(domain.authority.ca),
        "bind_dn": READER,
        "bind_password": READERS_PASSWORD,
    }

    def make(*urls: str, **settings: object) -> Ldap:
        return sources(*(urls or (domain.tls_url,)), **(shown | settings))

    return make


def documented() -> dict[str, object]:
    """What is shown for Active Directory but for where it is and who searches."""
    example = re.search(r"^Active Directory:\n\n```toml\n(.*?)```", PAGE.read_text(), _MANY_LINES)
    assert example, "docs/sources.md shows no settings for Active Directory"
    source = tomllib.loads(example[1].replace("DC=example,DC=com", SUFFIX))["sources"][0]
    elsewhere = ("urls", "ca_file", "bind_dn", "bind_password_file")
    return {key: value for key, value in source.items() if key not in elsewhere}


@pytest.fixture
def eve(domain: Samba) -> Newcomer:
    """Somebody new, who may change."""
    return newcomer(domain, f"Eve{next(_NUMBERS)}")
