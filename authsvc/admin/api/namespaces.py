"""/namespaces."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from authsvc.admin.items import NamespaceItem
from authsvc.admin.listing import Listing
from authsvc.admin.resource import Resource
from authsvc.changes import namespaces, reads
from authsvc.changes.spec import changed
from authsvc.changes.unit_of_work import Outcome, Transaction
from authsvc.db.models import Namespace, Registry

_ALL = select(Namespace, Registry.name).outerjoin(Registry, Registry.id == Namespace.registry_id)


def _change(
    tx: Transaction, item: dict[str, Any], members: Mapping[str, Any]
) -> Outcome[dict[str, Any]]:
    spec = changed(namespaces.NamespaceSpec, item, members, fixed=("name", "registry"))
    return namespaces.change(tx, spec.name, spec.registry, spec.visibility)


RESOURCE = Resource(
    noun="namespaces",
    one="namespace",
    listing=Listing(
        query=lambda rights: _ALL.where(reads.namespaces_seen(rights)),
        items=lambda _, rows: [reads.namespace(*row) for row in rows],
        key=Namespace.id,
        names=(Namespace.path,),
    ),
    model=NamespaceItem,
    spec=namespaces.NamespaceSpec,
    example={"name": "team", "visibility": "private"},
    add=namespaces.add,
    change=_change,
    remove=lambda tx, item: namespaces.remove(tx, item["name"], item["registry"]),
)
