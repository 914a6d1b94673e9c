"""What a principal gets of what it asks: one fold over the rules that cover a name.

Pure, and the whole of contract section 5 as far as it is about registries; who may manage what is
decided in changes/guard.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from authsvc.principal import Kind
from authsvc.protocol.access import Access, Asked
from authsvc.protocol.names import is_repository_name

from .conditions import Moment
from .covering import matching, nearest
from .model import Decision, Reason, Refusal, Registry, Rule, Verdict, View, Visibility
from .roles import PULL, REPOSITORY_ACTIONS, role_of

__all__ = ["decide", "matching"]

ANY = "*"


def decide(
    view: View,
    registry: Registry,
    asked: Asked,
    *,
    address: str,
    address_known: bool,
    now: float,
) -> Decision:
    """What a principal gets of what it asked, never more, and why it does not get the rest.

    `now` is wall clock seconds, `address` the caller's or ''. A disabled registry is no question
    for here: its tokens are refused before.
    """
    question = _Question(view, registry, Moment(now, address, known=address_known))
    verdicts = tuple([question.verdict(entry) for entry in asked.entries])
    access = tuple(
        [
            Access(verdict.asked.type, verdict.asked.name, verdict.granted, verdict.asked.class_)
            for verdict in verdicts
            if verdict.granted
        ]
    )
    return Decision(view.version, verdicts, access, question.timeless)


@dataclass(slots=True)
class _Tally:
    """What counts for one name: actions allowed, and for others the rule that says no."""

    allowed: set[str] = field(default_factory=set)
    denied: dict[str, int] = field(default_factory=dict)
    missed: dict[str, tuple[Reason, int]] = field(default_factory=dict)

    def add(self, rule: Rule, actions: frozenset[str], unmet: Reason | None) -> None:
        if not rule.allow:
            if unmet is None:
                for action in actions:
                    self.denied.setdefault(action, rule.grant)
        elif unmet is None:
            self.allowed |= actions
        else:
            for action in actions:
                self.missed.setdefault(action, (unmet, rule.grant))

    def refusal(self, action: str) -> Refusal | None:
        """Why an action is not granted; deny beats allow (rule 5)."""
        if action in self.denied:
            return Refusal(action, Reason.DENIED, self.denied[action])
        if action in self.allowed:
            return None
        return Refusal(action, *self.missed.get(action, (Reason.NO_GRANT, None)))


class _Question:
    """One request while it is decided: who asks, where, when."""

    __slots__ = ("_moment", "_registry", "_view", "timeless")

    def __init__(self, view: View, registry: Registry, moment: Moment) -> None:
        self._view = view
        self._registry = registry
        self._moment = moment
        self.timeless = True

    def verdict(self, entry: Access) -> Verdict:
        if entry.type == "repository":
            return self._repository(entry) if entry.name else self._every_repository(entry)
        if entry.type != "registry":
            return _refused(entry, Reason.UNKNOWN_TYPE)
        if entry.name != "catalog":
            return _refused(entry, Reason.UNKNOWN_NAME)
        return _verdict(entry, entry.actions, lambda action: self._catalog(action, right=ANY))

    def _repository(self, entry: Access) -> Verdict:
        """`*` is all that is allowed, spelled out: no registry may read it as more."""
        if not is_repository_name(entry.name):
            return _refused(entry, Reason.UNKNOWN_NAME)
        tally = self._tally(entry.name)
        return _verdict(entry, wanted(entry), lambda action: self._refusal(tally, action))

    def _every_repository(self, entry: Access) -> Verdict:
        """`repository::pull` lists every repository at zot, so the catalog right gives it."""
        return _verdict(entry, wanted(entry), lambda action: self._catalog(action, right=PULL))

    def _refusal(self, tally: _Tally, action: str) -> Refusal | None:
        if action not in REPOSITORY_ACTIONS:
            return Refusal(action, Reason.UNKNOWN_ACTION)
        no = tally.refusal(action)
        if no is None and self._registry.read_only and action != PULL:
            return Refusal(action, Reason.READ_ONLY)
        return no

    def _tally(self, name: str) -> _Tally:
        tally = _Tally()
        namespace, visibility = nearest(self._view, self._registry, name)
        for rule in matching(self._view, self._registry, name):
            unmet = self._unmet(rule, namespace) if rule.when or rule.homes else None
            tally.add(rule, role_of(rule, self._view.base).repository, unmet)
        if visibility is Visibility.PUBLIC or (
            visibility is Visibility.INTERNAL and self._view.person
        ):
            tally.allowed.add(PULL)
        return tally

    def _catalog(self, action: str, *, right: str) -> Refusal | None:
        """The catalog right comes from rules on `**` alone, and never to a robot (rules 3, 7).

        `right` is the one action that stands for it where it is asked.
        """
        if action != right:
            return Refusal(action, Reason.UNKNOWN_ACTION)
        if self._view.principal.kind is Kind.ROBOT:
            return Refusal(action, Reason.NOT_FOR_ROBOTS)
        tally = _Tally()
        for rule in everywhere(self._view, self._registry):
            if role_of(rule, self._view.base).catalog:
                tally.add(rule, frozenset({action}), self._unmet(rule, None))
        return tally.refusal(action)

    def _unmet(self, rule: Rule, namespace: str | None) -> Reason | None:
        if rule.when is not None:
            self.timeless = False
        return unmet(rule, self._moment, namespace)


def unmet(rule: Rule, moment: Moment, namespace: str | None) -> Reason | None:
    """Why a rule that covers a name does not count at a moment; None when it does.

    `namespace` is the nearest registered one of the name (rule 4), None for none.
    """
    if rule.when is not None:
        reason = moment.unmet(rule)
        if reason is not None:
            return reason
    if namespace is not None and any(home.matches(namespace) for home in rule.homes):
        # Its owner needs no exception: that grant alone gives every action there.
        return Reason.NAMESPACE_OF_OTHERS
    return None


def everywhere(view: View, registry: Registry) -> list[Rule]:
    """The rules on `**` for this registry: what the catalog right is made of (rule 3)."""
    return [
        rule
        for rules in view.rules
        for rule in rules.everywhere
        if rule.registry is None or rule.registry == registry.name
    ]


def wanted(entry: Access) -> tuple[str, ...]:
    """Every action that an entry asks for; `*` on a repository stands for all there are."""
    if entry.type != "repository" or ANY not in entry.actions:
        return entry.actions
    every = REPOSITORY_ACTIONS if entry.name else (PULL,)
    others = [action for action in entry.actions if action != ANY]
    return tuple(dict.fromkeys((*others, *every)))


def _verdict(
    entry: Access, actions: tuple[str, ...], judge: Callable[[str], Refusal | None]
) -> Verdict:
    granted, refused = [], []
    for action in actions:
        no = judge(action)
        if no is None:
            granted.append(action)
        else:
            refused.append(no)
    return Verdict(entry, tuple(sorted(granted)), tuple(refused))


def _refused(entry: Access, reason: Reason) -> Verdict:
    return _verdict(entry, entry.actions, lambda action: Refusal(action, reason))
