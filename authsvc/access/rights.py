"""What somebody may manage and read, apart from what a registry gives them.

Contract section 5, rules 5 and 9. Pure: rules become rights, and rights answer questions.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from authsvc.principal import Kind, Principal
from authsvc.protocol.names import is_path_component

from .compiler import USERNAME, is_glob
from .conditions import Moment
from .model import EVERYWHERE, Role, Rule
from .overlap import is_within, overlap
from .roles import ADMIN, ALL_ACTIONS, AUDITOR, OWNER


@dataclass(frozen=True, slots=True)
class Owned:
    """A path that somebody manages, for one registry or all (None), until `ends` (None: no end).

    `ends` is in seconds since the epoch.
    """

    path: str
    registry: str | None
    ends: float | None

    def reaches(self, pattern: str, registry: str | None) -> bool:
        """Whether the right to manage this gives the right to manage that."""
        return self.registry in (None, registry) and is_within(pattern, self.path)

    def shows(self, pattern: str, registry: str | None) -> bool:
        """Whether it lets see that: what is for all registries counts in this one as well."""
        return (registry is None or self.registry in (None, registry)) and is_within(
            pattern, self.path
        )

    def outlasts(self, ends: float | None) -> bool:
        """Whether what ends then (None: never) ends no later than this."""
        return self.ends is None or (ends is not None and ends <= self.ends)


@dataclass(frozen=True, slots=True)
class Denied:
    """Actions that a deny takes from somebody where `pattern` covers, in a registry or all."""

    pattern: str
    registry: str | None
    actions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rights:
    """Management rights at one moment. `denied` says what the holder cannot hand on."""

    admin: bool = False
    auditor: bool = False
    owned: tuple[Owned, ...] = ()
    denied: tuple[Denied, ...] = ()

    @property
    def reads_all(self) -> bool:
        """Whether everything may be read."""
        return self.admin or self.auditor

    @property
    def none(self) -> bool:
        """Whether there is nothing that may be read or managed."""
        return not (self.reads_all or self.owned)

    def sees(self, pattern: str, registry: str | None) -> bool:
        """Whether a grant or namespace there, for that registry or all, may be read."""
        return self.reads_all or any(own.shows(pattern, registry) for own in self.owned)

    def manages(self, pattern: str, registry: str | None) -> bool:
        """Whether grants and settings there are theirs to change, as far as the place goes."""
        return self.admin or any(own.reaches(pattern, registry) for own in self.owned)

    def outlasts(self, pattern: str, registry: str | None, ends: float | None) -> bool:
        """Whether the right to manage there lasts at least until `ends` (None: for ever)."""
        return self.admin or any(
            own.reaches(pattern, registry) and own.outlasts(ends) for own in self.owned
        )

    def holds(self, actions: frozenset[str], pattern: str, registry: str | None) -> bool:
        """Whether no deny takes any of these actions anywhere there.

        For a place that they manage: an owner has every action until a deny takes it. Where a
        deny counts for some addresses only, it counts here for all.
        """
        return self.admin or not any(
            actions & deny.actions
            and (None in (deny.registry, registry) or deny.registry == registry)
            and overlap(deny.pattern, pattern)
            for deny in self.denied
        )


EVERYTHING = Rights(admin=True)
NOTHING = Rights()


def rights_of(
    principal: Principal, rules: Iterable[Rule], roles: Mapping[str, Role], moment: Moment
) -> Rights:
    """The rights that rules give; `rules` are all that are made to the principal and its groups.

    Only people manage. Rules that decide nothing here may be left out: allows of other roles
    than owner, auditor and admin.
    """
    if principal.kind is not Kind.USER:
        return NOTHING
    held = list(rules)
    named = {
        rule.role
        for rule in held
        if rule.allow
        and rule.pattern == EVERYWHERE
        and rule.registry is None
        and moment.unmet(rule) is None
    }
    return Rights(
        admin=ADMIN in named,
        auditor=AUDITOR in named,
        owned=tuple(_owned(rule) for rule in held if _owns(rule, moment)),
        denied=tuple(_denied(held, roles, principal, moment)),
    )


def _owns(rule: Rule, moment: Moment) -> bool:
    """Whether this is an allow of `owner` on a plain path without CIDRs that has not ended."""
    return (
        rule.allow
        and rule.role == OWNER
        and not is_glob(rule.pattern)
        and not (rule.when and rule.when.networks)
        and moment.unmet(rule) is None
    )


def _owned(rule: Rule) -> Owned:
    return Owned(rule.pattern, rule.registry, rule.when.expires if rule.when else None)


def _denied(
    rules: Iterable[Rule], roles: Mapping[str, Role], principal: Principal, moment: Moment
) -> Iterable[Denied]:
    for rule in rules:
        if rule.allow or _ended(rule, moment):
            continue
        if USERNAME in rule.pattern and not is_path_component(principal.name):
            continue  # it covers nothing for such a name (rule 4)
        pattern = rule.pattern.replace(USERNAME, principal.name)
        actions = roles[rule.role].repository if rule.role in roles else ALL_ACTIONS
        yield Denied(pattern, rule.registry, actions)


def _ended(rule: Rule, moment: Moment) -> bool:
    return bool(rule.when and rule.when.expires is not None and moment.now >= rule.when.expires)
