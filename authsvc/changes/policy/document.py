"""Policy documents: YAML or JSON text to checked entries that know their place. Pure.

Contract section 8: registries, namespaces, roles, groups, grants, and tests.
"""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from authsvc.access.sentences import FORM, Sentence, parse_sentence
from authsvc.changes.faults import Faults
from authsvc.changes.grants import GrantSpec
from authsvc.changes.groups import GroupSpec
from authsvc.changes.namespaces import NamespaceSpec
from authsvc.changes.registries import RegistrySpec
from authsvc.changes.roles import RoleSpec
from authsvc.changes.spec import Spec, faults_of, text_of
from authsvc.errors import Invalid

from . import placed

S = TypeVar("S", bound=Spec)
T = TypeVar("T")

KINDS = ("registries", "namespaces", "roles", "groups", "grants")
MEMBERS = (*KINDS, "tests")


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """One entry of a document and its place, FILE:LINE:COLUMN."""

    place: str
    spec: T


@dataclass(frozen=True, slots=True)
class Document:
    """All entries of one or more files; `kinds` are those of KINDS that the files speak of."""

    registries: tuple[Entry[RegistrySpec], ...] = ()
    namespaces: tuple[Entry[NamespaceSpec], ...] = ()
    roles: tuple[Entry[RoleSpec], ...] = ()
    groups: tuple[Entry[GroupSpec], ...] = ()
    grants: tuple[Entry[GrantSpec], ...] = ()
    tests: tuple[Entry[Sentence], ...] = ()
    kinds: frozenset[str] = frozenset()


def parse(files: Iterable[tuple[str, bytes]]) -> Document:
    """The document that `files` (name, content) make together.

    Raises `Invalid` with all faults of all files; a place is FILE:LINE:COLUMN.
    """
    faults = Faults()
    read = [(name, placed.read(name, data, faults)) for name, data in files]
    roots = [(name, node) for name, node in read if node and _is_document(name, node, faults)]
    document = Document(
        registries=tuple(_entries(RegistrySpec, "registries", roots, faults)),
        namespaces=tuple(_entries(NamespaceSpec, "namespaces", roots, faults)),
        roles=tuple(_entries(RoleSpec, "roles", roots, faults)),
        groups=tuple(_entries(GroupSpec, "groups", roots, faults)),
        grants=tuple(_entries(GrantSpec, "grants", roots, faults)),
        tests=tuple(_sentences(roots, faults)),
        kinds=frozenset(kind for kind in KINDS for _, root in roots if kind in _members(root)),
    )
    _check_once(document.registries, lambda spec: spec.name, faults)
    _check_once(document.namespaces, lambda spec: (spec.name, spec.registry), faults)
    _check_once(document.roles, lambda spec: spec.name, faults)
    _check_once(document.groups, lambda spec: spec.name, faults)
    faults.refuse()
    return document


def _is_document(name: str, node: placed.Node, faults: Faults) -> bool:
    if node.value is None:
        return False
    if not isinstance(node.value, dict):
        faults.add(_at(name, node.at), f"a policy is an object with {', '.join(MEMBERS)}")
        return False
    for member, held in node.value.items():
        if member not in MEMBERS:
            faults.add(_at(name, held.key or held.at), _unknown(member, MEMBERS))
        elif held.value is not None and not isinstance(held.value, list):
            faults.add(_at(name, held.at), f"'{member}' is a list of entries")
    return True


def _entries(
    kind: type[S], member: str, roots: list[tuple[str, placed.Node]], faults: Faults
) -> Iterator[Entry[S]]:
    for name, node in _listed(member, roots):
        spec = _spec(kind, name, node, faults)
        if spec is not None:
            yield Entry(_at(name, node.at), spec)


def _sentences(roots: list[tuple[str, placed.Node]], faults: Faults) -> Iterator[Entry[Sentence]]:
    for name, node in _listed("tests", roots):
        place = _at(name, node.at)
        with faults.at(place):
            if not isinstance(node.value, str):
                raise Invalid("a test is a text", advice=f"write {FORM}")
            yield Entry(place, parse_sentence(node.value))


def _listed(member: str, roots: list[tuple[str, placed.Node]]) -> Iterator[tuple[str, placed.Node]]:
    """The entries of a member of all files, each with the name of its file."""
    for name, root in roots:
        held = _members(root).get(member)
        for node in held.value if held and isinstance(held.value, list) else ():
            yield name, node


def _members(root: placed.Node) -> dict[str, placed.Node]:
    return root.value if isinstance(root.value, dict) else {}


def _spec(kind: type[S], name: str, node: placed.Node, faults: Faults) -> S | None:
    if not isinstance(node.value, dict):
        faults.add(_at(name, node.at), f"an entry is an object with {', '.join(kind.model_fields)}")
        return None
    result = faults_of(kind, placed.plain(node))
    if isinstance(result, Spec):
        return result
    for fault in result:
        location, last = fault["loc"], str(fault["loc"][-1]) if fault["loc"] else ""
        if fault["type"] == "extra_forbidden":
            where = node.value[last].key or node.at
            faults.add(_at(name, where), _unknown(last, kind.model_fields))
        else:
            subject = f"'{last}' is missing" if fault["type"] == "missing" else text_of(fault)
            faults.add(_at(name, placed.place(node, location)), subject)
    return None


def _unknown(word: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(word, names, 1)
    hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(names)}"
    return f"unknown member '{word[:60]}': {hint}"


def _check_once(entries: tuple[Entry[S], ...], key: Any, faults: Faults) -> None:
    seen: dict[Any, str] = {}
    for entry in entries:
        first = seen.setdefault(key(entry.spec), entry.place)
        if first != entry.place:
            faults.add(entry.place, f"this is there already, at {first}")


def _at(name: str, place: placed.Place) -> str:
    return f"{name}:{place[0]}:{place[1]}"
