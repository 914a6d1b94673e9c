"""What somebody reaches: places and actions, without a name being asked for.

Pure. It says of every name what `decide` says: an action is granted where some place covers the
name and none of its exceptions does (contract section 5). Which repositories exist, the registry
alone knows.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from authsvc.principal import Kind

from .compiler import USERNAME, is_glob
from .globs import Glob
from .model import EVERYWHERE, Rule, View, Visibility
from .overlap import is_within, overlap
from .roles import ALL_ACTIONS, PULL, role_of

BELOW = "/"
PAST_BELOW = chr(ord(BELOW) + 1)  # sorts after all that is below a path

COMPARED = 50_000  # pairs of an allow and a deny, at about 3 µs each


@dataclass(frozen=True, slots=True)
class Area:
    """Actions at a path or a glob, in a registry or all (None), under conditions.

    `ends` is in seconds since the epoch, None for no end; `cidrs` empty means from anywhere.
    `exact`: the repository of that very name alone, as `{username}` filled in.
    """

    on: str
    registry: str | None
    actions: frozenset[str]
    ends: float | None = None
    cidrs: tuple[str, ...] = ()
    exact: bool = False

    def covers(self, name: str) -> bool:
        """Whether this is about the repository of a name."""
        if self.exact or not is_glob(self.on):
            return name == self.on or (not self.exact and is_within(name, self.on))
        return Glob(self.on).matches(name)

    def overlaps(self, other: "Area") -> bool:
        """Whether there may be a name that both are about."""
        if self.exact:
            return other.covers(self.on)
        return self.covers(other.on) if other.exact else overlap(self.on, other.on)

    def encloses(self, other: "Area") -> bool:
        """Whether this is about every name that the other is about, as far as one can easily tell.

        Where it is and one cannot tell, it says no.
        """
        if other.exact or self.exact:
            return other.exact and self.covers(other.on)
        return self.on in (EVERYWHERE, other.on) or is_within(other.on, self.on)


@dataclass(frozen=True, slots=True)
class Reach:
    """What is given by an area, and where in it which of that is not given."""

    area: Area
    exceptions: tuple[Area, ...]


@dataclass(frozen=True, slots=True)
class CatalogRight:
    """The right to list a registry's catalog, or that of all (None); as for an `Area`."""

    registry: str | None
    ends: float | None
    cidrs: tuple[str, ...]


def reach(view: View, now: float) -> list[dict[str, Any]]:
    """What `places` says, as items: `{on, registry, actions, except, expires_at, cidrs, exact}`."""
    return [
        {**_item(each.area), "except": [_item(area) for area in each.exceptions]}
        for each in places(view, now)
    ]


def _item(area: Area) -> dict[str, Any]:
    ends = None if area.ends is None else datetime.fromtimestamp(area.ends, UTC)
    return {
        "on": area.on,
        "registry": area.registry,
        "actions": sorted(area.actions),
        "expires_at": ends and ends.isoformat().replace("+00:00", "Z"),
        "cidrs": list(area.cidrs),
        "exact": area.exact,
    }


def places(view: View, now: float) -> list[Reach]:
    """All that the principal of a view may do at a moment, by place; templates filled in.

    Where comparing each allow with each deny would take more than COMPARED steps, denies are left
    out: `explain` says what holds for a name.
    """
    rules = [rule for rule in _rules(view) if not _ended(rule, now)]
    denies = [_area(view, rule) for rule in rules if not rule.allow]
    denies += _closed(view)
    given = chain(_granted(view, rules), _visible(view))
    few = denies if len(rules) * len(denies) <= COMPARED else []
    found = [left for each in given if (left := _without(each, few)) is not None]
    return sorted(found, key=lambda each: (each.area.on, each.area.registry or ""))


def catalogs(view: View, now: float) -> list[CatalogRight]:
    """Whose catalogs the principal of a view may list; a right that a deny takes is left out.

    A deny for some addresses or one registry only takes it there alone, and is not told here.
    """
    if view.principal.kind is Kind.ROBOT:
        return []
    rules = [
        rule
        for rules in view.rules
        for rule in rules.everywhere
        if role_of(rule, view.base).catalog and not _ended(rule, now)
    ]
    taken = {
        rule.registry for rule in rules if not rule.allow and not (rule.when and rule.when.networks)
    }
    return [
        CatalogRight(rule.registry, _ends(rule), _cidrs(rule))
        for rule in rules
        if rule.allow and not taken & {None, rule.registry}
    ]


def _rules(view: View) -> Iterator[Rule]:
    """Every rule of a view once."""
    for rules in view.rules:
        yield from chain(*rules.paths.values())
        yield from rules.globs or ()
        yield from rules.everywhere


