"""What the first match leaves of a rule: for whom it counts whole, in part, or not at all. Pure.

Two rules are compared for one account and one kind of resource, over everything else that they may
match. What is not known for sure counts as a match of the earlier rule, so that a later one is
rather said to be cut than not. Why that is enough: docs/decisions/0011-first-match-as-grants.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from authsvc.access.globs import Glob
from authsvc.access.roles import ALL_ACTIONS

from . import patterns
from .configuration import OTHER_USERS, Configuration, Rule

ANONYMOUS: Final = ""
OTHERS: Final = None
"""Accounts without an entry in `users`: people of other sources, and those to come."""

Who: TypeAlias = str | None


class Kind(StrEnum):
    """The resources that both sides know, by docker_auth's word for their type."""

    REPOSITORY = "repository"
    CATALOG = "registry"


CATALOG_NAME: Final = "catalog"
MOST_COMPARED: Final = 5_000_000
"""Accounts for which names with `${account}` are compared, pair by pair: half a minute or so."""


class TooMany(Exception):
    """More would be compared than MOST_COMPARED; it never leaves the package."""


@dataclass(frozen=True, slots=True)
class Population:
    """Who can come in. `open`: more people than `users` names; `anonymous`: who shows nothing."""

    people: frozenset[str]
    anonymous: bool
    open: bool

    @property
    def everybody(self) -> frozenset[Who]:
        """All accounts there may be."""
        return self.people | ({ANONYMOUS} if self.anonymous else set()) | {OTHERS}


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a rule, account by account; no account is in two of these.

    `free`: it gives all that it says. `cut`: an earlier rule, named, gives less where both match.
    `gone`: that one matches all that this one does, so that this one is never reached. `idle`: no
    repository has a name that it matches.
    """

    free: frozenset[Who]
    cut: Mapping[Who, Rule]
    gone: Mapping[Who, Rule]
    idle: frozenset[Who]


def population_of(configuration: Configuration) -> Population:
    """Who docker_auth lets in."""
    known = [person for person in configuration.people if person.known]
    return Population(
        people=frozenset(person.name for person in known if person.name),
        anonymous=any(person.name == ANONYMOUS and person.password is None for person in known),
        open=any(member.name in OTHER_USERS for member in configuration.members),
    )


def given(rule: Rule, kind: Kind) -> frozenset[str]:
    """The actions that a match gives; `*` is all of them where it is the only one."""
    if kind is Kind.CATALOG:
        return frozenset({"*"}) & frozenset(rule.actions)
    return ALL_ACTIONS if rule.actions == ("*",) else ALL_ACTIONS & frozenset(rule.actions)


def kinds(rule: Rule) -> tuple[Kind, ...]:
    """The kinds of resources that a rule may match."""
    types = patterns.widest(rule.type)
    lists = patterns.widest(rule.name).matches(CATALOG_NAME)
    return tuple(
        kind for kind in Kind if types.matches(kind) and (kind is Kind.REPOSITORY or lists)
    )


class Order:
    """The rules of a list, each compared with those before it."""

    def __init__(self, rules: Sequence[Rule], population: Population) -> None:
        self._rules = rules
        self._who = [_who(rule, population) for rule in rules]
        self._surely = [_surely(rule, who) for rule, who in zip(rules, self._who, strict=True)]
        self._given = [{kind: given(rule, kind) for kind in kinds(rule)} for rule in rules]
        self._left = MOST_COMPARED

    def left(self, index: int, kind: Kind, *, wider: bool) -> Left:
        """What is left of a rule; `wider`: its name is to cover what lies below it as well.

        Raises `TooMany`.
        """
        rule, idle = self._rules[index], frozenset[Who]()
        if kind is Kind.REPOSITORY:
            idle = frozenset(one for one in self._who[index] if not _is_possible(rule, one))
        who = self._who[index] - idle
        cut: dict[Who, Rule] = {}
        gone: dict[Who, Rule] = {}
        for earlier, before in enumerate(self._rules[:index]):
            if self._are_rivals(earlier, index, kind):
                met = who & self._met(earlier, index, kind, wider=wider)
                cut = dict.fromkeys(met, before) | cut
                if _covers(before, rule, kind):
                    gone = dict.fromkeys(met & self._surely[earlier], before) | gone
        return Left(
            who - cut.keys(), {one: by for one, by in cut.items() if one not in gone}, gone, idle
        )

    def cuts(self, index: int) -> bool:
        """Whether any later rule might give more where this one matches as well.

        Raises `TooMany`.
        """
        return any(
            self._are_rivals(index, later, kind) and self._met(index, later, kind, wider=False)
            for later in range(index + 1, len(self._rules))
            for kind in self._given[later]
        )

    def _are_rivals(self, earlier: int, later: int, kind: Kind) -> bool:
        """Whether both may match the same, names apart, and the earlier one gives less."""
        less, more = self._given[earlier].get(kind), self._given[later].get(kind)
        if less is None or more is None or more <= less:
            return False
        if self._who[earlier].isdisjoint(self._who[later]):
            return False
        before, rule = self._rules[earlier], self._rules[later]
        services = patterns.widest(before.service).meets(patterns.widest(rule.service))
        return services and _networks_meet(before, rule)

    def _met(self, earlier: int, later: int, kind: Kind, *, wider: bool) -> frozenset[Who]:
        """The accounts, of both rules, for which they may match one name."""
        both = self._who[earlier] & self._who[later]
        if kind is Kind.CATALOG:
            return both
        before, rule = self._rules[earlier], self._rules[later]
        if not _names_meet(before, rule, OTHERS, wider=wider):  # one step for all accounts
            return frozenset()
        if all(patterns.ACCOUNT not in (one.name or "") for one in (before, rule)):
            return both
        self._left -= len(both)
        if self._left < 0:
            raise TooMany
        return frozenset(one for one in both if _names_meet(before, rule, one, wider=wider))


def _who(rule: Rule, population: Population) -> frozenset[Who]:
    """The accounts that a rule may match."""
    account = rule.account
    if account is None or patterns.strange(account, takes="?"):
        return population.everybody
    if patterns.is_literal(account) and "?" not in account:
        known = population.people | {ANONYMOUS}
        return population.everybody & {account} if account in known else frozenset({OTHERS})
    found = {one for one in population.everybody if one and patterns.matches(account, one)}
    nobody = population.anonymous and patterns.matches(account, ANONYMOUS)
    return frozenset(found) | ({ANONYMOUS} if nobody else set()) | {OTHERS}


def _is_possible(rule: Rule, who: Who) -> bool:
    return who is None or patterns.is_possible(rule.name, who)


def _surely(rule: Rule, who: frozenset[Who]) -> frozenset[Who]:
    """The accounts of which every one is matched for sure."""
    if rule.account is None:
        return who
    return frozenset() if patterns.strange(rule.account, takes="?") else who - {OTHERS}


def _names_meet(before: Rule, rule: Rule, who: Who, *, wider: bool) -> bool:
    other = patterns.widest(before.name, who)
    own = patterns.widest(rule.name, who)
    return own.meets(other) or (wider and Glob(own.pattern + "/**").meets(other))


def _networks_meet(one: Rule, other: Rule) -> bool:
    if one.network is None or other.network is None:
        return True
    return one.network.version == other.network.version and one.network.overlaps(other.network)


def _covers(before: Rule, rule: Rule, kind: Kind) -> bool:
    """Whether `before` surely matches everything of that kind that `rule` does, accounts apart."""
    return (
        not before.labels
        and before.type in (None, "*", kind)
        and before.service in (None, rule.service)
        and _is_within(rule, before)
        and _covers_names(before.name, rule.name, kind)
    )


def _is_within(rule: Rule, before: Rule) -> bool:
    if before.network is None:
        return True
    own = rule.network
    return (
        own is not None and own.version == before.network.version and own.subnet_of(before.network)  # type: ignore[arg-type]  # of one version, as asked above
    )


def _covers_names(before: str | None, name: str | None, kind: Kind) -> bool:
    if before is None:
        return True
    plain = not patterns.strange(before) and patterns.ACCOUNT not in before
    if kind is Kind.CATALOG:
        return plain and patterns.matches(before, CATALOG_NAME)
    if before == name:
        return True
    literal = name is not None and not patterns.strange(name) and patterns.is_literal(name)
    return plain and literal and patterns.matches(before, name or "")
