"""The stored grants that cover one name, and everybody whom they could give something.

Their number bounds what is read and held, not the number of grants stored: paths are found by
their index, and the patterns of globs are compared by the database first.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, or_, select
from sqlalchemy.orm import Session

from authsvc.db import models
from authsvc.principal import Kind, Principal
from authsvc.protocol.names import SubjectRef, is_path_component

from .compiler import USERNAME, compile_rules, is_glob
from .covering import ancestors
from .globs import Glob
from .model import Registry, Rule
from .store import when_of
from .who_can import Candidate, Crowd

STEP = 500  # ids of one query, well below what either engine takes


@dataclass(frozen=True, slots=True)
class _Subject:
    """A row of `subjects` that is not retired."""

    id: int
    ref: SubjectRef
    enabled: bool

    @property
    def is_group(self) -> bool:
        return self.ref.kind == "group"


@dataclass(slots=True)
class _Found:
    """Covering rules by the subject that they are made to."""

    subjects: dict[int, _Subject] = field(default_factory=dict)
    rules: dict[int, list[Rule]] = field(default_factory=dict)

    @property
    def templates(self) -> bool:
        """Whether some allow is for whoever's name stands in the repository's."""
        return any(rule.allow and USERNAME in rule.pattern for rule in chain(*self.rules.values()))


def load(session: Session, registry: Registry, name: str) -> Crowd:
    """All rules for a registry that cover a name, and the candidates of them."""
    found = _covering(session, registry, name)
    people = {row: each for row, each in found.subjects.items() if not each.is_group}
    groups = _Groups(session, [each for each in found.subjects.values() if each.is_group])
    people |= groups.people
    if found.templates:
        people |= {each.id: each for each in _named_in(session, name)}
    candidates = [
        Candidate(str(each.ref), _principal(each), groups.above(each.id))
        for each in (*people.values(), *groups.directory)
        if each.enabled and each.ref.kind in ("user", "robot", "group")
    ]
    texts = {row: str(each.ref) for row, each in found.subjects.items()}
    rules = {texts[row]: compile_rules(texts[row], 0, rules) for row, rules in found.rules.items()}
    return Crowd(rules, tuple(candidates))


def _principal(subject: _Subject) -> Principal:
    """The principal of a candidate; for a directory's group somebody of it without a name."""
    ref = subject.ref
    if subject.is_group:
        return Principal(Kind.USER, ref.source, "", "")
    return Principal(Kind(ref.kind), ref.source, ref.name, str(subject.id))


def _covering(session: Session, registry: Registry, name: str) -> _Found:
    found = _Found()
    above = frozenset(ancestors(name))
    # One query each, since one with OR would not be answered from the index of paths.
    rows = [_rows(session, _here(registry), condition) for condition in _may_cover(name, above)]
    for row in chain(*rows):
        text = row.pattern.replace(USERNAME, "*")
        if is_glob(row.pattern) and not Glob(text).matches(name):
            continue
        ref = SubjectRef(row.kind, row.source, row.subject)
        found.subjects[row.subject_id] = _Subject(row.subject_id, ref, row.enabled)
        found.rules.setdefault(row.subject_id, []).append(_rule(row))
    return found


def by_number(session: Session, numbers: Collection[int]) -> dict[int, Rule]:
    """The grants of these numbers, as far as they are there."""
    if not numbers:
        return {}
    return {row.id: _rule(row) for row in _rows(session, models.Grant.id.in_(numbers))}


def _here(registry: Registry) -> ColumnElement[bool]:
    return or_(models.Grant.registry_id.is_(None), models.Registry.name == registry.name)


def _rule(row: Any) -> Rule:
    return Rule(
        grant=row.id,
        role=row.role,
        allow=row.effect == "allow",
        registry=row.registry,
        pattern=row.pattern,
        subject=str(SubjectRef(row.kind, row.source, row.subject)),
        when=when_of(row.expires_at, row.cidrs),
    )


