"""/groups."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from authsvc.admin.bodies import MAX_GROUP
from authsvc.admin.items import GroupItem
from authsvc.admin.listing import Listing
from authsvc.admin.resource import Resource
from authsvc.changes import groups, reads
from authsvc.changes.spec import changed
from authsvc.changes.unit_of_work import Outcome, Transaction
from authsvc.db.models import Subject

_ALL = select(Subject).where(Subject.kind == "group", Subject.source == "")


def _change(
    tx: Transaction, item: dict[str, Any], members: Mapping[str, Any]
) -> Outcome[dict[str, Any]]:
    spec = changed(groups.GroupSpec, item, members, fixed=("name",))
    return groups.set_members(tx, spec.name, spec.members)


RESOURCE = Resource(
    noun="groups",
    one="group",
    listing=Listing(
        query=lambda _: _ALL,
        items=lambda session, rows: reads.groups_of(session, [row.id for (row,) in rows]),
        key=Subject.id,
        names=(Subject.name,),
    ),
    model=GroupItem,
    spec=groups.GroupSpec,
    example={"name": "devs", "members": ["alice", "group:corp:developers"]},
    add=groups.add,
    change=_change,
    remove=lambda tx, item: groups.remove(tx, item["name"]),
    most=MAX_GROUP,
)
