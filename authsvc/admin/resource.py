"""A collection of items: five operations out of its reads and its edits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel
from sqlalchemy.orm import Session

from authsvc.access.rights import Rights
from authsvc.changes.guard import NOTHING_HERE
from authsvc.changes.spec import Spec
from authsvc.changes.unit_of_work import Outcome, Transaction
from authsvc.errors import NotFound

from . import preconditions
from .bodies import MAX_BODY
from .call import Call, Operation, Reply
from .described import Described
from .items import Removed
from .listing import SEARCH, Listing

Item = dict[str, Any]
Add = Callable[[Transaction, Any], Outcome[Item]]
Change = Callable[[Transaction, Item, Mapping[str, Any]], Outcome[Item]]
Remove = Callable[[Transaction, Item], Outcome[Item]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """The items at /`noun`, read and removed. `remove` is given the item as it is then.

    `spec` is what makes an item, `example` a body of it, `model` describes an item.
    """

    noun: str
    one: str
    listing: Listing
    model: type[BaseModel]
    spec: type[Spec]
    example: Item
    remove: Remove
    most: int = MAX_BODY

    def described(self, create: Operation, patch: Operation) -> dict[tuple[str, str], Described]:
        """The five operations by method and path."""
        path, item, one = f"/{self.noun}", f"/{self.noun}/{{id}}", self.one
        filters = {SEARCH: "Only items whose name holds this text, letter by letter."}
        return {
            ("GET", path): Described(
                self.list_, f"List {self.noun}", self.model, listed=True, filters=filters,
                paged=True, counted=True,
            ),
            ("POST", path): Described(
                create, f"Make a {one}", self.model, status="201", body=self.spec,
                example=self.example, tagged=True, once=True, most=self.most,
            ),
            ("GET", item): Described(self.show, f"Show a {one}", self.model, tagged=True),
            ("PATCH", item): Described(
                patch, f"Change a {one}", self.model, body=self.spec, partial=True, tagged=True,
                most=self.most,
            ),
            ("DELETE", item): Described(self.delete, f"Remove a {one}", Removed),
        }  # fmt: skip

    async def list_(self, call: Call) -> Reply:
        """A page of the items that the caller may see."""
        return await self.listing.reply(call, self.noun)

    async def show(self, call: Call) -> Reply:
        """One item."""
        call.no_query()
        key = call.id
        item = await call.read(lambda session, rights: self.found(session, rights, key))
        return Reply(item, item=True)

    async def created(self, call: Call, add: Callable[[Transaction], Outcome[Item]]) -> Reply:
        """The new item, 201; what was there already just so is 200."""
        call.no_query()

        def edit(tx: Transaction) -> Outcome[Item]:
            outcome = add(tx)
            status = 201 if outcome.topics else 200
            return replace(outcome, value={"status": status, "item": outcome.value})

        value = await call.change(edit)
        item = value["item"]
        location = f"{call.path.rstrip('/')}/{item['id']}"
        return Reply(item, value["status"], item=True, headers={"Location": location})

    async def changed(
        self, call: Call, change: Callable[[Transaction, Item], Outcome[Item]]
    ) -> Reply:
        """The item after a change that is given it as it is in the transaction."""
        call.no_query()
        key = call.id

        def edit(tx: Transaction) -> Outcome[Item]:
            item = self.found(tx.session, tx.rights, key)
            preconditions.check(call.if_match, item)
            return change(tx, item)

        return Reply(await call.change(edit), item=True)

    async def delete(self, call: Call) -> Reply:
        """What was removed, and what went with it."""
        call.no_query()
        key = call.id

        def edit(tx: Transaction) -> Outcome[Item]:
            item = self.found(tx.session, tx.rights, key)
            preconditions.check(call.if_match, item)
            return self.remove(tx, item)

        return Reply(await call.change(edit))

    def found(self, session: Session, rights: Rights, key: int) -> Item:
        """The item; raises NotFound when it is not there or not to be seen."""
        item = self.listing.find(session, rights, key)
        if item is None:
            raise NotFound(NOTHING_HERE)
        return item


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource(Collection):
    """A collection whose items are made and changed by a spec alone."""

    add: Add
    change: Change

    def operations(self) -> dict[tuple[str, str], Described]:
        """The five operations by method and path."""
        return self.described(self.create, self.patch)

    async def create(self, call: Call) -> Reply:
        """A new item out of the body."""
        spec = await call.spec(self.spec)
        return await self.created(call, lambda tx: self.add(tx, spec))

    async def patch(self, call: Call) -> Reply:
        """The item with the members of the body in the place of its own."""
        preconditions.require(call.if_match)
        members = await call.members()
        return await self.changed(call, lambda tx, item: self.change(tx, item, members))
