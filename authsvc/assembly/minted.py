"""How minted secrets are looked up by one worker, and who vouches for their owners."""

from functools import partial

from authsvc.changes import secrets
from authsvc.identity import minted_rows
from authsvc.identity.bulkhead import Bulkhead
from authsvc.identity.ldap.provider import Ldap
from authsvc.identity.minted import Lasting, Minted, Owners
from authsvc.principal import SYSTEM
from authsvc.settings import Settings

from .offline import Offline
from .sources import People

THREADS = 2  # a look-up takes some 0.2 ms
WAITING = 256  # look-ups that may wait for a thread; more are told to come back


def minted_of(base: Offline, people: People) -> Minted:
    """Look-ups in threads of their own, so that neither slow hashes nor a directory hold them up.

    The owners of a directory are asked for in its own threads.
    """
    threads = Bulkhead("secrets", threads=THREADS, queue=WAITING)
    owners = {each.name: Owners(each, threads, float("inf")) for each in people.files}
    for source in people.order:
        if isinstance(source.provider, Ldap):
            each = Owners(source.provider, source.threads, source.ttl, source.grace)
            owners[source.provider.name] = each
    return Minted(
        threads, partial(minted_rows.find, base.database), partial(_end, base),
        owners=owners, lasting=lasting_of(base.settings),
    )  # fmt: skip


def lasting_of(settings: Settings) -> Lasting:
    """How long refresh tokens last."""
    return Lasting(settings.refresh.max_age, settings.refresh.idle)


def _end(base: Offline, secret: int, reason: str) -> None:
    base.unit_of_work.run(SYSTEM, lambda tx: secrets.end(tx, [secret], reason))
