"""/robots: accounts of machines."""

from dataclasses import replace
from typing import Any

from authsvc.admin import preconditions, shown_once
from authsvc.admin.call import Call, Reply
from authsvc.admin.described import Described, Operations
from authsvc.admin.items import RobotItem, RobotWithSecret
from authsvc.admin.listing import Listing
from authsvc.admin.resource import Collection
from authsvc.changes import reads, robots
from authsvc.changes.robot_secrets import KEPT, KeptFor, kept_for
from authsvc.changes.spec import Spec
from authsvc.changes.unit_of_work import Outcome, Transaction
from authsvc.db.models import Subject

ADVICE = "this request came before and its secret is shown once: rotate the robot for another"


class RobotRotation(Spec):
    """What becomes of the secret so far."""

    keep_old: KeptFor = kept_for(KEPT)


async def create(call: Call) -> Reply:
    """A new robot and its secret; a repeat of the same request gets no secret."""
    call.no_query()
    spec = await call.spec(robots.RobotSpec)
    item, secret = await shown_once.minted(
        call, "rob", lambda tx, digest: robots.add(tx, spec, digest)
    )
    path = f"{call.path.rstrip('/')}/{item['id']}"
    return shown_once.reply(item, secret, ADVICE, path=path)


async def patch(call: Call) -> Reply:
    """The robot with the members of the body in the place of its own."""
    preconditions.require(call.if_match)
    members = await call.members()
    return await ROBOTS.changed(call, lambda tx, item: robots.change(tx, item["name"], members))


async def rotate(call: Call) -> Reply:
    """A new secret; of those before, one lives on for `keep_old`."""
    call.no_query()
    key, asked = call.id, await call.spec(RobotRotation)

    def edit(tx: Transaction, digest: bytes) -> Outcome[dict[str, Any]]:
        item = ROBOTS.found(tx.session, tx.rights, key)
        return robots.rotate(tx, item["name"], digest, asked.keep_old)

    return shown_once.reply(*await shown_once.minted(call, "rob", edit), ADVICE)


ROBOTS = Collection(
    noun="robots",
    one="robot",
    listing=Listing(
        query=lambda rights: reads.ROBOTS.where(reads.grants_seen(rights)),
        items=lambda session, rows: reads.robots(session, [reads.RobotRow(*row) for row in rows]),
        key=Subject.id,
        names=(Subject.name,),
    ),
    model=RobotItem,
    spec=robots.RobotSpec,
    example={"name": "ci", "namespace": "team", "role": "writer", "cidrs": ["10.0.0.0/8"]},
    remove=lambda tx, item: robots.remove(tx, item["name"]),
)
_FIVE = ROBOTS.described(create, patch)
OPERATIONS: Operations = {
    **_FIVE,
    ("POST", "/robots"): replace(_FIVE["POST", "/robots"], answer=RobotWithSecret),
    ("POST", "/robots/{id}/rotate"): Described(
        rotate,
        "Give a robot a new secret",
        RobotWithSecret,
        body=RobotRotation,
        example={"keep_old": KEPT},
        tagged=True,
        once=True,
    ),
}
