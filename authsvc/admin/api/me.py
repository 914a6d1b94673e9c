"""/me: what a caller may know of themselves, and their own password."""

from typing import Annotated, Any

from pydantic import SecretStr
from sqlalchemy.orm import Session

from authsvc.access import decisions, questions
from authsvc.access.compiler import groups_of
from authsvc.access.reach import catalogs, reach
from authsvc.access.rights import Rights
from authsvc.access.store import load_rules, load_view
from authsvc.admin.call import Call, Reply
from authsvc.admin.described import Described, Operations
from authsvc.admin.items import DecisionItem, Me, Reached, UserItem
from authsvc.audit import reader
from authsvc.audit.records import Event
from authsvc.changes import reads, texts, users
from authsvc.changes.spec import Spec
from authsvc.changes.unit_of_work import Outcome, Transaction
from authsvc.changes.when import print_time
from authsvc.clock import utc
from authsvc.db.models import Subject
from authsvc.errors import Invalid
from authsvc.identity.provider import Circumstances, Rejected, Verified
from authsvc.principal import LOCAL, Principal
from authsvc.protocol.credentials import Password

from . import seen
from .users import hashed_password


class NewPassword(Spec):
    """A change of one's own password."""

    old: SecretStr
    new: Annotated[SecretStr, texts.PASSWORD]


async def show(call: Call) -> Reply:
    """Who I am, the groups I am in, what I manage, and the grants made to me."""
    call.no_query()
    return Reply(await call.read(lambda session, rights: _me(call, session, rights)))


def _me(call: Call, session: Session, rights: Rights) -> dict[str, Any]:
    who = call.principal
    direct = load_rules(session, who.subject).groups
    own = reads.grants(
        session, Subject.kind == who.kind, Subject.source == who.source, Subject.name == who.name
    )
    view = load_view(session, who)
    return {
        "kind": who.kind.value,
        "id": who.id,
        "name": who.name,
        "source": who.source,
        "subject": who.subject,
        "groups": sorted(groups_of(who, direct, view.base)),
        "admin": rights.admin,
        "auditor": rights.auditor,
        "owns": [
            {
                "on": owned.path,
                "registry": owned.registry,
                "expires_at": _time(owned.ends),
            }
            for owned in rights.owned
        ],
        "catalogs": [
            {"registry": right.registry, "expires_at": _time(right.ends), "cidrs": [*right.cidrs]}
            for right in catalogs(view, call.api.clock.now())
        ],
        "grants": own,
    }


def _time(moment: float | None) -> str | None:
    return None if moment is None else print_time(utc(moment))


async def repositories(call: Call) -> Reply:
    """The paths and globs that I reach, with actions."""
    call.no_query()
    now = call.api.clock.now()
    found = await call.read(lambda session, _: reach(load_view(session, call.principal), now=now))
    return Reply(found, headers={"X-Total-Count": str(len(found))})


async def past_decisions(call: Call) -> Reply:
    """My last requests that got less than they asked for, with reasons; the newest first."""
    page = call.api.cursors.page("me/decisions", call.query, frozenset())
    who = call.principal
    before = None if page.after is None else (page.after[0], page.after[1], page.after[2])

    def read(session: Session, rights: Rights) -> tuple[list[dict[str, Any]], int, Any]:
        found = reader.concerning(session, who.identity, limit=page.limit + 1, before=before)
        shown = found[: page.limit]
        told = questions.told(session, [record for _, record in shown])
        cut = [decisions.changed(each, lambda one: seen.cut(one, who, rights)) for each in told]
        last = shown[-1][0] if len(found) > page.limit else None
        total = reader.count_concerning(session, who.identity)
        return [decisions.decided_shape(each) for each in cut], total, last

    items, total, last = await call.read(read)
    linked = call.linked("me/decisions", page, last)
    return Reply(items, headers={"X-Total-Count": str(total), **linked})


async def set_password(call: Call) -> Reply:
    """A new password for a person of the database, who shows the old one."""
    call.no_query()
    asked, who = await call.spec(NewPassword), call.principal
    if who.source != LOCAL:
        raise Invalid(
            f"'{who.name}' is a person of source '{who.source}'",
            advice="passwords of other sources are changed there",
        )
    stored = await call.read(lambda session, _: users.stored_hash(session, who.name))
    await _prove(call, asked.old)
    hashed = await hashed_password(call, who.name, asked.new, "/new")

    def edit(tx: Transaction) -> Outcome[dict[str, Any]]:
        return users.set_own_password(tx, stored, hashed)

    return Reply(await call.change(edit))


async def _prove(call: Call, old: SecretStr) -> None:
    """Raise Invalid unless this is the caller's password: by the same road as every sign-in.

    A token stands in a password's place everywhere but here: it would outlast itself by a new one.
    """
    origin = call.actor.origin
    address, known = (origin.address, origin.address_known) if origin else ("", False)
    circumstances = Circumstances(address, "", call.api.clock.now(), known)
    shown = Password(call.principal.name, old.get_secret_value())
    found = await call.api.authenticator.identify(shown, circumstances)
    if isinstance(found, Rejected) or not _is_password_of(found, call.principal):
        wrong = "this is not the password"
        call.api.refused(call.actor, "wrong_password", Event.LOGIN)
        raise Invalid(f"old: {wrong}", faults=[("/old", wrong)])


def _is_password_of(found: Verified, who: Principal) -> bool:
    return found.principal == who and found.credential_kind == "password"


OPERATIONS: Operations = {
    ("GET", "/me"): Described(show, "Who I am and what I may manage", Me),
    ("GET", "/me/repositories"): Described(
        repositories,
        "The paths and globs that I reach, with actions",
        Reached,
        listed=True,
        counted=True,
    ),
    ("GET", "/me/decisions"): Described(
        past_decisions,
        "My last requests that got less than they asked for",
        DecisionItem,
        listed=True,
        paged=True,
        counted=True,
    ),
    ("PUT", "/me/password"): Described(
        set_password,
        "Change my own password",
        UserItem,
        body=NewPassword,
        example={"old": "four lakes and a bridge", "new": "five lakes and two bridges"},
    ),
}
