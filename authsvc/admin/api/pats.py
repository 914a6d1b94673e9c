"""/pats: personal access tokens, people's own and, for administrators, those of all."""

from authsvc.access.questions import People
from authsvc.admin import shown_once
from authsvc.admin.call import Call, Reply
from authsvc.admin.described import Described, Operations
from authsvc.admin.items import Removed
from authsvc.admin.listing import SEARCH, Listing
from authsvc.admin.pat_items import PatItem, PatWithSecret
from authsvc.admin.resource import Collection
from authsvc.changes import pats
from authsvc.changes.pat_spec import PatSpec, ref_of
from authsvc.db.models import Secret, Subject
from authsvc.principal import LOCAL, Principal
from authsvc.protocol.names import SubjectRef

ADVICE = "this request came before and its secret is shown once: remove the token, make another"


async def create(call: Call) -> Reply:
    """A new token and its secret; a repeat of the same request gets no secret."""
    call.no_query()
    await call.may(lambda *_: pats.check_maker(call.actor))
    spec = await call.spec(PatSpec)
    owner = await _owner(call, spec.user)
    item, secret = await shown_once.minted(
        call, "pat", lambda tx, digest: pats.add(tx, spec, owner, digest)
    )
    path = f"{call.path.rstrip('/')}/{item['id']}"
    return shown_once.reply(item, secret, ADVICE, path=path)


async def list_(call: Call) -> Reply:
    """A page of the tokens that the caller may see."""
    return await _seen_by(call.principal).list_(call)


async def show(call: Call) -> Reply:
    """One token."""
    return await _seen_by(call.principal).show(call)


async def delete(call: Call) -> Reply:
    """End a token for good."""
    return await _seen_by(call.principal).delete(call)


async def _owner(call: Call, user: str | None) -> SubjectRef | Principal:
    """Whose token it is to be, as their source says; that is asked for nobody without rights."""
    who = call.principal
    ref = SubjectRef("user", who.source, who.name) if user is None else ref_of(user)
    if ref.source == LOCAL:
        return ref
    if (ref.source, ref.name) == (who.source, who.name):
        return who
    await call.may(lambda _, rights: pats.check_owner(rights, call.actor, ref))
    known = People(call.api.sources, call.api.owner)
    found = await call.api.readers.run(pats.asked_owner, ref, known)
    return found or ref


def _seen_by(who: Principal) -> Collection:
    return Collection(
        noun="pats",
        one="personal access token",
        listing=Listing(
            query=lambda rights: pats.PATS.where(pats.seen(rights, who)),
            items=lambda _, rows: [pats.item(*row) for row in rows],
            key=Secret.id,
            names=(Secret.name, Subject.name),
        ),
        model=PatItem,
        spec=PatSpec,
        example=EXAMPLE,
        remove=lambda tx, item: pats.remove(tx, item["id"]),
    )


EXAMPLE = {"name": "laptop", "scopes": ["repository:team/app:pull,push"]}
OPERATIONS: Operations = {
    ("GET", "/pats"): Described(
        list_,
        "List personal access tokens",
        PatItem,
        listed=True,
        filters={SEARCH: "Only those whose label or owner holds this text, letter by letter."},
        paged=True,
        counted=True,
    ),
    ("POST", "/pats"): Described(
        create,
        "Make a personal access token",
        PatWithSecret,
        status="201",
        body=PatSpec,
        example=EXAMPLE,
        tagged=True,
        once=True,
    ),
    ("GET", "/pats/{id}"): Described(show, "Show a personal access token", PatItem, tagged=True),
    ("DELETE", "/pats/{id}"): Described(delete, "Remove a personal access token", Removed),
}
