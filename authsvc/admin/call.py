"""One request of the admin API: who calls, what came, and what goes back."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from authsvc.access.rights import Rights
from authsvc.audit.records import Event
from authsvc.changes.guard import NOTHING_HERE
from authsvc.changes.once import Once
from authsvc.changes.spec import S, checked
from authsvc.changes.unit_of_work import Edit, UnitOfWork, rights_of
from authsvc.clock import Clock
from authsvc.db.engine import Database
from authsvc.errors import Forbidden, Invalid, NotFound
from authsvc.identity.authenticator import Authenticator
from authsvc.identity.bulkhead import Bulkhead
from authsvc.principal import Actor, Principal
from authsvc.settings import Settings

from . import bodies
from .paging import Cursors, Page
from .refused import Refused

T = TypeVar("T")
Find = Callable[[str, str], Principal | None]
"""Asks a source (its name, a person's name) who that is; may block, and raises Unavailable."""
LONGEST_KEY = 255  # characters of an Idempotency-Key
LARGEST_ID = (1 << 63) - 1  # of a row, on both engines


@dataclass(frozen=True, slots=True)
class Api:
    """What operations work with.

    `readers`, `changers`, `hashes` and `policies` are threads of their own.

    `hear` returns once this worker knows of a change that was made here. `refused` records that
    an actor was refused something, and why. `find` asks a directory for one of its people, `owner`
    a source of any kind but the database.
    """

    settings: Settings
    database: Database
    clock: Clock
    unit_of_work: UnitOfWork
    authenticator: Authenticator
    readers: Bulkhead
    changers: Bulkhead
    hashes: Bulkhead
    policies: Bulkhead
    cursors: Cursors
    secret: bytes
    hear: Callable[[], Awaitable[None]]
    refused: Refused
    find: Find
    owner: Find

    @property
    def sources(self) -> frozenset[str]:
        """The names of the configured sources, but for `local`."""
        return frozenset(source.name for source in self.settings.sources)


@dataclass(frozen=True, slots=True)
class Reply:
    """A JSON value and how it goes out; `item` says that the value has an entity tag.

    `printed` is the value as JSON already, for one that would keep the event loop busy.
    """

    value: Any
    status: int = 200
    item: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    printed: bytes | None = None


@dataclass(frozen=True)
class Call:
    """A request whose caller is known and may come in by this route."""

    api: Api
    actor: Actor
    route: str
    path: str
    ids: Mapping[str, str]
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    raw: bytes
    reads: bool

    @property
    def principal(self) -> Principal:
        """Who calls."""
        if self.actor.principal is None:
            raise TypeError("nobody calls the API without credentials")
        return self.actor.principal

    def sent(self) -> dict[str, Any]:
        """The members of the JSON object that was sent, read at once. Raises as `members` does."""
        headers = self.headers
        return bodies.parsed(headers.get("content-type"), headers.get("content-encoding"), self.raw)

    async def members(self) -> dict[str, Any]:
        """The members of the JSON object that was sent. Raises as `bodies.parsed` does."""
        return await self.threads.run(self.sent)

    async def spec(self, kind: type[S]) -> S:
        """What was sent, as a spec; a large body is read beside the event loop. Raises Invalid."""
        return await self.threads.run(lambda: checked(kind, self.sent()))

    @property
    def threads(self) -> Bulkhead:
        """Those of readers, or of changes: no crowd of readers keeps anybody from a change."""
        return self.api.readers if self.reads else self.api.changers

    @property
    def if_match(self) -> str | None:
        """The If-Match header."""
        return self.headers.get("if-match")

    @property
    def id(self) -> int:
        """The row that the path names; raises NotFound for what can be no row's."""
        text = self.ids["id"]
        if not (text.isascii() and text.isdigit()):
            raise NotFound(NOTHING_HERE)
        key = int(text[:20])
        if key > LARGEST_ID or text != str(key):
            raise NotFound(NOTHING_HERE)
        return key

    @property
    def word(self) -> str:
        """The id of what is known by a text; raises NotFound for one that no text can be."""
        text = self.ids["id"]
        if not text.isprintable():  # U+0000 is a text that PostgreSQL refuses to look for
            raise NotFound(NOTHING_HERE)
        return text

    def no_query(self) -> None:
        """Raise Invalid when there are parameters where none mean anything."""
        if self.query:
            raise Invalid(f"unknown parameter '{self.query[0][0][:40]}'")

    def linked(self, name: str, page: Page, last: Any) -> dict[str, str]:
        """The headers of a page of a list: `last` is its last key, None on the last page."""
        if last is None:
            return {}
        return {"Link": self.api.cursors.link(self.path, name, page, last)}

    async def read(self, reading: Callable[[Session, Rights], T]) -> T:
        """What `reading` makes of the database as it is now, by the rights of the caller."""

        def work() -> T:
            with self.api.database.read() as session:
                return reading(session, rights_of(session, self.actor, self.api.clock.now()))

        return await self.threads.run(work)

    async def may(self, reading: Callable[[Session, Rights], T], event: Event = Event.ADMIN) -> T:
        """As `read`, where a change is prepared: a refusal is recorded as one within it is."""
        try:
            return await self.read(reading)
        except (Forbidden, NotFound) as error:
            refused = self.api.unit_of_work.refused
            await self.threads.run(refused, self.actor, event, error.message)
            raise

    async def change(self, edit: Edit[dict[str, Any]]) -> dict[str, Any]:
        """The value of an edit by the caller; of the same request once, when it has a key."""
        run = self.api.unit_of_work.run_once
        value = await self.threads.run(run, self.actor, edit, self.once())
        await self.api.hear()
        return value

    def once(self) -> Once | None:
        """The request as one that may come again, when a POST says so. Raises Invalid."""
        key = self.headers.get("idempotency-key")
        if key is None or not self.route.startswith("POST "):
            return None
        if not 0 < len(key) <= LONGEST_KEY or not (key.isascii() and key.isprintable()):
            raise Invalid(f"Idempotency-Key has 1 to {LONGEST_KEY} printable ASCII characters")
        # A keyed hash: by a plain one, whoever reads the database could guess at passwords.
        about = hashlib.sha256(self.raw).digest()
        request = hmac.digest(self.api.secret, b"idempotency " + about, "sha256")
        # By identity: a later namesake is answered nothing that was answered to somebody else.
        return Once(self.principal.identity, f"{self.route} {self.path}", key, request)


Operation = Callable[[Call], Awaitable[Reply]]
