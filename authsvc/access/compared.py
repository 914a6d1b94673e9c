"""Two policies side by side: where somebody's rules differ, and what else counts there. Pure."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple, TypeAlias

from authsvc.principal import Kind
from authsvc.protocol.names import is_path_component

from .askers import StandIn, Views
from .compiler import USERNAME, is_glob
from .covering import ancestors
from .model import Network, PolicyBase, Registry, Role, Rule, Visibility
from .overlap import anchor, overlap
from .roles import MANAGING, role_of
from .rulebook import Rulebook
from .witnesses import Budget, Place, Witness, witnesses

PATHS_A_STEP = 32  # that are compared in the time of two globs
BELOW, PAST_BELOW = "/", "0"  # all that is below a path sorts from the one to the other

Seen: TypeAlias = Mapping[str | None, Visibility]
State: TypeAlias = tuple[bool, bool] | None  # of a registry: enabled, read-only
Shows: TypeAlias = Callable[[str, str | None], bool]


class Said(NamedTuple):
    """What a rule says that has not ended; two that say the same decide the same."""

    allow: bool
    registry: str | None
    pattern: str
    networks: tuple[Network, ...]
    role: Role


class Side:
    """One of two policies at one moment (wall clock seconds); what is read of it is kept."""

    def __init__(self, book: Rulebook, now: float) -> None:
        self.book = book
        self.base: PolicyBase = book.base
        self.views = Views(book)
        self._now = now
        self._said: dict[str, frozenset[Said]] = {}

    def said(self, subject: str) -> frozenset[Said]:
        """What is granted to a subject and has not ended."""
        if subject not in self._said:
            rules = self.book.rules(subject)
            self._said[subject] = frozenset(self._says(rule) for rule in rules if self._lasts(rule))
        return self._said[subject]

    def managing(self, somebody: StandIn) -> list[Rule]:
        """The rules that may give rights to manage."""
        return [
            rule
            for subject in self.views.subjects(somebody)
            if any(said.role.name in MANAGING for said in self.said(subject))
            for rule in self.book.rules(subject)
            if rule.allow and rule.role in MANAGING
        ]

    def _lasts(self, rule: Rule) -> bool:
        return not (rule.when and rule.when.expires is not None and self._now >= rule.when.expires)

    def _says(self, rule: Rule) -> Said:
        networks = rule.when.networks if rule.when else ()
        return Said(rule.allow, rule.registry, rule.pattern, networks, role_of(rule, self.base))


class Compared:
    """What differs between two policies, subject by subject.

    `shows` says of what stands at a pattern for a registry (None: all) whether it may be told.
    """

    def __init__(self, before: Rulebook, after: Rulebook, now: float, shows: Shows) -> None:
        self._shows = shows
        self.sides = Side(before, now), Side(after, now)
        self._changed: dict[str, frozenset[Said]] = {}
        self._counted: dict[str, tuple[int, int]] = {}
        self._near: dict[tuple[str, str], tuple[Said, ...]] = {}
        self._witnesses: dict[tuple[Place, tuple[Place, ...]], tuple[list[Witness], bool]] = {}

    def subjects(self, somebody: StandIn) -> tuple[str, ...]:
        """All subjects that somebody is before or after."""
        both = (subject for side in self.sides for subject in side.views.subjects(somebody))
        return tuple(dict.fromkeys(both))

    def changed(self, somebody: StandIn) -> frozenset[Said]:
        """What is said to somebody on one side, and not by the same subject on the other."""
        before, after = (set(side.views.subjects(somebody)) for side in self.sides)
        parts = [self._differing(subject) for subject in before & after]
        parts += [self.sides[0].said(subject) for subject in before - after]
        parts += [self.sides[1].said(subject) for subject in after - before]
        return frozenset().union(*parts)

    def _differing(self, subject: str) -> frozenset[Said]:
        if subject not in self._changed:
            before, after = self.sides
            self._changed[subject] = before.said(subject) ^ after.said(subject)
        return self._changed[subject]

    def places(self, somebody: StandIn, changed: Iterable[Said]) -> list[Place]:
        """Where decisions about somebody may differ."""
        patterns = {said.pattern for said in changed}
        spaces: Iterable[str] = self._changed_spaces
        if self._registries_differ:
            patterns |= {
                said.pattern for subject in self.subjects(somebody) for said in self._all(subject)
            }
            spaces = self._telling
        filled = (filled_in(pattern, somebody) for pattern in sorted(patterns))
        places = [place for place in filled if place is not None]
        return [*places, *(Place(path, path=True, on=path) for path in spaces)]

    def near(self, somebody: StandIn, place: Place) -> list[Said]:
        """All that is said to somebody on either side about names of a place, or may be."""
        return [
            said for subject in self.subjects(somebody) for said in self._near_of(subject, place)
        ]

    def cost(self, somebody: StandIn, place: Place) -> int:
        """Steps that `near` takes: to compare two paths is next to nothing beside two globs."""
        sizes = [self._sizes(subject) for subject in self.subjects(somebody)]
        paths, globs = sum(size[0] for size in sizes), sum(size[1] for size in sizes)
        return globs + (paths if is_glob(place.text) else paths // PATHS_A_STEP)

    def _sizes(self, subject: str) -> tuple[int, int]:
        """How many paths and how many globs are granted to a subject, before and after."""
        if subject not in self._counted:
            said = self._all(subject)
            globs = sum(is_glob(each.pattern) for each in said)
            self._counted[subject] = len(said) - globs, globs
        return self._counted[subject]

    def _near_of(self, subject: str, place: Place) -> tuple[Said, ...]:
        key = subject, place.text
        if key not in self._near:
            said = self._all(subject)
            self._near[key] = tuple(each for each in said if overlap(each.pattern, place.text))
        return self._near[key]

    def _all(self, subject: str) -> frozenset[Said]:
        before, after = self.sides
        return before.said(subject) | after.said(subject)

    def told(self, near: Iterable[Said]) -> list[Said]:
        """What of it may be told: by names and networks of the rest nobody is to learn of it."""
        return [said for said in near if self._shows(said.pattern, said.registry)]

    def witnesses(
        self, place: Place, others: tuple[Place, ...], budget: Budget
    ) -> tuple[list[Witness], bool]:
        """As `witnesses.witnesses`; those of one group's places are the same for all its people."""
        key = place, others
        if key not in self._witnesses:
            found = witnesses(place, others, budget)
            if not found[1]:
                return found
            self._witnesses[key] = found
        return self._witnesses[key]

    def spaces(self, place: Place, *, homes: bool) -> list[Place]:
        """Registered namespaces that have names in common with a place and may decide there.

        One that lets nobody pull counts only below one that does, or (`homes`) where a template
        may end at it (contract section 5, rules 4 and 6).
        """
        top, paths = anchor(place.text), self._spaces if homes else self._telling
        if top:
            low, high = bisect_left(paths, top + BELOW), bisect_left(paths, top + PAST_BELOW)
            paths = [*filter(self._seen_at, ancestors(top)), *paths[low:high]]
        return [
            Place(path, path=True, on=path)
            for path in paths
            if overlap(path, place.text) and self._shown(path)
        ]

    def _shown(self, path: str) -> bool:
        return any(self._shows(path, name) for side in self._seen(path) for name in side)

    @cached_property
    def _spaces(self) -> list[str]:
        return sorted({path for side in self.sides for path in side.base.visibility})

    @cached_property
    def _changed_spaces(self) -> list[str]:
        return [path for path in self._spaces if self._seen(path)[0] != self._seen(path)[1]]

    @cached_property
    def _telling(self) -> list[str]:
        return [path for path in self._spaces if any(map(self._opens, ancestors(path)))]

    def _opens(self, path: str) -> bool:
        return any(
            seen is not Visibility.PRIVATE for side in self._seen(path) for seen in side.values()
        )

    def _seen_at(self, path: str) -> bool:
        return any(self._seen(path))

    def _seen(self, path: str) -> tuple[Seen, Seen]:
        before, after = self.sides
        return before.base.visibility.get(path, {}), after.base.visibility.get(path, {})

    @cached_property
    def _registries_differ(self) -> bool:
        return any(self._state(name)[0] != self._state(name)[1] for name in self.registries)

    @cached_property
    def registries(self) -> list[str]:
        """The names of all registries on either side."""
        return sorted({name for side in self.sides for name in side.base.registries})

    def alike(self, mentioned: Iterable[str | None]) -> Iterator[list[str]]:
        """Registries in groups that are decided alike, where rules are for `mentioned` alone."""
        own = {*mentioned, *self._spoken_of}
        groups: dict[object, list[str]] = {}
        for name in self.registries:
            key = name if name in own else self._state(name)
            groups.setdefault(key, []).append(name)
        yield from groups.values()

    @cached_property
    def _spoken_of(self) -> frozenset[str | None]:
        return frozenset(
            name for path in self._spaces for seen in self._seen(path) for name in seen
        )

    def _state(self, name: str) -> tuple[State, State]:
        before, after = (side.base.registries.get(name) for side in self.sides)
        return _state_of(before), _state_of(after)


def _state_of(registry: Registry | None) -> State:
    return None if registry is None else (registry.enabled, registry.read_only)


def filled_in(pattern: str, somebody: StandIn) -> Place | None:
    """What a pattern covers for somebody; None for nothing (contract section 5, rule 4).

    Of a person without a name of their own it is shown as it is written.
    """
    if USERNAME not in pattern:
        return Place(pattern, path=not is_glob(pattern), on=pattern)
    principal = somebody.principal
    if principal.kind is not Kind.USER or not is_path_component(principal.name):
        return None
    text = pattern.replace(USERNAME, principal.name)
    return Place(text, path=False, on=text if principal.source else pattern)
