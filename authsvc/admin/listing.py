"""Lists of stored items: what a caller sees of them, a page at a time, found by key."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from authsvc.access.rights import Rights

from .call import Call, Reply
from .paging import Page

Item = dict[str, Any]
SEARCH = "q"


@dataclass(frozen=True, slots=True)
class Listing:
    """How a collection is read: `query` gives what rights see of it, `items` prints its rows.

    Items come in the order of `key`, which is unique. `names` are where `q` looks.
    """

    query: Callable[[Rights], Any]
    items: Callable[[Session, Sequence[Any]], list[Item]]
    key: Any
    names: tuple[Any, ...]

    async def reply(self, call: Call, name: str) -> Reply:
        """A page, as the query of a request asks for it."""
        page = call.api.cursors.page(name, call.query, frozenset({SEARCH}))
        items, total, more = await call.read(lambda s, rights: self.page(s, rights, page))
        linked = call.linked(name, page, items[-1]["id"] if more else None)
        return Reply(items, headers={"X-Total-Count": str(total), **linked})

    def page(self, session: Session, rights: Rights, page: Page) -> tuple[list[Item], int, bool]:
        """Items, how many there are in all, and whether there are more behind these."""
        query = self.query(rights)
        if SEARCH in page.filters:
            query = query.where(_holds(self.names, page.filters[SEARCH]))
        total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
        if page.after is not None:
            query = query.where(self.key > page.after)
        rows = session.execute(query.order_by(self.key).limit(page.limit + 1)).all()
        return self.items(session, rows[: page.limit]), total, len(rows) > page.limit

    def find(self, session: Session, rights: Rights, key: Any) -> Item | None:
        """The item of that key, None when it is not there or not to be seen."""
        rows = session.execute(self.query(rights).where(self.key == key)).all()
        return self.items(session, rows)[0] if rows else None


def _holds(names: tuple[Any, ...], text: str) -> ColumnElement[bool]:
    """Whether a column holds the text, letter by letter: LIKE differs between the engines."""
    first, *others = (func.replace(column, text, "") != column for column in names)
    condition: ColumnElement[bool] = first
    for other in others:
        condition = condition | other
    return condition
