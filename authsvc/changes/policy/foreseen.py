"""What a plan comes to for people: who gains and who loses, before anything is written."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.access.effects import effects, shape
from authsvc.access.model import PolicyBase, Rule
from authsvc.access.rulebook import Rulebook
from authsvc.access.store import Stored
from authsvc.changes.grants import GrantSpec
from authsvc.changes.invariants import NO_ADMIN, admin_grants
from authsvc.changes.unit_of_work import Transaction
from authsvc.db.models import Subject
from authsvc.principal import LOCAL
from authsvc.protocol.names import parse_subject

from .apply import Wish, planned
from .overlay import over
from .steps import Plan
from .stored import Item
from .touched import touched

BY_NAME = 1_000  # changed grants and namespaces; beyond it, or as many subjects, there are counts


def foreseen(tx: Transaction, wish: Wish) -> dict[str, Any]:
    """The plan as JSON, its `effects` and `warnings`; raises what `planned` does.

    `effects` are {people, groups, others: how many are touched, by_name: what each of them gains
    and loses, null where that is too much to tell, partial: of whom not all could be looked at}.
    An owner is told of those that are named, at their own places: who is in a group is not theirs.
    `warnings` are sentences that say why it cannot be applied as it is.
    """
    made, shown = planned(tx, wish)
    warnings = [f"{NO_ADMIN}, so it is not applied"] if _ends_admin(tx.session, made) else []
    return {**shown, "effects": _effects(tx, made), "warnings": warnings}


def _ends_admin(session: Session, made: Plan) -> bool:
    """Whether the last administrator would go (changes/invariants)."""
    held = admin_grants(session)
    gone = {step.before.id for step in made.of("grants") if step.before and step.after is None}
    if not held or held - gone:
        return False
    new = (step.spec for step in made.of("grants") if step.before is None)
    return not any(_is_admin(session, spec) for spec in new if isinstance(spec, GrantSpec))


def _is_admin(session: Session, spec: GrantSpec) -> bool:
    """Whether this grant, once it is written, makes an administrator who counts as one."""
    ref = parse_subject(spec.subject)
    if (ref.kind, ref.source, spec.role, spec.effect) != ("user", LOCAL, "admin", "allow"):
        return False
    if spec.expires_at is not None or spec.cidrs:
        return False
    named = (Subject.kind == "user", Subject.source == LOCAL, Subject.name == ref.name)
    enabled = select(Subject.id).where(*named, Subject.enabled, Subject.retired.is_(False))
    return session.scalar(enabled) is not None


def _effects(tx: Transaction, made: Plan) -> dict[str, Any]:
    subjects = touched(tx.session, made, members=tx.rights.reads_all)
    people = sum(text.startswith("user:") for text in subjects)
    groups = sum(text.startswith("group:") for text in subjects)
    counts = {"people": people, "groups": groups, "others": len(subjects) - people - groups}
    changed = sum(1 for kind in ("namespaces", "grants", "robots") for _ in made.of(kind))
    if changed > BY_NAME or len(subjects) > BY_NAME:
        return {**counts, "by_name": None, "partial": []}
    stored = Stored(tx.session)
    sees = tx.rights.sees
    robots = list(made.of("robots"))
    before = _Awake(stored, _asleep(step.before.item for step in robots if step.before))
    after = _Awake(over(stored, made), _asleep(step.after for step in robots))
    found = effects(before, after, subjects, now=tx.now.timestamp(), shows=sees)
    seen = [each for each in found.found if sees(each.on, each.registry)]
    return {**counts, "by_name": list(map(shape, seen)), "partial": list(found.partial)}


@dataclass(frozen=True, slots=True)
class _Awake:
    """A policy in which robots that are not let in have nothing of their own."""

    book: Rulebook
    asleep: frozenset[str]

    @property
    def base(self) -> PolicyBase:
        return self.book.base

    def rules(self, subject: str) -> tuple[Rule, ...]:
        return () if subject in self.asleep else self.book.rules(subject)

    def groups(self, subject: str) -> tuple[str, ...]:
        return self.book.groups(subject)


def _asleep(robots: Iterable[Item | None]) -> frozenset[str]:
    return frozenset(f"robot:{item['name']}" for item in robots if item and not item["enabled"])
