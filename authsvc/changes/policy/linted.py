"""Lint of files, over what is stored or by themselves, and of what is stored."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from authsvc.access.store import Stored
from authsvc.changes.grants import GrantSpec
from authsvc.changes.groups import GroupSpec
from authsvc.changes.namespaces import NamespaceSpec
from authsvc.changes.registries import RegistrySpec
from authsvc.changes.robots import RobotSpec
from authsvc.changes.roles import RoleSpec
from authsvc.changes.spec import S, checked
from authsvc.changes.unit_of_work import Transaction

from .alone import alone
from .document import Document, Entry
from .lint import Finding, Known
from .lint import linted as found
from .overlay import over
from .plan import plan
from .stored import Held, Key, holdings


def linted(tx: Transaction, document: Document, *, prune: bool = False) -> list[Finding]:
    """What is to be said of files, as they would be over what is stored.

    Raises `Forbidden` and `NotFound` for what the actor may not speak of.
    """
    made = plan(tx, document, prune=prune, lenient=True)
    book = over(Stored(tx.session), made)
    members = {name: each.item["members"] for name, each in _stored_groups(tx).items()}
    members |= {
        step.after["name"]: step.after["members"] for step in made.of("groups") if step.after
    }
    subjects = frozenset(made.known.subjects)
    if tx.rights.reads_all:
        known = Known(subjects, tx.sources, _empty(members))
    else:  # who else there is, and that a group is empty, is not theirs to know
        known = Known(subjects & _named(document), tx.sources)
    return found(document, book, known, now=tx.now.timestamp())


def linted_alone(document: Document, *, now: float) -> list[Finding]:
    """The same where there is no database: people and groups that files do not hold may be."""
    members: dict[Key, Sequence[str]] = {e.spec.name: e.spec.members for e in document.groups}
    return found(document, alone(document), Known(empty=_empty(members)), now=now)


def linted_stored(tx: Transaction) -> list[Finding]:
    """What is to be said of what is stored; a place is `grant ID`, or the like."""
    held = holdings(tx.session, None)
    document = Document(
        registries=tuple(_entries(RegistrySpec, "registry", held.registries)),
        namespaces=tuple(_entries(NamespaceSpec, "namespace", held.namespaces)),
        roles=tuple(_entries(RoleSpec, "role", held.roles)),
        groups=tuple(_entries(GroupSpec, "group", held.groups)),
        grants=tuple(_entries(GrantSpec, "grant", held.grants)),
        robots=tuple(_entries(RobotSpec, "robot", held.robots)),
    )
    members = {name: each.item["members"] for name, each in held.groups.items()}
    known = Known(None, tx.sources, _empty(members))
    return found(document, Stored(tx.session), known, now=tx.now.timestamp())


def _named(document: Document) -> frozenset[str]:
    """The subjects of grants: those who write no groups name no others."""
    return frozenset(entry.spec.subject for entry in document.grants)


def _stored_groups(tx: Transaction) -> Mapping[Key, Held]:
    return holdings(tx.session, ()).groups


def _entries(kind: type[S], noun: str, held: Mapping[Key, Held]) -> Iterator[Entry[S]]:
    return (Entry(f"{noun} {each.id}", checked(kind, each.item)) for each in held.values())


def _empty(members: Mapping[Key, Iterable[str]]) -> frozenset[str]:
    """The groups, as subjects, that neither people nor a group of a directory are in.

    `members` are the subjects in each group of this service; of a group that is not among them,
    nobody knows whether it is empty.
    """
    empty = {f"group:{name}" for name in members}
    while True:
        left = {
            name for name in members if f"group:{name}" in empty and empty.issuperset(members[name])
        }
        if len(left) == len(empty):
            return frozenset(empty)
        empty = {f"group:{name}" for name in left}
