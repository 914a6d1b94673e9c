"""/explain, /who-can and /decisions/{id}."""

from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy.orm import Session

from authsvc.access import decisions, questions, shapes
from authsvc.access.decisions import Decided
from authsvc.access.questions import Inquiry, People
from authsvc.access.rights import NOTHING, Rights
from authsvc.access.roles import REPOSITORY_ACTIONS
from authsvc.admin.call import Call, Reply
from authsvc.admin.described import Described, Operations
from authsvc.admin.items import Able, DecisionItem, ExplanationItem
from authsvc.changes import texts
from authsvc.changes.guard import NOTHING_HERE
from authsvc.changes.spec import Spec
from authsvc.errors import Invalid, NotFound
from authsvc.principal import Principal
from authsvc.protocol.access import Access
from authsvc.protocol.names import MAX_NAME
from authsvc.protocol.scope import parse_entry

from . import seen

Service = Annotated[str, Field(max_length=MAX_NAME)] | None


class ExplainSpec(Spec):
    """One entry of scope, asked by a subject, at a registry (the only one when left out)."""

    subject: Annotated[str, Field(max_length=600), texts.ASKER]
    scope: Annotated[str, Field(max_length=2048), texts.SCOPE]
    service: Service = None
    ip: str | None = Field(None, max_length=64)


class WhoCanSpec(Spec):
    """An action and the name of a repository, at a registry (the only one when left out)."""

    action: Annotated[
        str, Field(max_length=16, json_schema_extra={"enum": list(REPOSITORY_ACTIONS)})
    ]
    name: Annotated[str, Field(max_length=2048), texts.REPOSITORY]
    service: Service = None


async def explain(call: Call) -> Reply:
    """Why a subject gets what it asks for, or not."""
    call.no_query()
    asked = await call.spec(ExplainSpec)
    inquiry = Inquiry(asked.subject, asked.scope, asked.service, asked.ip)
    entry = questions.entry_of(asked.scope)
    now, who = call.api.clock.now(), call.principal

    def read(session: Session, rights: Rights) -> dict[str, Any]:
        service = _service(session, rights, asked.service)
        if not seen.is_about(who, asked.subject):
            _may_ask(rights, entry, service)
        found = questions.explained(session, inquiry, people(call, rights), now=now)
        return shapes.shape(seen.cut(found, who, rights))

    return Reply(await call.read(read))


async def who_can(call: Call) -> Reply:
    """The subjects that may do something, with the grants that let them."""
    call.no_query()
    asked, now = await call.spec(WhoCanSpec), call.api.clock.now()
    entry = Access("repository", asked.name, (asked.action,))

    def read(session: Session, rights: Rights) -> list[dict[str, Any]]:
        _may_ask(rights, entry, _service(session, rights, asked.service))
        found = questions.able(session, asked.action, asked.name, asked.service, now=now)
        return [seen.able(session, each, rights) for each in found]

    return Reply(await call.read(read))


async def decision(call: Call) -> Reply:
    """Why the token with that `jti` holds what it holds, then and as of today."""
    call.no_query()
    jti, now, who = call.word, call.api.clock.now(), call.principal

    def read(session: Session, rights: Rights) -> dict[str, Any]:
        found = questions.decided(session, jti, people(call, rights), now=now)
        if found.recorded.principal.identity != who.identity:
            found = _entries_seen(found, rights)
        return decisions.decided_shape(
            decisions.changed(found, lambda entry: seen.cut(entry, who, rights))
        )

    try:
        return Reply(await call.read(read))
    except NotFound:
        raise NotFound(NOTHING_HERE) from None


def people(call: Call, rights: Rights = NOTHING) -> People:
    """Who is known: of the caller, what the sign-in told; of others, what their source says."""
    who, find = call.principal, call.api.find

    def found(source: str, name: str) -> Principal | None:
        return who if (source, name) == (who.source, who.name) else find(source, name)

    return People(call.api.sources, found, rights)


def _service(session: Session, rights: Rights, service: str | None) -> str:
    """The service that is meant, '' when it is for the question itself to say that none is.

    Raises Invalid where one must be named: which there are, is told to those who read all.
    """
    named = questions.service_of(session, service)
    if named is None and not rights.reads_all:
        text = "name the registry that is meant"
        raise Invalid(
            text, advice="it is the `service` of its challenge", faults=[("/service", text)]
        )
    return named or ""


def _may_ask(rights: Rights, entry: Access, service: str) -> None:
    """Raise NotFound unless they may ask what others get there, before anything is looked up."""
    if not seen.may_ask(rights, entry, service):
        raise NotFound(NOTHING_HERE)


def _entries_seen(found: Decided, rights: Rights) -> Decided:
    """A decision about somebody else, cut to the entries that the viewer may ask about."""
    if rights.reads_all:
        return found
    kept = [
        place
        for place, entry in enumerate(found.entries)
        if (asked := parse_entry(entry.scope)) is not None
        and seen.may_ask(rights, asked, found.recorded.service)
    ]
    if not kept:
        raise NotFound(NOTHING_HERE)
    today = found.today
    return replace(
        found,
        entries=tuple(found.entries[place] for place in kept),
        today=None if today is None else tuple(today[place] for place in kept),
        recorded=replace(found.recorded, more=0),
    )


JTI = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
OPERATIONS: Operations = {
    ("POST", "/explain"): Described(
        explain,
        "Why a subject gets what it asks for, or not",
        ExplanationItem,
        body=ExplainSpec,
        asks=True,
        example={
            "subject": "user:alice",
            "scope": "repository:team/app:pull,push",
            "service": "registry.example:5000",
        },
    ),
    ("POST", "/who-can"): Described(
        who_can,
        "Who may do something to a repository",
        Able,
        listed=True,
        body=WhoCanSpec,
        asks=True,
        example={"action": "push", "name": "team/app", "service": "registry.example:5000"},
    ),
    ("GET", "/decisions/{id}"): Described(
        decision, "Why a token holds what it holds; the id is its `jti`", DecisionItem, key=JTI
    ),
}
