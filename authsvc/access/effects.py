"""What each subject gains and loses when one policy takes the place of another. Pure.

Names and addresses that stand for all others are decided by both, as a token is (access/policy);
where the answers differ, that is an effect. Rights to manage are compared as `rights` reads them.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from .askers import SOMEBODY, stand_in
from .compared import Compared, Shows
from .differences import CATALOG, Change, Differences, Item
from .model import EVERYWHERE, PolicyBase
from .roles import ADMIN, AUDITOR, OWNER
from .rulebook import Rulebook
from .witnesses import Budget, Place, Witness

Key: TypeAlias = tuple[str, bool]  # of a place
WORDS = ("pull", "push", "delete", CATALOG, OWNER, AUDITOR, ADMIN)
"""What can be gained and lost, in the order in which it is told."""
MOST = 400_000  # steps of one comparison, some ten seconds


@dataclass(frozen=True, slots=True)
class Effect:
    """What a subject gains and loses at a place: words of WORDS.

    `registry` None: the same in all. `network` None: from wherever nothing else is said. `name`
    is a repository there of which it is true, None where repositories are not what it is about.
    """

    subject: str
    registry: str | None
    on: str
    network: str | None
    gains: tuple[str, ...]
    loses: tuple[str, ...]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Effects:
    """All effects found; `partial` are the subjects of whom not everything could be looked at."""

    found: tuple[Effect, ...]
    partial: tuple[str, ...] = ()


def effects(
    before: Rulebook,
    after: Rulebook,
    subjects: Sequence[str],
    *,
    now: float,
    shows: Shows = lambda _pattern, _registry: True,
) -> Effects:
    """What each of `subjects` gains and loses; `now` is wall clock seconds.

    Subjects are those of grants, canonical: a group stands for somebody who is in it and in
    nothing else, `everyone` for who did not sign in, `authenticated` for a person without
    anything of their own. A person has what everybody has, so an effect for all is theirs too.

    What `shows` does not let see (a pattern, and a registry or None for all) counts as all else
    does, but no name and no network comes of it: what is told is true where it is told to be.
    """
    compared = Compared(before, after, now, shows)
    name = _name_of_nobody(before.base, after.base)
    budget = Budget(MOST)
    found: list[Effect] = []
    partial = []
    for subject in subjects:
        if budget.left < 0:
            partial.append(subject)
            continue
        differences = Differences(compared, stand_in(subject, name), now, budget)
        found += _told(subject, differences)
        if differences.partial:
            partial.append(subject)
    return Effects(tuple(found), tuple(partial))


def shape(effect: Effect) -> dict[str, Any]:
    """An effect as JSON."""
    return {
        "subject": effect.subject,
        "registry": effect.registry,
        "on": effect.on,
        "network": effect.network,
        "gains": list(effect.gains),
        "loses": list(effect.loses),
        "name": effect.name,
    }


def _name_of_nobody(*bases: PolicyBase) -> str:
    """A name that stands in no registered namespace, so that nobody's place is taken for it."""
    held = {part for base in bases for path in base.visibility for part in path.split("/")}
    names = (f"{SOMEBODY}{number or ''}" for number in range(len(held) + 1))
    return next(name for name in names if name not in held)


def _told(subject: str, differences: Differences) -> Iterator[Effect]:
    """The effects of one subject, by their places."""
    told = {(item, place.on): name for item, place, name in _at_registries(differences)}
    words: dict[tuple[str, str | None, str | None], list[Change]] = {}
    for on, item in _besides(differences):
        words.setdefault((on, item.registry, item.network), []).append(item.change)
    found = []
    for (item, on), name in told.items():
        more = words.pop((on, item.registry, item.network), [])
        found.append(_effect(subject, on, item, [item.change, *more], name))
    for (on, registry, network), changes in words.items():
        found.append(_effect(subject, on, Item(registry, network, changes[0]), changes, None))
    yield from sorted(found, key=lambda each: (each.on, each.registry or "", each.network or ""))


def _besides(differences: Differences) -> Iterator[tuple[str, Item]]:
    """What differs and is not about repositories."""
    yield from ((EVERYWHERE, item) for item in differences.of_catalog())
    yield from differences.of_rights()


def _at_registries(differences: Differences) -> Iterator[tuple[Item, Place, str]]:
    """What differs at repositories, and where; what a place around it tells is not told again."""
    changed = {place.key for place in differences.places}
    told: dict[Item, dict[Key, tuple[Place, str]]] = {}
    for witness, items in differences.of_names():
        place = _place(witness, changed)
        for item in items:
            told.setdefault(item, {}).setdefault(place.key, (place, witness.name))
    for item, places in told.items():
        in_all = told.get(item._replace(registry=None), {}) if item.registry else {}
        for place, name in places.values():
            wider = place.around
            if places.keys().isdisjoint(wider) and in_all.keys().isdisjoint(wider | {place.key}):
                yield item, place, name


def _place(witness: Witness, changed: Collection[Key]) -> Place:
    """The narrowest of the places that cover a name, of those that changed or lie within one."""
    covering = {place.key for place in witness.places if place.key in changed}
    inside = [place for place in witness.places if place.key in covering or place.around & covering]
    return max(inside, key=lambda place: place.narrowness)


def _effect(
    subject: str, on: str, item: Item, changes: Iterable[Change], name: str | None
) -> Effect:
    gains, loses = (
        tuple(sorted(frozenset().union(*words), key=WORDS.index))
        for words in zip(*changes, strict=True)
    )
    return Effect(subject, item.registry, on, item.network, gains, loses, name)
