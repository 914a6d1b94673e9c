"""Questions as people ask them, answered from what is stored: explain, who-can, decisions.

Here a SUBJECT of a question (contract section 3) becomes the principal that it means, and the
name of a service its registry. Reads only.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.audit import reader
from authsvc.db import models
from authsvc.errors import Invalid, NotFound
from authsvc.principal import ANONYMOUS, LOCAL, Kind, Principal
from authsvc.protocol.access import Access
from authsvc.protocol.names import SubjectRef, is_repository_name, parse_subject
from authsvc.protocol.scope import parse_entry

from . import covering_rows, decisions, store
from .askers import Asker
from .conditions import parse_address, parse_network
from .decisions import Decided, Recorded
from .explain import Explanation, Question, explain
from .model import Registry, When
from .rights import EVERYTHING, Rights
from .roles import REPOSITORY_ACTIONS
from .who_can import Able, who_can


@dataclass(frozen=True, slots=True)
class Inquiry:
    """`explain` as it is asked: texts. `service` None means the only registry.

    `ip` None means that the caller's address is not known.
    """

    subject: str
    scope: str
    service: str | None = None
    ip: str | None = None


def _nobody(_source: str, _name: str) -> Principal | None:
    return None


@dataclass(frozen=True, slots=True)
class People:
    """The sources that are configured, but for `local`, and how one is asked for a person.

    `find` (source, name) may block. Where it knows nobody, the groups of a person in their source
    are not known, and the answer is without them. `rights` are those of who asks: until when and
    from where a robot comes in is known to those who see it.
    """

    sources: Collection[str]
    find: Callable[[str, str], Principal | None] = _nobody
    rights: Rights = EVERYTHING


def explained(session: Session, inquiry: Inquiry, people: People, *, now: float) -> Explanation:
    """The answer to `explain`; `now` is wall clock seconds.

    Raises `Invalid` for text that does not parse and for no service where there are several, and
    `NotFound` for a registry, a local person or a robot that is not there.
    """
    entry = entry_of(inquiry.scope)
    if inquiry.ip is not None and parse_address(inquiry.ip) is None:
        raise _invalid("/ip", "this is no IP address", "write 192.0.2.7 or 2001:db8::7")
    asker = asked_about(session, inquiry.subject, people)
    view = store.load_view(session, asker.principal)
    registry = registry_of(view.base.registries, inquiry.service)
    return explain(view, Question(registry, entry, now, inquiry.ip, asker.disabled, asker.when))


def able(
    session: Session, action: str, name: str, service: str | None, *, now: float
) -> list[Able]:
    """The answer to `who-can`: the subjects that may do `action` to the repository `name`.

    Raises `Invalid` and `NotFound` as `explained` does.
    """
    if action not in REPOSITORY_ACTIONS:
        raise _invalid("/action", "there is no such action", "write pull, push or delete")
    if not is_repository_name(name):
        raise _invalid("/name", "this is no name of a repository", "write it as in docker pull")
    base = store.load_base(session)
    registry = registry_of(base.registries, service)
    entry = Access("repository", name, (action,))
    crowd = covering_rows.load(session, registry, name)
    return who_can(base, crowd, Question(registry, entry, now))


def decided(session: Session, jti: str, people: People, *, now: float) -> Decided:
    """What was decided under an id, then and as of today; raises `NotFound`."""
    record = reader.decision(session, jti)
    if record is None:
        raise NotFound("there is no decision of that id", advice="it is the `jti` of a token")
    found = told(session, [record])[0]
    today = _today(session, found.recorded, found.entries, people, now)
    return replace(found, today=today)


def told(session: Session, records: Iterable[Mapping[str, Any]]) -> list[Decided]:
    """What the records of tokens say was decided."""
    read = [decisions.read(record) for record in records]
    numbers = frozenset[int]().union(*(recorded.grants for recorded in read))
    grants = covering_rows.by_number(session, numbers)
    return [Decided(recorded, decisions.then(recorded, grants), None) for recorded in read]


def _today(
    session: Session,
    recorded: Recorded,
    entries: Sequence[Explanation],
    people: People,
    now: float,
) -> tuple[Explanation, ...] | None:
    """The same entries now; None when the registry or whoever asked is not there any more."""
    before = recorded.principal
    try:
        asker = asked_about(session, before.subject or ANONYMOUS.kind, people)
    except (NotFound, Invalid):
        return None
    view = store.load_view(session, asker.principal)
    registry = view.base.registries.get(recorded.service)
    if registry is None or (asker.principal.id and asker.principal.id != before.id):
        return None
    return decisions.again(
        recorded,
        entries,
        lambda entry: explain(
            view, Question(registry, entry, now, recorded.address, asker.disabled, asker.when)
        ),
    )


def service_of(session: Session, service: str | None) -> str | None:
    """The service that is meant: the one named, or the only one; None for neither."""
    if service is not None:
        return service
    names = session.scalars(select(models.Registry.name).limit(2)).all()
    return names[0] if len(names) == 1 else None


def entry_of(scope: str) -> Access:
    """The one entry of a scope text; raises `Invalid`."""
    entry = parse_entry(scope)
    if entry is None or not entry.actions:
        raise _invalid(
            "/scope", "this is no scope of one entry", "write repository:team/app:pull,push"
        )
    return entry


def registry_of(registries: Mapping[str, Registry], service: str | None) -> Registry:
    """The registry of that name, or the only one; raises `NotFound`, `Invalid`."""
    if service is not None:
        if service not in registries:
            raise NotFound(
                f"there is no registry '{service}'", advice="see `authsvc registry list`"
            )
        return registries[service]
    if not registries:
        raise NotFound("there is no registry", advice="make one with `authsvc registry add`")
    if len(registries) > 1:
        known = ", ".join(sorted(registries))
        raise _invalid("/service", "there are several registries", f"name one of {known}")
    return next(iter(registries.values()))


def asked_about(session: Session, subject: str, people: People) -> Asker:
    """Whom a text means: `user:…`, `robot:NAME` or `anonymous`; raises `Invalid`, `NotFound`.

    A person of the database and a robot must exist. Of others it is enough that their source is
    configured: the source alone knows them, and which of its groups they are in.
    """
    if subject == Kind.ANONYMOUS:
        return Asker(ANONYMOUS)
    try:
        ref = parse_subject(subject)
    except Invalid:
        ref = None
    if ref is None or ref.kind not in (Kind.USER, Kind.ROBOT):
        raise _invalid(
            "/subject",
            "this is nobody who asks for tokens",
            "write user:NAME, user:SOURCE:NAME, robot:NAME or anonymous",
        )
    if ref.kind == Kind.USER and ref.source not in (LOCAL, *people.sources):
        known = ", ".join(sorted({LOCAL, *people.sources}))
        raise _invalid(
            "/subject", f"no source is called '{ref.source}'", f"configured are: {known}"
        )
    told_of = None if ref.source in ("", LOCAL) else people.find(ref.source, ref.name)
    return _asker(session, ref, people.rights) if told_of is None else Asker(told_of)


def _asker(session: Session, ref: SubjectRef, rights: Rights) -> Asker:
    table = models.Subject
    row = session.execute(
        select(table.id, table.external_id, table.enabled).where(
            table.kind == ref.kind,
            table.source == ref.source,
            table.name == ref.name,
            table.retired.is_(False),
        )
    ).one_or_none()
    if row is None and ref.source not in ("", LOCAL):
        return Asker(Principal(Kind.USER, ref.source, ref.name, ""))
    if row is None:
        raise NotFound(f"there is no {ref.kind} '{ref.name}'")
    identity = row.external_id if ref.source not in ("", LOCAL) else str(row.id)
    principal = Principal(Kind(ref.kind), ref.source, ref.name, identity or "")
    when = _when(session, row.id, rights) if ref.kind == Kind.ROBOT else None
    return Asker(principal, not row.enabled, when)


def _when(session: Session, robot: int, rights: Rights) -> When | None:
    """What bounds every use of a robot's secrets; None for nothing, or for one that is not seen."""
    bounds, home, registry = models.Robot, models.Grant, models.Registry
    row = session.execute(
        select(bounds.expires_at, bounds.cidrs, home.pattern, registry.name)
        .join(home, home.id == bounds.grant_id)
        .outerjoin(registry, registry.id == home.registry_id)
        .where(bounds.subject_id == robot)
    ).one_or_none()
    if row is None or not rights.sees(row.pattern, row.name):
        return None
    expires = None if row.expires_at is None else row.expires_at.timestamp()
    networks = tuple(map(parse_network, row.cidrs))
    return When(expires, networks) if networks or expires is not None else None


def _invalid(place: str, text: str, advice: str) -> Invalid:
    return Invalid(text, advice=advice, faults=[(place, text)])
