"""The parts of one worker of the service."""

import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from anyio import CapacityLimiter

from authsvc import metrics
from authsvc.access.snapshot import Snapshot
from authsvc.audit.forwarding import Forwarding
from authsvc.audit.keeper import ROUND, Keeper, disk_used
from authsvc.audit.log import TokenLog
from authsvc.audit.pseudonyms import pseudonyms
from authsvc.audit.retention import Keep
from authsvc.changes import once, secrets
from authsvc.changes.key_maker import KeyMaker
from authsvc.changes.robot_ends import warn_of_ends
from authsvc.changes.unit_of_work import UnitOfWork
from authsvc.clock import utc
from authsvc.db.engine import Database
from authsvc.db.feed import Feed
from authsvc.errors import Unavailable
from authsvc.identity import last_use
from authsvc.identity.authenticator import Authenticator, Memory
from authsvc.identity.bulkhead import Bulkhead
from authsvc.identity.costs import HashCosts
from authsvc.identity.credential_cache import CredentialCache
from authsvc.identity.guesses import LimitedGuesses
from authsvc.identity.last_use import LastUses
from authsvc.identity.limit_records import telling
from authsvc.identity.refusals import Refusals
from authsvc.identity.sources import Sources
from authsvc.jobs import Job
from authsvc.keys.keyring import Keyring
from authsvc.limits.limiter import Limiter
from authsvc.limits.limiter import limiter as limiter_of
from authsvc.principal import Principal
from authsvc.settings import Settings
from authsvc.tokens.identifiers import Identifiers
from authsvc.tokens.parts import Parts
from authsvc.tokens.records import Pseudonyms
from authsvc.tokens.service import TokenService
from authsvc.web.exposure import transport_state

from .forwarding import forwarding_of
from .minted import end_lost, minted_of
from .offline import Offline, offline
from .refresh import forget_ended, refresh_tokens_of
from .sources import People, people_of

CORES = os.cpu_count() or 1
UNHEARD = 2.0  # seconds without news after which /readyz says so; tokens go on until feed.BLIND
PROBED = 1.0  # seconds between two looks whether a directory answers
ENDING = 60.0  # seconds between two looks for robots that end soon
FORGETTING = 600.0  # seconds between two removals of what is kept no longer
LOSING = 5.0  # seconds between two looks whose lines are gone from files
USES = 5.0  # seconds between two writes of when secrets were used last
TENDING = 1.0  # seconds between two looks at Redis and writes of known addresses
READERS = 4  # threads of the admin API
CHANGERS = 2  # they wait for each other's lock anyway
ADMIN_WAITING = 64  # admin requests that may wait for a thread
POLICIES_WAITING = 8  # policy documents that may wait for the one thread that works on them
POLICIES_EACH = 2  # of one caller, those under way among them
POLICY_PATIENCE = 120.0  # seconds; 100,000 grants take some ten
WAITING = 256  # password checks that may wait for a thread; more are told to come back


@dataclass(frozen=True, slots=True)
class Online:
    """What one worker of the service works with.

    `threads` are those of jobs and of reading the policy, `readers` and `changers` those of the
    admin API, `hashes` those of slow hashes; `unit_of_work` tells this worker's feed of its
    changes. `find` asks a directory (its name, a person's name) who that is. `states` are the
    dependencies that /readyz names, each with what it says now.
    """

    offline: Offline
    unit_of_work: UnitOfWork
    feed: Feed
    snapshot: Snapshot
    authenticator: Authenticator
    keyring: Keyring
    log: TokenLog
    keeper: Keeper
    forwarding: Forwarding
    tokens: TokenService
    pseudonym: Callable[[str], str]
    people: People
    jobs: tuple[Job, ...]
    threads: CapacityLimiter
    readers: Bulkhead
    changers: Bulkhead
    hashes: Bulkhead
    policies: Bulkhead
    limiter: Limiter
    uses: LastUses
    find: Callable[[str, str], Principal | None]
    states: Mapping[str, Callable[[], str]]

    async def hear(self) -> None:
        """Hear now of a change that this worker made: it decides the next request by it.

        The change itself is durable; a database that has gone since is for the next request.
        """
        with suppress(Unavailable):
            await self.feed.poll()
            await self.snapshot.catch_up()


