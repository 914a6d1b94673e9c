"""What two policies decide differently about somebody, name by name. Pure.

Names and addresses that stand for all others are decided by both, as a token is (access/policy);
rights to manage are compared as `rights` reads them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from authsvc.protocol.access import Access, Asked

from .askers import StandIn
from .compared import Compared, Said, filled_in
from .compiler import USERNAME
from .conditions import Moment
from .model import EVERYWHERE, Rule, View
from .policy import decide
from .rights import Rights, rights_of
from .roles import ADMIN, AUDITOR, OWNER, REPOSITORY_ACTIONS
from .standpoints import MOST_NETWORKS, Standpoint, standpoints
from .witnesses import Budget, Place, Witness

CATALOG = "catalog"  # the word for the catalog right
_CATALOG = Access("registry", "catalog", ("*",))


class Change(NamedTuple):
    """Words that are gained and lost; none at all for no difference."""

    gains: frozenset[str] = frozenset()
    loses: frozenset[str] = frozenset()

    @classmethod
    def between(cls, before: frozenset[str], after: frozenset[str]) -> "Change":
        return cls(after - before, before - after)


NONE = Change()


class Item(NamedTuple):
    """A change in a registry (None: in all) from a network (None: where no other one is told)."""

    registry: str | None
    network: str | None
    change: Change


_Told: TypeAlias = list[tuple[str | None, Change]]  # changes and the networks they are for


class Differences:
    """All that differs for one stand-in at one moment, in wall clock seconds.

    `places` are where it may differ. `partial` when not everything could be looked at, since the
    budget ended or there are too many networks.
    """

    def __init__(self, compared: Compared, somebody: StandIn, now: float, budget: Budget) -> None:
        self._compared = compared
        self._somebody = somebody
        self._now = now
        self._views = [side.views.of(somebody) for side in compared.sides]
        changed = compared.changed(somebody)
        self.places = compared.places(somebody, changed)
        self.partial = False
        near = list(self._near(budget))
        every = [*changed, *(said for _, some in near for said in some)]
        self._alike = list(compared.alike(said.registry for said in every))
        told = compared.told(every)
        self._standpoints = standpoints(said.networks for said in told)
        self._witnesses = self._found(near, budget)
        networks = {net for said in told for net in said.networks}
        self.partial |= len(networks) > MOST_NETWORKS

    def _near(self, budget: Budget) -> Iterator[tuple[Place, list[Said]]]:
        """What is said near each place, as far as the budget goes."""
        for place in self.places:
            if not budget.take(self._compared.cost(self._somebody, place)):
                self.partial = True
                return
            yield place, self._compared.near(self._somebody, place)

    def _found(
        self, near: Iterable[tuple[Place, list[Said]]], budget: Budget
    ) -> dict[str, Witness]:
        """Witnesses of all places by their names, as many as the budget has steps to decide."""
        found: dict[str, Witness] = {}
        each = len(self._standpoints) * len(self._alike)
        for place, said in near:
            if not budget.take(len(said)):
                self.partial = True
                break
            others = self._others(place, said)
            some, whole = self._compared.witnesses(place, others, budget)
            new = {witness.name: witness for witness in some if witness.name not in found}
            if budget.take(len(new) * each):
                found |= new
            else:
                whole = False
            self.partial |= not whole
        return found

    def _others(self, place: Place, near: Iterable[Said]) -> tuple[Place, ...]:
        """The other places that decide about names of a place."""
        patterns = {said.pattern for said in self._compared.told(near)}
        homes = any(USERNAME in pattern for pattern in patterns)
        filled = (filled_in(pattern, self._somebody) for pattern in sorted(patterns))
        others = [other for other in filled if other is not None]
        others += self._compared.spaces(place, homes=homes)
        return tuple({other.key: other for other in others if other.key != place.key}.values())

    def of_names(self) -> Iterator[tuple[Witness, list[Item]]]:
        """What differs at registries, at names that stand for all others."""
        found = list(self._witnesses.values())
        entries = [Access("repository", each.name, REPOSITORY_ACTIONS) for each in found]
        return zip(found, self._items(entries), strict=True)

    def of_catalog(self) -> list[Item]:
        """What differs in the right to list the catalog."""
        return self._items([_CATALOG])[0] if self.places else []

    def _items(self, entries: Sequence[Access]) -> list[list[Item]]:
        """For each entry what differs, in all registries or one by one."""
        told: list[dict[str, _Told]] = [{} for _ in entries]
        for registries in self._alike if entries else ():
            changes = [self._changes(registries[0], point, entries) for point in self._standpoints]
            for place, each in enumerate(zip(*changes, strict=True)):
                told[place] |= dict.fromkeys(registries, self._told(each))
        return [list(_merged(each)) for each in told]

    def _changes(
        self, registry: str, point: Standpoint, entries: Sequence[Access]
    ) -> Iterator[Change]:
        before, after = (self._given(view, registry, point, entries) for view in self._views)
        return map(Change.between, before, after)

    def _given(
        self, view: View, registry: str, point: Standpoint, entries: Sequence[Access]
    ) -> list[frozenset[str]]:
        """What tokens would hold; nothing where no tokens are made."""
        here = view.base.registries.get(registry)
        if here is None or not here.enabled:
            return [frozenset()] * len(entries)
        decision = decide(
            view,
            here,
            Asked(tuple(entries)),
            address=str(point.address or ""),
            address_known=point.address is not None,
            now=self._now,
        )
        return [
            frozenset(CATALOG if action == "*" else action for action in verdict.granted)
            for verdict in decision.verdicts
        ]

    def _told(self, changes: Sequence[Change]) -> _Told:
        """The change from outside all networks, and those from networks that differ from it."""
        first = changes[0]
        told: _Told = [] if first == NONE else [(None, first)]
        for point, change in zip(self._standpoints, changes, strict=True):
            if point.network is not None and change not in (NONE, first):
                told.append((str(point.network), change))
        return told

    def of_rights(self) -> Iterator[tuple[str, Item]]:
        """What differs in rights to manage, and the path where."""
        rules = [side.managing(self._somebody) for side in self._compared.sides]
        if not any(rules):
            return
        points = [[self._rights(*each, point) for each in zip(self._views, rules, strict=True)]
                  for point in self._standpoints]  # fmt: skip
        changes = [Change.between(_words(before), _words(after)) for before, after in points]
        yield from ((EVERYWHERE, Item(None, *each)) for each in self._told(changes))
        before, after = points[0]
        for path, registry in _owned(after, beside=before):
            yield path, Item(registry, None, Change(gains=frozenset({OWNER})))
        for path, registry in _owned(before, beside=after):
            yield path, Item(registry, None, Change(loses=frozenset({OWNER})))

    def _rights(self, view: View, rules: Iterable[Rule], point: Standpoint) -> Rights:
        known = point.address is not None
        moment = Moment(self._now, str(point.address or ""), known=known)
        return rights_of(view.principal, rules, view.base.roles, moment)


def _words(rights: Rights) -> frozenset[str]:
    return frozenset({ADMIN} if rights.admin else ()) | frozenset(
        {AUDITOR} if rights.auditor else ()
    )


def _owned(rights: Rights, *, beside: Rights) -> list[tuple[str, str | None]]:
    """What is owned and could not be managed beside; what lies in other such places is left out."""
    owned = {(own.path, own.registry): own for own in rights.owned}
    new = {key: own for key, own in owned.items() if not beside.manages(*key)}
    return [
        key
        for key in sorted(new, key=str)
        if not any(own.reaches(*key) for other, own in new.items() if other != key)
    ]


def _merged(told: Mapping[str, _Told]) -> Iterator[Item]:
    """What is told of all registries is told once."""
    first = next(iter(told.values()), [])
    common = [each for each in first if all(each in other for other in told.values())]
    yield from (Item(None, *each) for each in common)
    for registry, own in told.items():
        yield from (Item(registry, *each) for each in own if each not in common)
