"""/keys."""

from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

from pydantic import Field, StrictBool
from sqlalchemy import select

from authsvc.admin.call import Call, Reply
from authsvc.admin.described import Described, Operations
from authsvc.admin.items import KeyItem, Rotated
from authsvc.admin.listing import SEARCH, Listing
from authsvc.audit.records import Event
from authsvc.changes import guard
from authsvc.changes.guard import NOTHING_HERE
from authsvc.changes.key_maker import KeyMaker
from authsvc.changes.spec import Spec
from authsvc.db.models import Key
from authsvc.errors import NotFound
from authsvc.keys import rows


class Rotation(Spec):
    """What to do besides making a key: see `authsvc keys rotate --help`."""

    activate: StrictBool = False
    revoke: Annotated[str, Field(max_length=64)] | None = None


async def list_(call: Call) -> Reply:
    """A page of keys."""
    return await LISTING.reply(call, "keys")


async def show(call: Call) -> Reply:
    """One key, by its RFC 7638 id."""
    call.no_query()
    item = await call.read(lambda session, rights: LISTING.find(session, rights, call.word))
    if item is None:
        raise NotFound(NOTHING_HERE)
    return Reply(item, item=True)


async def rotate(call: Call) -> Reply:
    """Make a new key; or activate the published one; or take one out."""
    call.no_query()
    await call.may(lambda _, rights: guard.administer(rights, "key"), Event.KEY)
    asked = await call.spec(Rotation)
    api = call.api
    maker = KeyMaker(api.settings, api.database, api.unit_of_work, api.clock)

    def work() -> dict[str, Any]:
        return asdict(maker.rotate(call.actor, activate=asked.activate, revoke=asked.revoke))

    done = partial(api.unit_of_work.done_once, work, call.once())
    return Reply(await call.threads.run(done))


KID = {"type": "string", "pattern": "^[A-Za-z0-9_-]+$", "maxLength": 64}
LISTING = Listing(
    query=lambda _: select(Key),
    items=lambda _, found: [rows.item(rows.row_of(row)) for (row,) in found],
    key=Key.kid,
    names=(Key.kid, Key.libtrust_id),
)
OPERATIONS: Operations = {
    ("GET", "/keys"): Described(
        list_,
        "List keys",
        KeyItem,
        listed=True,
        filters={SEARCH: "Only keys whose id holds this text."},
        paged=True,
        counted=True,
    ),
    ("GET", "/keys/{id}"): Described(show, "Show a key", KeyItem, key=KID, tagged=True),
    ("POST", "/keys/rotate"): Described(
        rotate,
        "Make a new signing key",
        Rotated,
        body=Rotation,
        example={"activate": False},
        once=True,
    ),
}
