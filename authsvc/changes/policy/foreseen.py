"""What a plan comes to for people: who gains and who loses, before anything is written."""

from typing import Any

from authsvc.access.effects import effects, shape
from authsvc.access.store import Stored
from authsvc.changes.unit_of_work import Transaction

from .apply import Wish, planned
from .overlay import over
from .plan import Plan
from .touched import touched

BY_NAME = 1_000  # changed grants and namespaces; beyond it, or as many subjects, there are counts


def foreseen(tx: Transaction, wish: Wish) -> dict[str, Any]:
    """The plan as JSON, and its `effects`; raises what `planned` does.

    `effects` are {people, groups, others: how many are touched, by_name: what each of them gains
    and loses, null where that is too much to tell, partial: of whom not all could be looked at}.
    An owner is told of those that are named, at their own places: who is in a group is not theirs.
    """
    made, shown = planned(tx, wish)
    return {**shown, "effects": _effects(tx, made)}


def _effects(tx: Transaction, made: Plan) -> dict[str, Any]:
    subjects = touched(tx.session, made, members=tx.rights.reads_all)
    people = sum(text.startswith("user:") for text in subjects)
    groups = sum(text.startswith("group:") for text in subjects)
    counts = {"people": people, "groups": groups, "others": len(subjects) - people - groups}
    changed = sum(1 for kind in ("namespaces", "grants") for _ in made.of(kind))
    if changed > BY_NAME or len(subjects) > BY_NAME:
        return {**counts, "by_name": None, "partial": []}
    stored = Stored(tx.session)
    sees = tx.rights.sees
    found = effects(stored, over(stored, made), subjects, now=tx.now.timestamp(), shows=sees)
    seen = [each for each in found.found if sees(each.on, each.registry)]
    return {**counts, "by_name": list(map(shape, seen)), "partial": list(found.partial)}
