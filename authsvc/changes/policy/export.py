"""What is stored as a document, in an order that stays: applying it changes nothing.

Without secrets, and without the people themselves; what a robot is granted by being what it is, its
entry says. One entry a line, and one member of a group,
so that a change of one thing is a difference of one line.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from authsvc.access.rights import Rights
from authsvc.changes.grants import GrantSpec
from authsvc.changes.groups import GroupSpec
from authsvc.changes.namespaces import NamespaceSpec
from authsvc.changes.registries import RegistrySpec
from authsvc.changes.robots import RobotSpec
from authsvc.changes.roles import RoleSpec
from authsvc.changes.spec import Spec
from authsvc.changes.unit_of_work import Transaction

from .document import KINDS
from .may import ADMINISTERED
from .pruned import PLACES
from .stored import Item, holdings

SPECS: Final[Mapping[str, type[Spec]]] = {
    "registries": RegistrySpec,
    "namespaces": NamespaceSpec,
    "roles": RoleSpec,
    "groups": GroupSpec,
    "grants": GrantSpec,
    "robots": RobotSpec,
}
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def exported(tx: Transaction) -> dict[str, list[Item]]:
    """What the actor manages, by kind; members at their default are left out."""
    held = holdings(tx.session, None)
    kinds = [kind for kind in KINDS if tx.rights.reads_all or kind not in ADMINISTERED]
    return {
        kind: [
            _without_defaults(kind, each.item)
            for each in sorted(held.of(kind).values(), key=lambda each: _place(each.item))
            if _seen(tx.rights, kind, each.item)
        ]
        for kind in kinds
    }


def printed(document: Mapping[str, list[Item]]) -> Iterator[str]:
    """The document as YAML, line by line."""
    for kind, items in document.items():
        yield f"{kind}:" if items else f"{kind}: []"
        for item in items:
            yield from _entry(item)


def _entry(item: Item) -> Iterator[str]:
    """One line; but a long list that an entry ends with has a line for each of its members."""
    name, last = list(item.items())[-1]
    if name != "members":
        yield f"  - {{{', '.join(f'{key}: {_value(value)}' for key, value in item.items())}}}"
        return
    yield f"  - name: {_value(item['name'])}"
    yield f"    {name}:"
    for member in last:
        yield f"      - {_value(member)}"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return str(value) if isinstance(value, int) else _text(value)


def _text(text: str) -> str:
    """Without quotes where every reader of YAML takes it for the same text."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(c: str) -> str:
    """As YAML 1.2 escapes it in double quotes (5.7)."""
    if c in '"\\':
        return "\\" + c
    return c if c.isprintable() else f"\\U{ord(c):08x}"


def _place(item: Item) -> tuple[str, ...]:
    """Where an entry comes: grants by the place they are for, all others by name."""
    words = ("on", "name", "registry", "subject", "effect", "role", "expires_at", "cidrs")
    return tuple(str(item.get(word) or "") for word in words)


def _without_defaults(kind: str, item: Item) -> Item:
    fields = SPECS[kind].model_fields
    kept = {}
    for name, value in item.items():
        default = fields[name].default
        if value != (list(default) if isinstance(default, tuple) else default):
            kept[name] = value
    return kept


def _seen(rights: Rights, kind: str, item: Item) -> bool:
    if rights.reads_all:
        return True
    return rights.manages(item[PLACES[kind]], item["registry"])
