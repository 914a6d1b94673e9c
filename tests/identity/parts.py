"""Real parts put together for the tests of identity: people at hand, files made by htpasswd."""

import asyncio
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache

from authsvc.clock import FrozenClock
from authsvc.errors import Unavailable
from authsvc.identity.authenticator import Authenticator, Memory
from authsvc.identity.bulkhead import Bulkhead
from authsvc.identity.costs import HashCosts
from authsvc.identity.credential_cache import CredentialCache
from authsvc.identity.local import Local
from authsvc.identity.minted import Lasting, Minted
from authsvc.identity.passwords import hash_password
from authsvc.identity.provider import Circumstances, Rejected, StoredPassword, StoresHashes
from authsvc.identity.refusals import Refusals
from authsvc.identity.sources import Source, Sources
from authsvc.protocol.credentials import Password

SECRET = "correct horse, wrong staple"
NOW = 1_800_000_000.0


@cache
def hashed(password):
    return hash_password(password)


def htpasswd_line(name, password, *flags):
    """A line as Apache's htpasswd prints it; bcrypt of cost 4 when no flags are given."""
    command = ["htpasswd", "-ni", *(flags or ("-B", "-C", "4")), name]
    run = subprocess.run(command, input=password, text=True, check=True, capture_output=True)
    return run.stdout.strip() + "\n"


@dataclass
class People:
    """What the database holds, for `Local`: by exact name."""

    stored: dict[str, StoredPassword] = field(default_factory=dict)
    rehashed: list[str] = field(default_factory=list)
    down: bool = False

    def add(self, name, password=SECRET, *, enabled=True, stored_hash=None):
        self.stored[name] = StoredPassword(
            name=name,
            id=f"id-of-{name}",
            enabled=enabled,
            hash=stored_hash or hashed(password),
            changed_at=datetime.now(UTC),
        )

    def find(self, name):
        if self.down:
            raise Unavailable("the database does not answer", what="database")
        return self.stored.get(name)

    def rehash(self, name, old, new):
        person = self.stored[name]
        if person.hash == old:
            self.stored[name] = replace(person, hash=new)
            self.rehashed.append(name)

    def provider(self):
        return Local(self.find, self.rehash)


class CountedCosts(HashCosts):
    """Hash costs that also count how often the work for an unknown name was done."""

    spent = 0

    def spend(self, password):
        self.spent += 1
        super().spend(password)


@dataclass
class House:
    """An authenticator over providers, with a clock that moves by its waiting alone."""

    authenticator: Authenticator
    clock: FrozenClock
    costs: CountedCosts
    checks: list[tuple[str, str]]
    served: list[str]
    refusals: Refusals

    async def identify(self, name, password, **circumstances):
        return await self.authenticator.identify(Password(name, password), here(**circumstances))

    def remembered(self, name, password, **circumstances):
        return self.authenticator.remembered(Password(name, password), here(**circumstances))


def here(address="192.0.2.1", service="registry:5000", now=NOW, *, address_known=True):
    return Circumstances(address, service, now, address_known)


def unknown(shown):
    return Rejected("unknown_secret")


@contextmanager
def house(
    *providers, find=unknown, end=None, owners=None, lasting=None,
    ttl=60.0, queue=100, threads=2, guesses=None, clock=None,
):  # fmt: skip
    """Built the way the service builds it, but for the clock.

    `find` looks minted secrets up, `end` ends them and `lasting` is how long refresh tokens do;
    `owners` vouch for theirs, by the name of their source.
    """
    clock = clock or FrozenClock(NOW)

    async def sleep(seconds):
        clock.advance(seconds)
        await asyncio.sleep(0)

    checks, served = [], []
    pool = Bulkhead("passwords", threads=threads, queue=queue, low_priority=True)
    costs = CountedCosts([p for p in providers if isinstance(p, StoresHashes)])
    sources = Sources(
        [Source(provider, pool) for provider in providers],
        clock,
        lambda source, result, _seconds: checks.append((source, result)),
        spend=costs.spend,
    )
    refusals = Refusals(costs, clock, sleep)
    authenticator = Authenticator(
        sources,
        Minted(pool, find, end, owners=owners or {}, lasting=lasting or Lasting()),
        Memory(CredentialCache(b"k" * 32), ttl, served.append),
        refusals,
        clock,
        guesses,
    )
    try:
        yield House(authenticator, clock, costs, checks, served, refusals)
    finally:
        pool.close()