def online(settings: Settings) -> Online:
    """The parts of one worker; call it on the event loop that will serve.

    Raises InvalidSettings when certs_dir cannot be used.
    """
    base = offline(settings)
    database, clock, staleness = base.database, base.clock, settings.cache.staleness
    hashes = _slow_threads(settings)
    people = people_of(base, hashes)
    threads = CapacityLimiter(4 + len(people.directories))
    feed = Feed(database, clock, staleness)
    snapshot = Snapshot(database, feed, threads)
    costs = HashCosts(
        (people.local, *people.files), asked=[each.takes for each in people.directories]
    )
    log, keeper = _log(settings, database), _keeper(base)
    forwarding = forwarding_of(base)
    pseudonym = pseudonyms(base.keys.secret())
    limiter = _limiter(base, log, pseudonym)
    feed.subscribe(limiter.forget)
    authenticator = _authenticator(base, people, costs, limiter)
    feed.subscribe(authenticator.forget)
    keyring = Keyring(database, base.keys, clock, staleness)
    uses = LastUses(partial(last_use.store, database))
    unit_of_work = _unit_of_work(base, feed)
    parts = Parts(
        clock=clock, feed=feed, snapshot=snapshot, authenticator=authenticator, keyring=keyring,
        log=log, pseudonyms=Pseudonyms(pseudonym), identifiers=Identifiers(), limiter=limiter,
        uses=uses, refresh=refresh_tokens_of(base, unit_of_work),
    )  # fmt: skip
    tokens = TokenService(
        parts,
        issuer=settings.issuer,
        ttl=settings.token.ttl,
        durable=settings.audit.durability == "before-response",
    )
    feed.subscribe(tokens.forget)
    return Online(
        offline=base, unit_of_work=unit_of_work,
        feed=feed, snapshot=snapshot, authenticator=authenticator, keyring=keyring,
        log=log, keeper=keeper, tokens=tokens, pseudonym=pseudonym, people=people, threads=threads,
        readers=Bulkhead("admin requests", threads=READERS, queue=ADMIN_WAITING),
        changers=Bulkhead("changes", threads=CHANGERS, queue=ADMIN_WAITING),
        policies=Bulkhead(
            "policies", threads=1, queue=POLICIES_WAITING,
            patience=POLICY_PATIENCE, each=POLICIES_EACH,
        ),
        hashes=hashes, find=people.find, limiter=limiter,
        jobs=(
            *_jobs(base, keyring, people, costs), *_limit_jobs(limiter, staleness),
            Job("last uses", USES, uses.write), Job("audit log", ROUND, keeper.round),
        ),
        uses=uses, forwarding=forwarding,
        states={
            **_states(base, feed, keyring, (log, keeper), people, limiter),
            **forwarding.states,
        },
    )  # fmt: skip


def _unit_of_work(base: Offline, feed: Feed) -> UnitOfWork:
    """The one road, whose changes this worker hears of at once."""
    sources = frozenset(source.name for source in base.settings.sources)
    return UnitOfWork(base.database, base.clock, feed.nudge, sources=sources)


