"""Registries: the audiences that tokens are made for."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StrictBool, StrictInt
from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.db.models import Grant, Namespace, Registry
from authsvc.errors import Conflict, NotFound
from authsvc.protocol import names

from . import guard, keys, reads, robot_rows, secrets, subjects, texts
from .spec import Spec, checked
from .unit_of_work import Outcome, Transaction, nothing


def _service(name: str) -> str:
    if not names.is_service(name):
        raise ValueError("a registry's name is printable ASCII without blank, comma or quote")
    return name


class RegistrySpec(Spec):
    """A registry; `name` is the `service` of its challenge, `ttl` in seconds (None: setting)."""

    name: Annotated[str, AfterValidator(_service), texts.SERVICE]
    enabled: StrictBool = True
    read_only: StrictBool = False
    ttl: Annotated[StrictInt, Field(ge=60, le=3600)] | None = None
    key_header: Literal["x5c", "libtrust"] = "x5c"
    refresh_tokens: StrictBool = False


def add(tx: Transaction, spec: RegistrySpec) -> Outcome[dict[str, Any]]:
    """A new registry; `Conflict` when the name is taken."""
    guard.administer(tx.rights, "registry")
    if find(tx.session, spec.name):
        raise Conflict(f"there is a registry '{spec.name}' already", advice="use `registry set`")
    row = Registry(**spec.model_dump(), libtrust_kid=None, changed_in=tx.version)
    tx.session.add(row)
    topics = _settle_key(tx, row, before="x5c")
    tx.session.flush()
    item = reads.registry(row)
    return Outcome(item, after={"registry": item}, topics=topics)


def change(tx: Transaction, name: str, members: Mapping[str, Any]) -> Outcome[dict[str, Any]]:
    """Set the given members; `name` itself stays. Raises `NotFound`, `Invalid`.

    Switching refresh tokens off ends all that there are, for good: on again gives new ones only.
    """
    guard.administer(tx.rights, "registry")
    row = found(tx.session, name)
    before = reads.registry(row)
    held = {k: v for k, v in before.items() if k != "id"}
    spec = checked(RegistrySpec, {**held, **members, "name": name})
    if spec.model_dump() == held:
        return nothing(before)
    for key, value in spec.model_dump(exclude={"name"}).items():
        setattr(row, key, value)
    row.changed_in = tx.version
    topics = _settle_key(tx, row, before=before["key_header"])
    ended, forgotten = 0, frozenset[str]()
    if not spec.refresh_tokens:
        ended, forgotten = secrets.end_refresh_tokens(tx, registry=row.id)
    after = reads.registry(row)
    told = {"registry": after, **({"refresh_tokens_ended": ended} if ended else {})}
    return Outcome(after, before={"registry": before}, after=told, topics=topics | forgotten)


def remove(tx: Transaction, name: str) -> Outcome[dict[str, Any]]:
    """Remove it with its robots, and its namespaces and all grants for it alone (foreign keys)."""
    guard.administer(tx.rights, "registry")
    row = found(tx.session, name)
    item = reads.registry(row)
    rows = reads.grant_rows(tx.session, Grant.registry_id == row.id)
    namespaces = reads.namespaces(tx.session, Namespace.registry_id == row.id)
    grants = [reads.grant(each) for each in rows]
    taken = robot_rows.take_away(tx, reads.robot_rows(tx.session, Grant.registry_id == row.id))
    row.key_header = "x5c"  # no key is kept for it any more
    topics = _settle_key(tx, row, before=item["key_header"])
    topics |= subjects.topics(each.subject for each in rows) | taken.topics
    topics |= secrets.end_refresh_tokens(tx, registry=row.id)[1]
    tx.session.delete(row)
    before = {"registry": item, "namespaces": namespaces, "grants": grants, **taken.recorded}
    value = {"removed": item, "namespaces": len(namespaces), "grants": len(grants)}
    value |= {"robots": len(taken.robots)}
    return Outcome(value, before=before, topics=topics)


def find(session: Session, name: str) -> Registry | None:
    """The row of that name, or None."""
    return session.scalar(select(Registry).where(Registry.name == name))


def found(session: Session, name: str) -> Registry:
    """The row of that name; raises `NotFound`."""
    row = find(session, name)
    if row is None:
        raise NotFound(f"there is no registry '{name}'", advice="see `authsvc registry list`")
    return row


def _settle_key(tx: Transaction, row: Registry, *, before: str) -> frozenset[str]:
    """What is to be forgotten, once a libtrust registry is kept on the key that is newest now.

    Such a registry reads its keys only at its start.
    """
    if row.key_header == before:
        return frozenset({"base"})
    keys.pin_libtrust(tx, row)
    return frozenset({"base", "keys"})
