"""Policy documents as tests write them, planned and applied by the real road."""

from authsvc.changes.policy.apply import NOBODY, Wish, submit
from authsvc.changes.policy.document import KINDS, parse
from authsvc.changes.policy.export import exported, printed
from authsvc.changes.policy.foreseen import foreseen
from authsvc.changes.policy.stored import holdings


def document(text):
    return parse([("p.yaml", text.encode())])


def planned(road, text, *, prune=False):
    """The plan as `policy plan --json` prints it."""
    wish = Wish(document(text), prune)
    return road.unit_of_work.look(road.actor, lambda tx: foreseen(tx, wish))


def applied(road, text, *, prune=False, lockout=False, plan=None, people=NOBODY):
    """The plan that was carried out."""
    wish = Wish(document(text), prune, lockout, plan)
    return submit(road.unit_of_work, road.actor, wish, people)


def stored(road):
    """All that is stored, as items without their ids, by kind."""
    with road.database.read() as session:
        held = holdings(session, None)
        return {kind: [each.item for each in held.of(kind).values()] for kind in KINDS}


def export(road):
    """What `policy export` prints."""
    return "\n".join(printed(road.unit_of_work.look(road.actor, exported))) + "\n"


def differing(plan):
    """What differs, without the kinds of which nothing does."""
    return {
        word: {kind: items for kind, items in plan[word].items() if items}
        for word in ("added", "changed", "removed")
        if any(plan[word].values())
    }


def named(items):
    """Entries by what people know them by."""
    return [each["name"] if "name" in each else (each["subject"], each["on"]) for each in items]


def something_of_each(road):
    """Something of each kind, stored by single edits."""
    road.registry("a", ttl=600)
    road.role("puller", "repository:pull")
    road.user("alice")
    road.user("bob")
    road.group("devs", "alice")
    road.namespace("team", registry="a", visibility="internal")
    road.grant("group:devs", "writer", "team", registry="a", reason="they build it")
    return road


def administered(road):
    """An admin, an owner and somebody else; groups in one another."""
    road.registry("a")
    for name in ("root", "alice", "bob"):
        road.user(name)
    road.grant("user:root", "admin")
    road.grant("user:alice", "owner", "team")
    road.group("devs", "alice")
    road.group("all", "group:devs")
    road.namespace("team")
    return road


def outcomes(road, since):
    """The events and outcomes of all records after the first so many."""
    return [(each["event"], each["outcome"]) for each in road.records()[since:]]