def _slow_threads(settings: Settings) -> Bulkhead:
    """One pool of threads for slow hashes, as many as the cores that this worker has."""
    each = max(1, CORES // settings.server.workers)
    return Bulkhead("password checks", threads=each, queue=WAITING, low_priority=True)


def _authenticator(
    base: Offline, people: People, costs: HashCosts, limiter: Limiter
) -> Authenticator:
    ttl, clock = base.settings.cache.credential_ttl, base.clock
    return Authenticator(
        Sources(people.order, clock, _observe, spend=costs.spend),
        minted_of(base, people),
        Memory(CredentialCache(os.urandom(32)), ttl, metrics.count_remembered),
        Refusals(costs, clock),
        clock,
        LimitedGuesses(limiter.failures, limiter.refusing),
    )


def _limiter(base: Offline, log: TokenLog, pseudonym: Callable[[str], str]) -> Limiter:
    """The limits, with one thread to look up known addresses: only who is refused needs them."""
    thread = Bulkhead("known addresses", threads=1, queue=WAITING, patience=1.0)
    tell = telling(log, base.clock, pseudonym)
    return limiter_of(
        base.settings, base.keys.secret(), base.database, base.clock, thread=thread.run, tell=tell
    )


def _limit_jobs(limiter: Limiter, staleness: float) -> tuple[Job, ...]:
    news = Job("news of limits", staleness / 2, limiter.exchange)
    return (
        *((news,) if limiter.is_shared else ()),
        Job("limits", TENDING, limiter.tend),
        Job("known addresses", FORGETTING, limiter.forget_old, exclusive=True),
    )


def _observe(source: str, result: str, seconds: float) -> None:
    metrics.LOGIN_SECONDS.labels(source, result).observe(seconds)


def _log(settings: Settings, database: Database) -> TokenLog:
    """The log of this process: a writer is one process from its start to its stop."""
    writer = f"{socket.gethostname()[:64]}-{os.getpid()}-{os.urandom(6).hex()}"
    observe = metrics.AUDIT_COMMIT_SECONDS.observe
    return TokenLog(database, writer, settings.audit.on_failure, on_commit=observe)


def _keeper(base: Offline) -> Keeper:
    audit = base.settings.audit
    keep = Keep(audit.retention, audit.max_bytes)
    used = disk_used(base.database.path)
    return Keeper(base.database, base.clock, base.keys, keep, disk_used=used)


def _jobs(base: Offline, keyring: Keyring, people: People, costs: HashCosts) -> tuple[Job, ...]:
    staleness = base.settings.cache.staleness
    maker = KeyMaker(base.settings, base.database, base.unit_of_work, base.clock)
    checkpoint = [Job("checkpoint", 1.0, base.database.checkpoint)]
    return (
        Job("keys", staleness, keyring.refresh),
        maker.job(),
        *(Job(f"source {each.name}", staleness / 2, each.refresh) for each in people.files),
        *(Job(f"source {each.name}", PROBED, each.refresh) for each in people.directories),
        Job("hash costs", staleness / 2, costs.refresh),
        Job("answers", FORGETTING, partial(_forget_answers, base), exclusive=True),
        Job("ends of robots", ENDING, partial(_warn_of_ends, base)),
        Job("secrets of files", LOSING, partial(end_lost, base, people.files), exclusive=True),
        Job("refresh tokens", FORGETTING, partial(forget_ended, base), exclusive=True),
        Job("secrets", FORGETTING, partial(_forget_secrets, base), exclusive=True),
        *(checkpoint if base.database.is_sqlite else ()),
    )


def _warn_of_ends(base: Offline) -> None:
    """In every process, since each has its own gauge; the warnings come once all the same."""
    counts = warn_of_ends(base.database, base.unit_of_work, utc(base.clock.now()))
    for days, count in counts.items():
        metrics.ROBOTS_EXPIRING.labels(f"{days}d").set(count)


def _forget_answers(base: Offline) -> None:
    once.forget_old(base.database, utc(base.clock.now()))


def _forget_secrets(base: Offline) -> None:
    secrets.forget_ended(base.database, utc(base.clock.now()))


def _states(
    base: Offline, feed: Feed, keyring: Keyring, written: tuple[TokenLog, Keeper], people: People,
    limiter: Limiter,
) -> Mapping[str, Callable[[], str]]:  # fmt: skip
    """`ok`, `degraded` or `failed`, by name."""
    settings, clock = base.settings, base.clock
    log, keeper = written

    def database() -> str:
        return "ok" if feed.age() <= UNHEARD else "failed"

    def keys() -> str:
        ends = keyring.expires()
        if ends is None or ends <= clock.now():
            return "failed"
        return "degraded" if keyring.warnings() else "ok"

    def audit() -> str:
        # A setting by which tokens may leave without a record shows for as long as it is set.
        strict = settings.audit.durability == "before-response"
        return "degraded" if log.degraded or keeper.degraded or not strict else "ok"

    return {
        "database": database,
        "keys": keys,
        "audit": audit,
        "transport": partial(transport_state, settings),
        **{f"source {name}": state for name, state in people.readiness.items()},
        **({"redis": limiter.state} if settings.redis.url.get_secret_value() else {}),
    }
