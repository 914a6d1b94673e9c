"""How minted secrets are looked up by one worker, and who vouches for their owners."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import partial

from authsvc.changes import secrets
from authsvc.identity import minted_rows
from authsvc.identity.bulkhead import Bulkhead
from authsvc.identity.htpasswd import Htpasswd
from authsvc.identity.ldap.provider import Ldap
from authsvc.identity.minted import CHANGED, Lasting, Minted, Owners, ends_for_good
from authsvc.identity.provider import Rejected
from authsvc.principal import SYSTEM
from authsvc.settings import Settings

from .offline import Offline
from .sources import People

THREADS = 2  # a look-up takes some 0.2 ms
WAITING = 512  # look-ups that may wait for a thread; more are told to come back
EACH = 256  # of one address, which may be that of many runners: no stranger takes all places


def minted_of(base: Offline, people: People) -> Minted:
    """Look-ups in threads of their own, so that neither slow hashes nor a directory hold them up.

    The owners of a directory are asked for in its own threads.
    """
    threads = Bulkhead("secrets", threads=THREADS, queue=WAITING, each=EACH)
    owners = {each.name: Owners(each, threads, float("inf")) for each in people.files}
    for source in people.order:
        if isinstance(source.provider, Ldap):
            each = Owners(source.provider, source.threads, source.ttl, source.grace, folds=True)
            owners[source.provider.name] = each
    return Minted(
        threads, partial(minted_rows.find, base.database), partial(_end, base),
        owners=owners, lasting=lasting_of(base.settings),
    )  # fmt: skip


def end_lost(base: Offline, files: Iterable[Htpasswd]) -> None:
    """End the secrets of people whose line is gone, though nobody shows one: names come back.

    A job for one worker. A file that cannot be read now, or has become unusable, says nothing.
    """
    for file in files:
        if file.state() != "ok":
            continue
        lost = defaultdict(list)
        for held in minted_rows.held_in(base.database, file.name):
            reason = _why_lost(file, held)
            if reason is not None:
                lost[reason].append(held.id)
        for reason, ids in lost.items():
            for begin in range(0, len(ids), secrets.AT_ONCE):
                _end_all(base, ids[begin : begin + secrets.AT_ONCE], reason)


def _why_lost(file: Htpasswd, held: minted_rows.Held) -> str | None:
    found = file.current(held.owner)
    if isinstance(found, Rejected):
        return found.reason if ends_for_good(held.kind, found.reason) else None
    if held.kind == "ref" and file.has_new_password(held.owner, held.password):
        return CHANGED
    return None


def lasting_of(settings: Settings) -> Lasting:
    """How long refresh tokens last."""
    return Lasting(settings.refresh.max_age, settings.refresh.idle)


def _end(base: Offline, secret: int, reason: str) -> None:
    _end_all(base, [secret], reason)


def _end_all(base: Offline, ids: Collection[int], reason: str) -> None:
    base.unit_of_work.run(SYSTEM, lambda tx: secrets.end(tx, ids, reason))
