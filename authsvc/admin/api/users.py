"""/users: people of the database, and those of other sources that something refers to."""

from typing import Annotated, Any

from pydantic import Field, SecretStr
from sqlalchemy import select

from authsvc.access.rights import Rights
from authsvc.admin import preconditions
from authsvc.admin.call import Call, Reply
from authsvc.admin.described import Described, Operations
from authsvc.admin.items import Revoked, UserItem
from authsvc.admin.listing import Listing
from authsvc.admin.resource import Collection
from authsvc.changes import guard, reads, texts, users
from authsvc.changes.spec import Spec, changed
from authsvc.changes.unit_of_work import Outcome, Transaction
from authsvc.db.models import Subject
from authsvc.errors import Invalid
from authsvc.protocol.names import SubjectRef


class UserChange(users.UserSpec):
    """What may change of a person: `enabled`, and the password of one of the database."""

    source: str = "local"  # type: ignore[assignment]  # people of other sources are shown as well
    password: Annotated[SecretStr, texts.PASSWORD] = Field(None)  # type: ignore[assignment]  # left as it is


async def create(call: Call) -> Reply:
    """A new person; the password is hashed before the transaction."""
    await call.may(lambda _, rights: guard.administer(rights, "user"))
    spec = await call.spec(users.UserSpec)
    hashed = await hashed_password(call, spec.name, spec.password)
    return await PEOPLE.created(
        call, lambda tx: users.add(tx, spec.name, hashed, enabled=spec.enabled)
    )


async def patch(call: Call) -> Reply:
    """Enable, disable, or set the password of a person of the database."""
    preconditions.require(call.if_match)
    item = await call.may(lambda session, rights: _administered(call, session, rights))
    spec = changed(UserChange, item, await call.members(), fixed=("name", "source"))
    hashed = None
    if "password" in spec.model_fields_set:
        hashed = await hashed_password(call, spec.name, spec.password)

    def change(tx: Transaction, now: dict[str, Any]) -> Outcome[dict[str, Any]]:
        return users.change(tx, _ref(now), enabled=spec.enabled, hashed=hashed)

    return await PEOPLE.changed(call, change)


async def revoke(call: Call) -> Reply:
    """End their refresh tokens and personal access tokens, and what is remembered of them."""
    call.no_query()
    await call.spec(Spec)
    key = call.id

    def edit(tx: Transaction) -> Outcome[dict[str, Any]]:
        item = PEOPLE.found(tx.session, tx.rights, key)
        return users.revoke(tx, _ref(item))

    return Reply(await call.change(edit))


async def hashed_password(
    call: Call, name: str, password: SecretStr, pointer: str = "/password"
) -> str:
    """The hash of a new password, made by the threads for slow hashes.

    Raises Invalid, for the place in the body that `pointer` is.
    """
    services = await call.read(lambda session, _: users.forbidden_words(session))
    text = password.get_secret_value()
    try:
        return await call.api.hashes.run(users.password_hash, name, text, services)
    except Invalid as error:
        faults = [(pointer, error.message)]
        raise Invalid(error.message, advice=error.advice, faults=faults) from None


def _ref(item: dict[str, Any]) -> SubjectRef:
    return SubjectRef("user", item["source"], item["name"])


def _administered(call: Call, session: Any, rights: Rights) -> dict[str, Any]:
    """The item, once it is known that the caller may change it: no hash is made for others."""
    item = PEOPLE.found(session, rights, call.id)
    guard.administer(rights, "user")
    preconditions.check(call.if_match, item)
    return item


PEOPLE = Collection(
    noun="users",
    one="user",
    listing=Listing(
        query=lambda _: select(Subject).where(Subject.kind == "user", Subject.retired.is_(False)),
        items=lambda _, rows: [reads.user(row) for (row,) in rows],
        key=Subject.id,
        names=(Subject.name,),
    ),
    model=UserItem,
    spec=users.UserSpec,
    example={"name": "alice", "password": "four lakes and a bridge"},
    remove=lambda tx, item: users.remove(tx, _ref(item)),
)
OPERATIONS: Operations = PEOPLE.described(create, patch) | {
    ("POST", "/users/{id}/revoke"): Described(
        revoke, "End a user's tokens, and what is remembered of the password", Revoked, once=True
    )
}
