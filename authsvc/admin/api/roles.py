"""/roles."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from authsvc.admin.items import RoleItem
from authsvc.admin.listing import Listing
from authsvc.admin.resource import Resource
from authsvc.changes import reads, roles
from authsvc.changes.spec import changed
from authsvc.changes.unit_of_work import Outcome, Transaction
from authsvc.db.models import Role


def _change(
    tx: Transaction, item: dict[str, Any], members: Mapping[str, Any]
) -> Outcome[dict[str, Any]]:
    spec = changed(roles.RoleSpec, item, members, fixed=("name",))
    return roles.change(tx, spec.name, spec.allow)


RESOURCE = Resource(
    noun="roles",
    one="role",
    listing=Listing(
        query=lambda _: select(Role),
        items=lambda _, rows: [reads.role(row) for (row,) in rows],
        key=Role.id,
        names=(Role.name,),
    ),
    model=RoleItem,
    spec=roles.RoleSpec,
    example={"name": "pusher", "allow": ["repository:push"]},
    add=roles.add,
    change=_change,
    remove=lambda tx, item: roles.remove(tx, item["name"]),
)