def _ended(rule: Rule, now: float) -> bool:
    ends = _ends(rule)
    return ends is not None and now >= ends


def _ends(rule: Rule) -> float | None:
    return rule.when.expires if rule.when else None


def _cidrs(rule: Rule) -> tuple[str, ...]:
    return tuple(map(str, rule.when.networks)) if rule.when else ()


def _area(view: View, rule: Rule) -> Area:
    filled = rule.pattern.replace(USERNAME, view.principal.name)
    return Area(
        filled,
        rule.registry,
        role_of(rule, view.base).repository,
        _ends(rule),
        _cidrs(rule),
        exact=is_glob(rule.pattern) and not is_glob(filled),
    )


def _granted(view: View, rules: Iterable[Rule]) -> Iterator[Reach]:
    """What allows give; those that differ in nothing but their role are told together."""
    together: dict[Area, Reach] = {}
    for rule in rules:
        if rule.allow:
            area = _area(view, rule)
            place = replace(area, actions=frozenset())
            others = tuple(_of_others(view, rule, area)) if rule.homes else ()
            if others:
                yield Reach(area, others)
            elif place in together:
                actions = together[place].area.actions | area.actions
                together[place] = Reach(replace(area, actions=actions), ())
            else:
                together[place] = Reach(area, ())
    yield from together.values()


def _of_others(view: View, rule: Rule, area: Area) -> Iterator[Area]:
    """Where rule 4 stops a template: in registered namespaces that its homes match."""
    for path, registered in view.base.visibility.items():
        if any(home.matches(path) for home in rule.homes):
            for registry in registered:
                yield Area(path, registry, area.actions)


def _closed(view: View) -> Iterator[Area]:
    """What registries take from everybody: those disabled all, read-only ones changes (rule 8)."""
    for registry in view.base.registries.values():
        if not registry.enabled:
            yield Area(EVERYWHERE, registry.name, ALL_ACTIONS)
        elif registry.read_only:
            yield Area(EVERYWHERE, registry.name, ALL_ACTIONS - {PULL})


def _visible(view: View) -> Iterator[Reach]:
    """Namespaces that let pull without a grant, down to the next ones that do not (rule 6)."""
    paths = sorted(view.base.visibility)
    opens = _opens(view)
    for path in paths:
        for registry, seen in view.base.visibility[path].items():
            if opens(seen):
                area = Area(path, registry, frozenset({PULL}))
                below = paths[
                    bisect_left(paths, path + BELOW) : bisect_left(paths, path + PAST_BELOW)
                ]
                yield Reach(area, tuple(_shut(view, [path, *below], registry, opens)))


def _opens(view: View) -> Callable[[Visibility], bool]:
    open_ = {Visibility.PUBLIC, Visibility.INTERNAL} if view.person else {Visibility.PUBLIC}
    return open_.__contains__


def _shut(
    view: View, paths: Iterable[str], registry: str | None, opens: Callable[[Visibility], bool]
) -> Iterator[Area]:
    """Namespaces that do not let pull, as far as they count for a registry, or for any (None)."""
    for path in paths:
        registered = view.base.visibility[path]
        if registry is None:
            shut = [where for where, seen in registered.items() if not opens(seen)]
        else:
            counting = registry if registry in registered else None
            shut = [
                where for where in [counting] if not opens(registered.get(where, Visibility.PUBLIC))
            ]
        for where in shut:
            yield Area(path, where, frozenset({PULL}))


def _without(given: Reach, denies: Sequence[Area]) -> Reach | None:
    """What denies leave; None when they take all. Those that take a part become exceptions."""
    area = given.area
    touching = [deny for deny in (*given.exceptions, *denies) if _touches(deny, area)]
    whole = [deny for deny in touching if _takes_all(deny, area)]
    left = area.actions.difference(*(deny.actions for deny in whole))
    if not left:
        return None
    exceptions = tuple(
        replace(deny, actions=deny.actions & left) for deny in touching if deny.actions & left
    )
    return Reach(replace(area, actions=left), exceptions)


def _touches(deny: Area, area: Area) -> bool:
    """Whether it takes anything that the area gives."""
    return (
        bool(deny.actions & area.actions)
        and (None in (deny.registry, area.registry) or deny.registry == area.registry)
        and deny.overlaps(area)
    )


def _takes_all(deny: Area, area: Area) -> bool:
    """Whether it covers the whole of the area, at every time and from everywhere."""
    return (
        deny.registry in (None, area.registry)
        and deny.ends is None
        and not deny.cidrs
        and deny.encloses(area)
    )
