"""Rows of `subjects`: whom grants and memberships refer to, found by their text or made."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.db.bulk import bound, insert_all
from authsvc.db.models import Subject
from authsvc.errors import Invalid, NotFound
from authsvc.principal import LOCAL
from authsvc.protocol.names import SubjectRef

from .unit_of_work import Transaction

AT_ONCE = 500  # names that one query looks for
_AUDIENCES = frozenset({"everyone", "authenticated"})


def text_of(row: Subject) -> str:
    """The canonical subject text of a row, as grants and topics write it."""
    return str(SubjectRef(row.kind, row.source, row.name))


def topic(row: Subject) -> str:
    """The topic that makes every worker forget what it holds about this subject."""
    return f"subject:{text_of(row)}"


def find(session: Session, kind: str, source: str, name: str) -> Subject | None:
    """The row of that identity, or None."""
    return session.scalar(
        select(Subject).where(Subject.kind == kind, Subject.source == source, Subject.name == name)
    )


def found(session: Session, kind: str, source: str, name: str) -> Subject:
    """The row of that identity; raises `NotFound` with advice."""
    row = find(session, kind, source, name)
    if row is None:
        shown = f"{source}:{name}" if source not in ("", LOCAL) else name
        raise NotFound(f"there is no {kind} '{shown}'", advice=f"see `authsvc {kind} list`")
    return row


def found_all(session: Session, refs: Iterable[SubjectRef]) -> dict[SubjectRef, Subject]:
    """The rows that there are of so many identities, in few queries."""
    found: dict[SubjectRef, Subject] = {}
    for kind, source, names in _bundles(refs):
        query = select(Subject).where(
            Subject.kind == kind, Subject.source == source, Subject.name.in_(names)
        )
        found |= {SubjectRef(kind, source, row.name): row for row in session.scalars(query)}
    return found


def meant(tx: Transaction, ref: SubjectRef) -> Subject:
    """The row that `ref` means, made when it may be named before it was ever seen.

    A local person, a group of this service and a robot must exist (`NotFound`); a person or
    group of another source needs only that its source is configured (`Invalid`).
    """
    kind, source, name = ref.kind, ref.source, ref.name
    if kind in ("user", "group") and source not in ("", LOCAL):
        check_source(tx, source)
    elif kind not in _AUDIENCES:
        return found(tx.session, kind, source, name)
    return find(tx.session, kind, source, name) or made(tx, kind, source, name)


def made(tx: Transaction, kind: str, source: str, name: str) -> Subject:
    """A new row, flushed so that it has its id."""
    row = Subject(
        kind=kind,
        source=source,
        name=name,
        enabled=True,
        created_at=tx.now,
        changed_in=tx.version,
    )
    tx.session.add(row)
    tx.session.flush()
    return row


def make_all(tx: Transaction, refs: Sequence[SubjectRef]) -> dict[str, int]:
    """New rows, written at once; their ids by canonical text."""
    same = {"enabled": True, "retired": False, "created_at": tx.now, "changed_in": tx.version}
    columns: dict[str, list[Any]] = {
        "kind": [ref.kind for ref in refs],
        "source": [ref.source for ref in refs],
        "name": [ref.name for ref in refs],
        **{name: [value] * len(refs) for name, value in same.items()},
    }
    insert_all(tx.session, Subject, bound(tx.session, Subject, columns))
    return ids_of(tx.session, refs)


def ids_of(session: Session, refs: Iterable[SubjectRef]) -> dict[str, int]:
    """The row ids of those that have a row, by canonical text, in few queries."""
    found: dict[str, int] = {}
    for kind, source, names in _bundles(refs):
        rows = session.execute(
            select(Subject.name, Subject.id).where(
                Subject.kind == kind, Subject.source == source, Subject.name.in_(names)
            )
        )
        found |= {str(SubjectRef(kind, source, name)): row for name, row in rows}
    return found


def _bundles(refs: Iterable[SubjectRef]) -> Iterator[tuple[str, str, list[str]]]:
    """Kind, source and at most AT_ONCE names, as one query looks for them."""
    wanted: dict[tuple[str, str], list[str]] = {}
    for ref in refs:
        wanted.setdefault((ref.kind, ref.source), []).append(ref.name)
    for (kind, source), names in wanted.items():
        for start in range(0, len(names), AT_ONCE):
            yield kind, source, names[start : start + AT_ONCE]


def check_source(tx: Transaction, source: str) -> None:
    """Raise `Invalid` when no source of identities has that name."""
    if source not in tx.sources:
        known = ", ".join(sorted(tx.sources))
        raise Invalid(f"no source is called '{source}'", advice=f"configured are: {known}")


def topics(rows: Iterable[Subject]) -> frozenset[str]:
    """The topics of several subjects.

    Where one is a person of a directory to whom no entry is bound yet, passwords seen for the name
    are forgotten too: who holds the name is bound to it by being looked up (`people.settle`), and
    not by being remembered.
    """
    held = list(rows)
    open_names = {row.name for row in held if row.kind == "user" and _is_open(row)}
    return frozenset(map(topic, held)) | frozenset(map(topic_of_name, open_names))


def topic_of_name(name: str) -> str:
    """The topic that makes every worker forget passwords seen for this name, of any source."""
    return f"name:{name}"


def _is_open(row: Subject) -> bool:
    return row.source != LOCAL and row.external_id is None
