"""Policy rows to policy values. Pure reads: nothing is made, changed or locked here."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from authsvc.db import models
from authsvc.errors import Invalid
from authsvc.protocol.names import SubjectRef, parse_subject

from .compiler import compile_rules
from .conditions import parse_network
from .model import PolicyBase, Registry, Role, Rule, SubjectRules, Visibility, When
from .roles import BUILT_IN, custom

_MEMBER = aliased(models.Subject)


def load_base(session: Session) -> PolicyBase:
    """Registries, roles, visibilities and the nesting of groups, as of this transaction."""
    return PolicyBase(
        version=_version(session),
        registries=_registries(session),
        roles=_roles(session),
        visibility=_visibility(session),
        parents=_parents(session),
    )


def load_rules(session: Session, subject: str) -> SubjectRules:
    """All that is granted to one subject, and the groups that it is a direct member of.

    `subject` is canonical text. One without a row, or whose name went to another identity, has
    no rules and no groups.
    """
    version = _version(session)
    row = _row(session, subject)
    if row is None:
        return compile_rules(subject, version, ())
    return compile_rules(subject, version, _rules(session, row, subject), _groups(session, row))


def _version(session: Session) -> int:
    """The number of the last change; 0 in a database that has seen none."""
    return session.scalar(select(models.ChangeHead.seq)) or 0


def _row(session: Session, subject: str) -> int | None:
    """The row id of a subject. Text that names no subject is nobody's, as is a retired name."""
    try:
        ref = parse_subject(subject)
    except Invalid:
        return None
    table = models.Subject
    return session.scalar(
        select(table.id).where(
            table.kind == ref.kind,
            table.source == ref.source,
            table.name == ref.name,
            table.retired.is_(False),
        )
    )


def _rules(session: Session, row: int, subject: str) -> list[Rule]:
    grant, role, registry = models.Grant, models.Role, models.Registry
    rows = session.execute(
        select(
            grant.id,
            role.name,
            grant.effect,
            registry.name,
            grant.pattern,
            grant.expires_at,
            grant.cidrs,
        )
        .join(role, role.id == grant.role_id)
        .outerjoin(registry, registry.id == grant.registry_id)
        .where(grant.subject_id == row)
        .order_by(grant.id)
    )
    return [
        Rule(
            grant=number,
            role=role_name,
            allow=effect == "allow",
            registry=registry_name,
            pattern=pattern,
            subject=subject,
            when=_when(expires_at, cidrs),
        )
        for number, role_name, effect, registry_name, pattern, expires_at, cidrs in rows
    ]


def _when(expires_at: datetime | None, cidrs: Sequence[str]) -> When | None:
    if expires_at is None and not cidrs:
        return None
    expires = None if expires_at is None else expires_at.timestamp()
    return When(expires, tuple(map(parse_network, cidrs)))


def _groups(session: Session, row: int) -> tuple[str, ...]:
    group, membership = models.Subject, models.Membership
    rows = session.execute(
        select(group.source, group.name)
        .join(membership, membership.group_id == group.id)
        .where(membership.member_id == row, group.retired.is_(False))
        .order_by(group.id)
    )
    return tuple(str(SubjectRef("group", source, name)) for source, name in rows)


def _registries(session: Session) -> dict[str, Registry]:
    table = models.Registry
    rows = session.execute(
        select(
            table.name,
            table.enabled,
            table.read_only,
            table.ttl,
            table.key_header,
            table.refresh_tokens,
            table.libtrust_kid,
        )
    )
    return {row.name: Registry(*row) for row in rows}


def _roles(session: Session) -> dict[str, Role]:
    """Built-in roles are what this release says, whatever their rows hold."""
    table = models.Role
    rows = session.execute(select(table.name, table.allow).where(table.builtin.is_(False)))
    found = {name: custom(name, allow) for name, allow in rows if name not in BUILT_IN}
    return {**found, **BUILT_IN}


def _visibility(session: Session) -> dict[str, dict[str | None, Visibility]]:
    namespace, registry = models.Namespace, models.Registry
    rows = session.execute(
        select(namespace.path, registry.name, namespace.visibility).outerjoin(
            registry, registry.id == namespace.registry_id
        )
    )
    found: dict[str, dict[str | None, Visibility]] = {}
    for path, registry_name, visibility in rows:
        found.setdefault(path, {})[registry_name] = Visibility(visibility)
    return found


def _parents(session: Session) -> dict[str, tuple[str, ...]]:
    group, membership = models.Subject, models.Membership
    rows = session.execute(
        select(_MEMBER.source, _MEMBER.name, group.source, group.name)
        .join(membership, membership.member_id == _MEMBER.id)
        .join(group, group.id == membership.group_id)
        .where(_MEMBER.kind == "group", _MEMBER.retired.is_(False), group.retired.is_(False))
        .order_by(_MEMBER.id, group.id)
    )
    found: dict[str, tuple[str, ...]] = {}
    for source, name, group_source, group_name in rows:
        member = str(SubjectRef("group", source, name))
        above = str(SubjectRef("group", group_source, group_name))
        found[member] = (*found.get(member, ()), above)
    return found
