"""Whom a plan touches: by grants, groups, robots, roles, visibilities; members of groups, too."""

from collections.abc import Iterable, Iterator
from itertools import islice

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from authsvc.access.model import AUTHENTICATED, EVERYONE
from authsvc.changes.subjects import AT_ONCE
from authsvc.db.models import Grant, Membership, Role, Subject
from authsvc.protocol.names import SubjectRef

from .steps import Plan
from .stored import Item

MOST = 10_000


def touched(session: Session, plan: Plan, *, members: bool) -> list[str]:
    """The subjects, as canonical texts, whose access may become another one.

    Of a directory's people those that are named; of who holds a role that changes, MOST at most.
    Those who are in groups that are touched, or who a namespace or a registry means something to,
    come with `members` only: an owner does not see them.
    """
    direct = {*_granted(plan), *_moved(plan), *_seen(plan), *_of_roles(session, plan)}
    if members:
        direct |= {*_at_home(session, plan), *_at_registries(session, plan)}
        direct |= _below(session, direct)
    return sorted(direct)


def _granted(plan: Plan) -> Iterator[str]:
    for step in plan.of("grants"):
        if step.before is None or step.after is None:
            yield step.item["subject"]
    yield from (f"robot:{step.item['name']}" for step in plan.of("robots"))


def _moved(plan: Plan) -> Iterator[str]:
    """Who comes into a group or goes out of one."""
    for step in plan.of("groups"):
        before = _members(step.before.item if step.before else None)
        yield from before ^ _members(step.after)


def _members(item: Item | None) -> set[str]:
    return set() if item is None else set(item["members"])


def _seen(plan: Plan) -> Iterator[str]:
    """A visibility is for everybody, and so is what a registry admits."""
    if any(plan.of("namespaces")) or any(plan.of("registries")):
        yield from (EVERYONE, AUTHENTICATED)


def _at_home(session: Session, plan: Plan) -> Iterator[str]:
    """People whose name is in the path of a namespace that comes or goes (contract 5, rule 4).

    It may be what their `{username}` is filled in to, and is theirs alone no more.
    """
    paths = [step.item["name"] for step in plan.of("namespaces")]
    names = sorted({part for path in paths for part in path.split("/")})
    for start in range(0, len(names), AT_ONCE):
        some = Subject.name.in_(names[start : start + AT_ONCE])
        yield from _texts(session, Subject.kind == "user", Subject.retired.is_(False), some)


def _at_registries(session: Session, plan: Plan) -> Iterator[str]:
    """Whoever anything is granted to: a registry that changes may be theirs."""
    if any(plan.of("registries")):
        granted = select(Grant.subject_id).distinct()
        yield from _texts(session, Subject.id.in_(granted), Subject.retired.is_(False))


def _texts(session: Session, *where: ColumnElement[bool]) -> Iterator[str]:
    rows = session.execute(
        select(Subject.kind, Subject.source, Subject.name).where(*where).limit(MOST)
    )
    return (str(SubjectRef(*row)) for row in rows)


def _of_roles(session: Session, plan: Plan) -> Iterator[str]:
    names = [step.after["name"] for step in plan.of("roles") if step.before and step.after]
    if names:
        granted = select(Grant.subject_id).join(Role, Role.id == Grant.role_id)
        yield from _texts(session, Subject.id.in_(granted.where(Role.name.in_(names))))


def _below(session: Session, subjects: Iterable[str]) -> set[str]:
    """All members of these groups, directly or through others."""
    found: set[str] = set()
    waiting = [text for text in subjects if text.startswith("group:")]
    while waiting:
        some = [text.rpartition(":")[2] for text in islice(waiting, AT_ONCE)]
        del waiting[:AT_ONCE]
        for text in _members_of(session, some):
            if text not in found:
                found.add(text)
                waiting += [text] if text.startswith("group:") else []
    return found


def _members_of(session: Session, groups: Iterable[str]) -> Iterator[str]:
    """The direct members of groups of this service, which alone have any."""
    member = select(Membership.member_id).join(Subject, Subject.id == Membership.group_id)
    named = member.where(Subject.kind == "group", Subject.source == "", Subject.name.in_(groups))
    rows = session.execute(
        select(Subject.kind, Subject.source, Subject.name).where(
            Subject.id.in_(named), Subject.retired.is_(False)
        )
    )
    return (str(SubjectRef(*row)) for row in rows)
