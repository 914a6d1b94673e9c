"""Groups of this service and who belongs to them: people, other groups, groups of a directory."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from authsvc.db.models import Grant, Membership, Subject
from authsvc.errors import Conflict, Invalid
from authsvc.protocol import names

from . import guard, reads, subjects, texts
from .references import referred
from .spec import Spec, checked
from .unit_of_work import Outcome, Transaction, nothing


def _name(name: str) -> str:
    if not names.is_group_name(name):
        raise ValueError(
            "a group's name is printable, without colon and outer blanks, and not reserved"
        )
    return name


def _member(text: str) -> str:
    try:
        return str(names.parse_member(text))
    except Invalid as error:
        raise ValueError("this is no member: write NAME, SOURCE:NAME or group:NAME") from error


MOST_MEMBERS = 10_000  # direct ones of a group; a group may be a member of a group


class GroupSpec(Spec):
    """A group; `members` become canonical subject texts."""

    name: Annotated[str, AfterValidator(_name), texts.NAME]
    members: Annotated[
        tuple[Annotated[str, AfterValidator(_member), texts.MEMBER], ...],
        Field(max_length=MOST_MEMBERS),
    ] = ()


def add(tx: Transaction, spec: GroupSpec) -> Outcome[dict[str, Any]]:
    """A new group with its members.

    Raises `Conflict` when the name is taken or members would loop, `Dangling` for a member that
    is not there.
    """
    guard.administer(tx.rights, "group")
    if subjects.find(tx.session, "group", "", spec.name):
        raise Conflict(f"there is a group '{spec.name}' already", advice="use `group member add`")
    row = subjects.made(tx, "group", "", spec.name)
    joined = _join_all(tx, row, spec.members)
    item = reads.group(tx.session, row)
    topics = subjects.topics(joined) | {"base", subjects.topic(row)}
    return Outcome(item, after={"group": item}, topics=topics)


def add_members(
    tx: Transaction, name: str, refs: tuple[names.SubjectRef, ...]
) -> Outcome[dict[str, Any]]:
    """Put subjects into a group; those in it already stay. Raises `NotFound`, `Conflict`."""
    guard.administer(tx.rights, "group")
    row = subjects.found(tx.session, "group", "", name)
    before = reads.group(tx.session, row)
    return _changed(tx, row, before, _join_all(tx, row, [str(ref) for ref in refs]))


def set_members(tx: Transaction, name: str, members: Sequence[str]) -> Outcome[dict[str, Any]]:
    """Let these and no others be the members; raises what `add` does, and `NotFound`."""
    guard.administer(tx.rights, "group")
    row = subjects.found(tx.session, "group", "", name)
    before = reads.group(tx.session, row)
    wanted = checked(GroupSpec, {"name": name, "members": members}).members
    kept = frozenset(wanted)
    held = reads.members(tx.session, row.id)
    left = [each for each in held if subjects.text_of(each) not in kept]
    gone = [each.id for each in left]
    tx.session.execute(
        delete(Membership).where(Membership.group_id == row.id, Membership.member_id.in_(gone))
    )
    return _changed(tx, row, before, [*left, *_join_all(tx, row, wanted)])


def remove_member(tx: Transaction, name: str, ref: names.SubjectRef) -> Outcome[dict[str, Any]]:
    """Take a subject out of a group; one that is not in it is no fault."""
    guard.administer(tx.rights, "group")
    row = subjects.found(tx.session, "group", "", name)
    before = reads.group(tx.session, row)
    member = subjects.find(tx.session, ref.kind, ref.source, ref.name)
    held = tx.session.get(Membership, (row.id, member.id)) if member else None
    if member is None or held is None:
        return nothing(before)
    tx.session.delete(held)
    return _changed(tx, row, before, [member])


def remove(tx: Transaction, name: str) -> Outcome[dict[str, Any]]:
    """Remove a group with all its grants and memberships: no later namesake inherits any."""
    guard.administer(tx.rights, "group")
    row = subjects.found(tx.session, "group", "", name)
    item = reads.group(tx.session, row)
    grants = reads.grants(tx.session, Grant.subject_id == row.id)
    members = reads.members(tx.session, row.id)
    topics = subjects.topics(members) | {"base", subjects.topic(row)}
    tx.session.delete(row)
    value = {"removed": item, "grants": [each["id"] for each in grants]}
    return Outcome(value, before={"group": item, "grants": grants}, topics=topics)


def _join_all(tx: Transaction, row: Subject, members: Sequence[str]) -> list[Subject]:
    """Those of `members`, as canonical texts, that were not in the group and came in."""
    refs = [names.parse_subject(text) for text in members]
    found = subjects.found_all(tx.session, refs)
    held = set(
        tx.session.scalars(select(Membership.member_id).where(Membership.group_id == row.id))
    )
    above, joined = _above(tx.session, row.id), []
    for place, ref in enumerate(refs):
        with referred(f"/members/{place}"):
            member = found.get(ref) or subjects.meant(tx, ref)
        _refuse_circle(row, member, above)
        if member.id not in held:
            held.add(member.id)
            joined.append(member)
    if joined:
        check_size(len(held))
        values = [{"group_id": row.id, "member_id": member.id} for member in joined]
        tx.session.execute(insert(Membership), values)
    return joined


def check_size(members: int) -> None:
    """Raise `Conflict` when a group would have more members than MOST_MEMBERS."""
    if members > MOST_MEMBERS:
        raise Conflict(
            f"a group has at most {MOST_MEMBERS:,} members, and this one would have {members:,}",
            advice="make some of them a group of their own, and that a member",
        )


def _refuse_circle(row: Subject, member: Subject, above: set[int]) -> None:
    if member.id in above:
        raise Conflict(
            f"group '{row.name}' would be a member of itself through '{member.name}'",
            advice="groups may be nested but not in a loop",
        )


def _above(session: Session, group_id: int) -> set[int]:
    """The group and every group that it belongs to, directly or through others."""
    seen: set[int] = set()
    step = {group_id}
    while step:
        seen |= step
        upward = select(Membership.group_id).where(Membership.member_id.in_(step))
        step = set(session.scalars(upward)) - seen
    return seen


def _changed(
    tx: Transaction, row: Subject, before: dict[str, Any], moved: list[Subject]
) -> Outcome[dict[str, Any]]:
    if not moved:
        return nothing(before)
    row.changed_in = tx.version
    tx.session.flush()
    after = reads.group(tx.session, row)
    return Outcome(
        after,
        before={"group": before},
        after={"group": after},
        topics=subjects.topics(moved) | {"base"},
    )