def _may_cover(name: str, above: Iterable[str]) -> list[ColumnElement[bool]]:
    """Conditions that each find grants by pattern: paths exactly, globs and some more.

    As LIKE every run may hold `/`, and `_` is any character: no glob that covers the name is
    left out.
    """
    pattern = models.Grant.pattern
    like = func.replace(func.replace(pattern, USERNAME, "%"), "*", "%")
    return [
        pattern.in_(above),
        and_(or_(pattern.contains("*"), pattern.contains("{")), literal(name).like(like)),
    ]


def _rows(session: Session, *conditions: ColumnElement[bool]) -> Iterable[Any]:
    """The grants that meet all conditions, with what they refer to."""
    grant, subject, role, where = models.Grant, models.Subject, models.Role, models.Registry
    query = (
        select(
            grant.id,
            grant.pattern,
            grant.effect,
            grant.expires_at,
            grant.cidrs,
            role.name.label("role"),
            where.name.label("registry"),
            subject.id.label("subject_id"),
            subject.kind,
            subject.source,
            subject.name.label("subject"),
            subject.enabled,
        )
        .join(subject, subject.id == grant.subject_id)
        .join(role, role.id == grant.role_id)
        .outerjoin(where, where.id == grant.registry_id)
        .where(subject.retired.is_(False), *conditions)
    )
    return session.execute(query)


class _Groups:
    """All members, at any depth, of the groups that covering rules name."""

    def __init__(self, session: Session, named: Sequence[_Subject]) -> None:
        self._members: dict[int, list[int]] = {}  # of each group met, its direct ones
        self._met = {group.id: group for group in named}
        step = list(self._met)
        while step:
            below = list(_direct(session, step))
            for group_id, member in below:
                self._members.setdefault(group_id, []).append(member.id)
            new = {member.id: member for _, member in below if member.id not in self._met}
            self._met |= new
            step = [member.id for member in new.values() if member.is_group]
        self._above = self._spread(named)

    @property
    def people(self) -> dict[int, _Subject]:
        return {row: each for row, each in self._met.items() if not each.is_group}

    @property
    def directory(self) -> list[_Subject]:
        """The groups of directories among them: who is in those, the directory alone knows."""
        return [each for each in self._met.values() if each.is_group and each.ref.source]

    def above(self, row: int) -> tuple[str, ...]:
        """The named groups that a subject is in, by their texts."""
        return self._above.get(row, ())

    def _spread(self, named: Sequence[_Subject]) -> dict[int, tuple[str, ...]]:
        """For everybody met the named groups above, itself left out; circles do no harm."""
        found: dict[int, tuple[str, ...]] = {}
        for group in named:
            below: dict[int, None] = {}
            step = [group.id]
            while step:
                members = self._members.get(step.pop(), ())
                new = [row for row in members if row not in below]
                below.update(dict.fromkeys(new))
                step += new
            for row in below:
                found[row] = (*found.get(row, ()), str(group.ref))
        return found


def _direct(session: Session, groups: Sequence[int]) -> Iterator[tuple[int, _Subject]]:
    """The direct members of groups, each with its group's id."""
    table, membership = models.Subject, models.Membership
    query = (
        select(membership.group_id, table.id, table.kind, table.source, table.name, table.enabled)
        .join(table, table.id == membership.member_id)
        .where(table.retired.is_(False))
    )
    for start in range(0, len(groups), STEP):
        some = membership.group_id.in_(groups[start : start + STEP])
        for group_id, row, kind, source, name, enabled in session.execute(query.where(some)):
            yield group_id, _Subject(row, SubjectRef(kind, source, name), enabled)


def _named_in(session: Session, name: str) -> Iterator[_Subject]:
    """The people who have a row and whose name stands somewhere in a repository's name."""
    table = models.Subject
    query = select(table.id, table.kind, table.source, table.name, table.enabled).where(
        table.kind == Kind.USER.value,
        table.retired.is_(False),
        literal(name).like(literal("%") + table.name + "%"),
    )
    for row, kind, source, person, enabled in session.execute(query):
        if person in name and is_path_component(person):
            yield _Subject(row, SubjectRef(kind, source, person), enabled)
