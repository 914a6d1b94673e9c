"""Policy rows to policy values. Pure reads: nothing is made, changed or locked here."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, aliased

from authsvc.db import models
from authsvc.errors import Invalid
from authsvc.principal import LOCAL, Kind, Principal
from authsvc.protocol.names import SubjectRef, parse_subject

from .compiler import audience, compile_rules
from .conditions import Moment, parse_network
from .model import PolicyBase, Registry, Role, Rule, SubjectRules, View, Visibility, When
from .rights import NOTHING, Rights, rights_of
from .roles import BUILT_IN, MANAGING, custom
from .rulebook import view

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
    rules = _rules(session, {row: subject})
    return compile_rules(subject, version, rules, _groups(session, row), _identity(session, row))


class Stored:
    """What is stored, as of one transaction; what was read of it is kept."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._base: PolicyBase | None = None
        self._rules: dict[str, tuple[Rule, ...]] = {}
        self._groups: dict[str, tuple[str, ...]] = {}

    @property
    def base(self) -> PolicyBase:
        if self._base is None:
            self._base = load_base(self._session)
        return self._base

    def rules(self, subject: str) -> tuple[Rule, ...]:
        if subject not in self._rules:
            self._read(subject)
        return self._rules[subject]

    def groups(self, subject: str) -> tuple[str, ...]:
        if subject not in self._groups:
            self._read(subject)
        return self._groups[subject]

    def _read(self, subject: str) -> None:
        row = _row(self._session, subject)
        rules = [] if row is None else _rules(self._session, {row: subject})
        self._rules[subject] = tuple(rules)
        self._groups[subject] = () if row is None else _groups(self._session, row)


def load_view(session: Session, principal: Principal) -> View:
    """The view of a principal, as of this transaction."""
    return view(Stored(session), principal)


def load_rights(
    session: Session, principal: Principal, *, address: str, address_known: bool, now: float
) -> Rights:
    """What somebody may manage, as of this transaction.

    It reads the rules of the principal and its groups that give or limit such rights, and nothing
    of anybody else, since edits of all others wait meanwhile. A person of the database who was
    disabled or removed since they signed in has none.
    """
    if principal.kind is not Kind.USER or _gone(session, principal):
        return NOTHING
    subjects = _everything_of(session, principal)
    deciding = or_(models.Grant.effect == "deny", models.Role.name.in_(MANAGING))
    rules = _rules(session, subjects, deciding)
    moment = Moment(now, address, known=address_known)
    return rights_of(principal, rules, _roles(session), moment)


def _gone(session: Session, principal: Principal) -> bool:
    """Whether this is a person of the database who may not sign in any more."""
    if principal.source != LOCAL:
        return False
    row = _row(session, principal.subject)
    person = None if row is None else session.get(models.Subject, row)
    return person is None or not person.enabled or str(person.id) != principal.id


def _everything_of(session: Session, principal: Principal) -> dict[int, str]:
    """Row ids and texts of all subjects that a person is: its audience, and groups upward."""
    rows = {text: _row(session, text) for text in audience(principal)}
    found = {row: text for text, row in rows.items() if row is not None}
    found |= _asserted(session, principal)
    step = list(found)
    while step:
        above = _groups_of(session, step)
        step = [row for row in above if row not in found]
        found |= above
    return found


def _asserted(session: Session, principal: Principal) -> dict[int, str]:
    """The groups that the principal's source says they are in; it speaks for its own only."""
    own = f"group:{principal.source}:"
    names = [text.removeprefix(own) for text in principal.groups if text.startswith(own)]
    table = models.Subject
    rows = session.execute(
        select(table.id, table.name).where(
            table.kind == "group",
            table.source == principal.source,
            table.name.in_(names),
            table.retired.is_(False),
        )
    )
    return {row: own + name for row, name in rows}


def _identity(session: Session, row: int) -> str | None:
    """The id of the person that a row is, as principals have it; None while nobody is bound."""
    table = models.Subject
    kind, source, external_id = session.execute(
        select(table.kind, table.source, table.external_id).where(table.id == row)
    ).one()
    if kind != Kind.USER:
        return None
    return str(row) if source == LOCAL else external_id


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


def _rules(
    session: Session, subjects: Mapping[int, str], *where: ColumnElement[bool]
) -> list[Rule]:
    """The rules of subjects, given by row id and text, as far as they meet all of `where`."""
    grant, role, registry = models.Grant, models.Role, models.Registry
    rows = session.execute(
        select(
            grant.id,
            grant.subject_id,
            role.name,
            grant.effect,
            registry.name,
            grant.pattern,
            grant.expires_at,
            grant.cidrs,
        )
        .join(role, role.id == grant.role_id)
        .outerjoin(registry, registry.id == grant.registry_id)
        .where(grant.subject_id.in_(subjects), *where)
        .order_by(grant.id)
    )
    return [
        Rule(
            grant=number,
            role=role_name,
            allow=effect == "allow",
            registry=registry_name,
            pattern=pattern,
            subject=subjects[subject],
            when=when_of(expires_at, cidrs),
        )
        for number, subject, role_name, effect, registry_name, pattern, expires_at, cidrs in rows
    ]


def when_of(expires_at: datetime | None, cidrs: Sequence[str]) -> When | None:
    """The conditions that a row of a grant holds, None for none."""
    if expires_at is None and not cidrs:
        return None
    expires = None if expires_at is None else expires_at.timestamp()
    return When(expires, tuple(map(parse_network, cidrs)))


def _groups(session: Session, row: int) -> tuple[str, ...]:
    return tuple(_groups_of(session, [row]).values())


def _groups_of(session: Session, members: Sequence[int]) -> dict[int, str]:
    """Row ids and texts of the groups that any of these is a direct member of."""
    group, membership = models.Subject, models.Membership
    rows = session.execute(
        select(group.id, group.source, group.name)
        .join(membership, membership.group_id == group.id)
        .where(membership.member_id.in_(members), group.retired.is_(False))
        .order_by(group.id)
    )
    return {row: str(SubjectRef("group", source, name)) for row, source, name in rows}


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
