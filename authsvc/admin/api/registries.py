"""/registries."""

from typing import Any

from sqlalchemy import Select, select

from authsvc.access.rights import Rights
from authsvc.admin.items import RegistryItem
from authsvc.admin.listing import Listing
from authsvc.admin.resource import Resource
from authsvc.changes import reads, registries
from authsvc.changes.spec import movable
from authsvc.db.models import Registry


def _seen(rights: Rights) -> Select[Any]:
    """All; to an owner those that he owns something at."""
    query = select(Registry)
    names = {owned.registry for owned in rights.owned}
    if rights.reads_all or None in names:
        return query
    return query.where(Registry.name.in_(names))


RESOURCE = Resource(
    noun="registries",
    one="registry",
    listing=Listing(
        query=_seen,
        items=lambda _, rows: [reads.registry(row) for (row,) in rows],
        key=Registry.id,
        names=(Registry.name,),
    ),
    model=RegistryItem,
    spec=registries.RegistrySpec,
    example={"name": "registry.example:5000", "ttl": 300},
    add=registries.add,
    change=lambda tx, item, members: registries.change(
        tx, item["name"], movable(item, members, ("name",))
    ),
    remove=lambda tx, item: registries.remove(tx, item["name"]),
)
