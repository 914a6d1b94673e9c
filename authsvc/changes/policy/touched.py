"""Whom a plan touches: by grants, groups, roles or visibilities, members of groups included."""

from collections.abc import Iterable, Iterator
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.access.model import AUTHENTICATED, EVERYONE
from authsvc.changes.subjects import AT_ONCE
from authsvc.db.models import Grant, Membership, Role, Subject
from authsvc.protocol.names import SubjectRef

from .plan import Plan
from .stored import Item

MOST = 10_000


def touched(session: Session, plan: Plan, *, members: bool) -> list[str]:
    """The subjects, as canonical texts, whose access may become another one.

    Of a directory's people those that are named; of who holds a role that changes, MOST at most.
    Those who are in groups that are touched come with `members` only.
    """
    direct = {*_granted(plan), *_moved(plan), *_seen(plan), *_of_roles(session, plan)}
    return sorted(direct | (_below(session, direct) if members else set()))


def _granted(plan: Plan) -> Iterator[str]:
    for step in plan.of("grants"):
        item = step.after or (step.before.item if step.before else {})
        if step.before is None or step.after is None:
            yield item["subject"]


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


def _of_roles(session: Session, plan: Plan) -> Iterator[str]:
    names = [step.after["name"] for step in plan.of("roles") if step.before and step.after]
    if names:
        rows = session.execute(
            select(Subject.kind, Subject.source, Subject.name)
            .join(Grant, Grant.subject_id == Subject.id)
            .join(Role, Role.id == Grant.role_id)
            .where(Role.name.in_(names))
            .distinct()
            .limit(MOST)
        )
        yield from (str(SubjectRef(*row)) for row in rows)


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
