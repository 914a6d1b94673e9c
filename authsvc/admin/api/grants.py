"""/grants."""

from sqlalchemy import select

from authsvc.admin.items import GrantItem
from authsvc.admin.listing import Listing
from authsvc.admin.resource import Resource
from authsvc.changes import grants, reads
from authsvc.changes.spec import movable
from authsvc.db.models import Grant, Registry, Role, Subject

_ALL = (
    select(Grant, Subject, Role.name, Registry.name)
    .join(Subject, Subject.id == Grant.subject_id)
    .join(Role, Role.id == Grant.role_id)
    .outerjoin(Registry, Registry.id == Grant.registry_id)
)

RESOURCE = Resource(
    noun="grants",
    one="grant",
    listing=Listing(
        query=lambda rights: _ALL.where(reads.grants_seen(rights)),
        items=lambda _, rows: [reads.grant(reads.GrantRow(*row)) for row in rows],
        key=Grant.id,
        names=(Subject.name, Grant.pattern),
    ),
    model=GrantItem,
    spec=grants.GrantSpec,
    example={"subject": "group:devs", "role": "writer", "on": "team", "reason": "they build it"},
    add=grants.add,
    change=lambda tx, item, members: grants.change(tx, item["id"], movable(item, members)),
    remove=lambda tx, item: grants.remove(tx, item["id"]),
)
