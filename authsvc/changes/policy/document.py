"""Policy documents: YAML or JSON text to checked entries that know their place. Pure.

Contract section 8: registries, namespaces, roles, groups, grants, robots, and tests.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from authsvc.access.sentences import FORM, Sentence, parse_sentence
from authsvc.changes.faults import Faults
from authsvc.changes.grants import GrantSpec
from authsvc.changes.groups import GroupSpec
from authsvc.changes.namespaces import NamespaceSpec
from authsvc.changes.registries import RegistrySpec
from authsvc.changes.robots import RobotSpec
from authsvc.changes.roles import RoleSpec
from authsvc.changes.spec import Spec, faults_of
from authsvc.errors import Invalid

from . import placed
from .encoded import Place
from .wrong import told, unknown

S = TypeVar("S", bound=Spec)
T = TypeVar("T")

KINDS = ("registries", "namespaces", "roles", "groups", "grants", "robots")
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
    robots: tuple[Entry[RobotSpec], ...] = ()
    tests: tuple[Entry[Sentence], ...] = ()
    kinds: frozenset[str] = frozenset()


def parse(files: Iterable[tuple[str, bytes]]) -> Document:
    """The document that `files` (name, content) make together.

    Raises `Invalid` with all faults of all files; a place is FILE:LINE:COLUMN.
    """
    faults = Faults()
    read = [(name, placed.read(name, data, faults)) for name, data in files]
    roots = [(name, node) for name, node in read if node and _is_document(name, node, faults)]
    return gathered(
        lambda kind, member: _entries(kind, member, roots, faults),
        _sentences(roots, faults),
        frozenset(kind for kind in KINDS for _, root in roots if kind in _members(root)),
        faults,
    )


def gathered(
    entries: Callable[[Any, str], Iterable[Entry[Any]]],
    tests: Iterable[Entry[Sentence]],
    kinds: frozenset[str],
    faults: Faults,
) -> Document:
    """The document of the entries that there are of each kind; refuses with all `faults`."""
    document = Document(
        registries=tuple(entries(RegistrySpec, "registries")),
        namespaces=tuple(entries(NamespaceSpec, "namespaces")),
        roles=tuple(entries(RoleSpec, "roles")),
        groups=tuple(entries(GroupSpec, "groups")),
        grants=tuple(entries(GrantSpec, "grants")),
        robots=tuple(entries(RobotSpec, "robots")),
        tests=tuple(tests),
        kinds=kinds,
    )
    _check_once(document.registries, lambda spec: spec.name, faults)
    _check_once(document.namespaces, lambda spec: (spec.name, spec.registry), faults)
    _check_once(document.roles, lambda spec: spec.name, faults)
    _check_once(document.groups, lambda spec: spec.name, faults)
    _check_once(document.robots, lambda spec: spec.name, faults)
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
            faults.add(_at(name, held.named_at), unknown(member, MEMBERS))
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
    if faults.is_full:
        faults.count(len(result))
        return None
    for place, text in told(kind, node, result):
        faults.add(_at(name, place), text)
    return None


def _check_once(entries: tuple[Entry[S], ...], key: Any, faults: Faults) -> None:
    seen: dict[Any, str] = {}
    for entry in entries:
        first = seen.setdefault(key(entry.spec), entry.place)
        if first != entry.place:
            faults.add(entry.place, f"this is there already, at {first}")


def _at(name: str, place: Place) -> str:
    return f"{name}:{place[0]}:{place[1]}"
