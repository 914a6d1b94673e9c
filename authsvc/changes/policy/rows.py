"""What a plan writes, as rows: all of a kind at once, since edits of everybody else wait meanwhile.

Whatever comes here was checked by the plan, and is as the plan found it: nothing is looked up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from authsvc.changes.grants import GrantSpec
from authsvc.changes.namespaces import NamespaceSpec
from authsvc.changes.unit_of_work import Transaction
from authsvc.db import bulk
from authsvc.db.models import Grant, Membership, Namespace, Subject

Pairs = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Ids:
    """Row ids of what grants refer to, by name; subjects by their canonical text."""

    subjects: Mapping[str, int]
    roles: Mapping[str, int]
    registries: Mapping[str, int]


def columns_of(session: Session, specs: Sequence[GrantSpec]) -> dict[str, list[Any]]:
    """What grants say by themselves, for `add_grants`; worked out before others have to wait."""
    columns: dict[str, list[Any]] = {
        "pattern": [spec.on for spec in specs],
        "effect": [spec.effect for spec in specs],
        "expires_at": [spec.expires_at for spec in specs],
        "cidrs": [list(spec.cidrs) for spec in specs],
        "reason": [spec.reason for spec in specs],
        "fingerprint": [spec.fingerprint for spec in specs],
    }
    return bulk.bound(session, Grant, columns)


def add_grants(
    tx: Transaction, specs: Sequence[GrantSpec], columns: Mapping[str, list[Any]], ids: Ids
) -> None:
    """Write new grants; `columns` are what `columns_of` gave for them."""
    same = bulk.bound(tx.session, Grant, {"created_at": [tx.now], "changed_in": [tx.version]})
    rows: dict[str, list[Any]] = {
        "subject_id": [ids.subjects[spec.subject] for spec in specs],
        "role_id": [ids.roles[spec.role] for spec in specs],
        "registry_id": [_registry_id(spec.registry, ids.registries) for spec in specs],
        **columns,
        **{name: values * len(specs) for name, values in same.items()},
    }
    bulk.insert_all(tx.session, Grant, rows)


def set_reasons(tx: Transaction, reasons: Mapping[int, str]) -> None:
    """Give grants, by their row ids, other reasons."""
    _set(tx, Grant, "reason", reasons)


def remove_grants(tx: Transaction, numbers: Sequence[int]) -> None:
    """Take grants back, by their row ids."""
    bulk.delete_all(tx.session, Grant, {"id": numbers})


def add_namespaces(
    tx: Transaction, specs: Sequence[NamespaceSpec], registries: Mapping[str, int]
) -> None:
    """Write new namespaces; `registries` are row ids by name."""
    columns: dict[str, list[Any]] = {
        "path": [spec.name for spec in specs],
        "registry_id": [_registry_id(spec.registry, registries) for spec in specs],
        "visibility": [spec.visibility for spec in specs],
        "changed_in": [tx.version] * len(specs),
    }
    bulk.insert_all(tx.session, Namespace, bulk.bound(tx.session, Namespace, columns))


def set_visibilities(tx: Transaction, visibilities: Mapping[int, str]) -> None:
    """Show namespaces, by their row ids, to others."""
    _set(tx, Namespace, "visibility", visibilities)


def remove_namespaces(tx: Transaction, numbers: Sequence[int]) -> None:
    """Remove namespaces by their row ids; what lies there stays."""
    bulk.delete_all(tx.session, Namespace, {"id": numbers})


def move_members(tx: Transaction, joined: Pairs, left: Pairs) -> None:
    """Put members into groups and take others out: pairs of the row ids of group and member."""
    groups = sorted({group for group, _ in (*joined, *left)})
    bulk.delete_all(tx.session, Membership, _memberships(left))
    bulk.insert_all(tx.session, Membership, _memberships(joined))
    changed = {"id": groups, "changed_in": [tx.version] * len(groups)}
    bulk.update_all(tx.session, Subject, changed)


def remove_groups(tx: Transaction, numbers: Sequence[int]) -> None:
    """Remove groups by their row ids, with all their grants and memberships."""
    bulk.delete_all(tx.session, Subject, {"id": numbers})


def _set(tx: Transaction, model: bulk.Model, name: str, values: Mapping[int, str]) -> None:
    columns: dict[str, list[Any]] = {
        "id": list(values),
        name: list(values.values()),
        "changed_in": [tx.version] * len(values),
    }
    bulk.update_all(tx.session, model, columns)


def _registry_id(name: str | None, registries: Mapping[str, int]) -> int | None:
    return None if name is None else registries[name]


def _memberships(pairs: Pairs) -> dict[str, list[int]]:
    return {
        "group_id": [group for group, _ in pairs],
        "member_id": [member for _, member in pairs],
    }
