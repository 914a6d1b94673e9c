"""What goes when a document is applied with `prune`: what no file names, and what that takes along.

Deleting a registry, a namespace, a group or a robot takes what is theirs with it (contract 5, rule
10); what the files name stays.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from authsvc.access.rights import Rights
from authsvc.changes.faults import Faults
from authsvc.errors import Conflict

from .circles import GROUP
from .document import KINDS
from .stored import Held, Holdings, Item, Key

ROBOT: Final = "robot:"
PLACES: Final = {"namespaces": "name", "grants": "on", "robots": "namespace"}
"""Kinds that lie somewhere, and the member that says where; what has a place has a registry."""


def pruned(
    rights: Rights,
    held: Holdings,
    kinds: Collection[str],
    wanted: Mapping[str, Mapping[Key, Any]],
) -> dict[str, dict[Key, Held]]:
    """What goes, by kind; of the kinds spoken of only what is the actor's to remove.

    `wanted` are the entries of the files by what they are known by. Raises `Invalid` with the
    places of those that name what would go, `Conflict` for a role that grants are of.
    """
    gone: dict[str, dict[Key, Held]] = {
        kind: {
            key: each
            for key, each in held.of(kind).items()
            if kind in kinds and key not in wanted[kind] and _managed(rights, kind, each.item)
        }
        for kind in KINDS
    }
    for kind in ("namespaces", "robots", "grants"):  # with a robot go its grants
        for key, each in held.of(kind).items():
            if key not in wanted[kind] and _goes_along(rights, kind, each.item, gone):
                gone[kind][key] = each
    _refuse_lost(wanted, gone)
    _refuse_roles_in_use(held, wanted, gone)
    return gone


def _managed(rights: Rights, kind: str, item: Item) -> bool:
    """Whether an entry is the actor's to prune; what is not, is not spoken of."""
    if kind not in PLACES:
        return rights.admin
    return rights.manages(item[PLACES[kind]], item["registry"])


def _goes_along(
    rights: Rights, kind: str, item: Item, gone: Mapping[str, Mapping[Key, Held]]
) -> bool:
    """Whether a registry, a namespace, a group or a robot that goes takes this with it.

    Of a robot's grants that lie where the actor sees nothing, nothing is said.
    """
    if item["registry"] in gone["registries"]:
        return True
    place = item[PLACES[kind]]
    if kind == "grants":
        prefix, _, name = item["subject"].partition(":")
        if prefix == "group" and name in gone["groups"]:
            return True
        if prefix == "robot" and name in gone["robots"] and rights.sees(place, item["registry"]):
            return True
    above = (place[:end] for end, c in enumerate(place + "/") if c == "/")
    return any(
        (path, registry) in gone["namespaces"]
        for path in above
        for registry in {None, item["registry"]}
    )


def _refuse_lost(
    wanted: Mapping[str, Mapping[Key, Any]], gone: Mapping[str, Mapping[Key, Held]]
) -> None:
    """Refuse files that name a registry, a role, a group or a robot, and would have it removed."""
    faults = Faults()
    for kind, entries in wanted.items():
        for entry in entries.values():
            for noun, name in _named(kind, entry.spec):
                if name in gone[noun]:
                    text = f"'{name}' of the {noun} would go, since the files do not hold it"
                    faults.add(entry.place, f"{text}: add it to them")
    faults.refuse()


def _named(kind: str, spec: Any) -> Iterator[tuple[str, str]]:
    """What an entry refers to: the kind, and the name."""
    if kind in PLACES and spec.registry is not None:
        yield "registries", spec.registry
    subjects = spec.members if kind == "groups" else (spec.subject,) if kind == "grants" else ()
    yield from (("groups", each[len(GROUP) :]) for each in subjects if each.startswith(GROUP))
    yield from (("robots", each[len(ROBOT) :]) for each in subjects if each.startswith(ROBOT))
    if kind in ("grants", "robots"):
        yield "roles", spec.role


def _refuse_roles_in_use(
    held: Holdings, wanted: Mapping[str, Mapping[Key, Any]], gone: Mapping[str, Mapping[Key, Held]]
) -> None:
    used = {each.item["role"] for key, each in held.grants.items() if key not in gone["grants"]}
    stay = held.robots.keys() - gone["robots"].keys() - wanted["robots"].keys()
    used |= {held.robots[key].item["role"] for key in stay}
    for name in sorted(used & {str(key) for key in gone["roles"]}):
        raise Conflict(
            f"role '{name}' would go, and grants are of it",
            advice=f"keep it in the files, or see `authsvc grant list --role {name}`",
        )
