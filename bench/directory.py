"""OpenLDAP's server with people and groups, and what its own log says it was asked."""

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # the tests have its starter

from real.process import find, wait_for
from real.slapd import GROUPS, PEOPLE, READER, READERS_PASSWORD, SUFFIX, Slapd, entry

_MEANINGS = {" ACCEPT from ": "opened", " RESULT tag=97 ": "bound", " RESULT tag=": "answered"}


def is_installed() -> bool:
    return find("slapd") is not None


class Directory:
    """A running server. Each of its people is in two groups."""

    people, reader, password = PEOPLE, READER, READERS_PASSWORD

    def __init__(self, server: Slapd) -> None:
        self._server = server

    @property
    def address(self) -> str:
        """Its host and port."""
        return self._server.url.partition("//")[2].rstrip("/")

    def settings(self, source: str) -> str:
        """The section of the settings that makes it a source."""
        return (
            f'[[sources]]\ntype = "ldap"\nname = "{source}"\nurls = ["{self._server.url}"]\n'
            f'bind_dn = "{READER}"\nbind_password = "{READERS_PASSWORD}"\n'
            f'user_base = "{PEOPLE}"\ngroup_base = "{GROUPS}"\n'
            'active_filter = "(!(pwdAccountLockedTime=000001010000Z))"\n'
        )

    def asked(self, binds: int, before: "Counter[str] | None" = None) -> "Counter[str]":
        """What it was asked since `before`, once its log shows so many answers to binds.

        `opened` connections, `bound` answers to binds, `answered` all others.
        """
        before = before or Counter()

        def is_logged() -> bool:
            return (self._counted() - before)["bound"] >= binds

        wait_for(is_logged, f"{binds} binds in the log of slapd")
        return self._counted() - before

    def _counted(self) -> "Counter[str]":
        return Counter(
            meaning
            for line in self._server.said()
            if (meaning := next((m for text, m in _MEANINGS.items() if text in line), None))
        )


@contextmanager
def directory(names: Sequence[str], password: str) -> Iterator[Directory]:
    """A server with these people, who all have one password."""
    with tempfile.TemporaryDirectory(prefix="bench-slapd-") as made:
        Path(made).chmod(0o755)  # slapd, started by root, runs as a user of its own
        server = Slapd(Path(made) / "it").start()
        try:
            server.add(_entries(names, password))
            yield Directory(server)
        finally:
            server.stop()


def _entries(names: Sequence[str], password: str) -> Iterator[str]:
    yield entry(SUFFIX, ["dcObject", "organization"], dc="example", o="Example")
    for base, unit in ((PEOPLE, "people"), (GROUPS, "groups")):
        yield entry(base, ["organizationalUnit"], ou=unit)
    yield entry(
        READER, ["organizationalRole", "simpleSecurityObject"],
        cn="reader", userPassword=READERS_PASSWORD,
    )  # fmt: skip
    dns = [f"uid={name},{PEOPLE}" for name in names]
    for name, dn in zip(names, dns, strict=True):
        yield entry(dn, ["inetOrgPerson"], uid=name, cn=name, sn=name, userPassword=password)
    for group in ("developers", "everybody"):
        yield entry(f"cn={group},{GROUPS}", ["groupOfNames"], cn=group, member=dns)
