"""What becomes of a rule: grants that say what the first match leaves of it, or a proposal. Pure.

A rule is taken whole or not at all. Two things are both said and listed: what becomes of a rule for
the account of those who show no credentials (contract section 8), and whom a grant does not reach.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from authsvc.access.compiler import USERNAME
from authsvc.changes.grants import GrantSpec
from authsvc.changes.places import EVERYWHERE
from authsvc.changes.spec import checked
from authsvc.errors import Conflict
from authsvc.protocol import names

from . import patterns, proposals
from .configuration import Configuration, Rule
from .order import (
    ANONYMOUS,
    MOST_COMPARED,
    OTHERS,
    Kind,
    Left,
    Order,
    TooMany,
    Who,
    given,
    kinds,
    population_of,
)

_ACTIONS: Final = frozenset({"pull", "push", "delete"})
_TYPES: Final = (None, "*", *Kind)
_LONGEST_REASON: Final = 1000  # characters of a grant's reason
MOST_GRANTS: Final = 100_000
"""Grants of one import. A rule makes one for each user that its glob matches: a short file many."""

_TOO_MANY: Final = (
    f"names with {patterns.ACCOUNT} are compared for {MOST_COMPARED:,} users in all and no more"
)
_FEW: Final = 5  # names that a reason repeats


@dataclass(frozen=True, slots=True)
class Becomes:
    """What a line becomes: a user, grants, or nothing. With a `proposal` it is listed.

    `reason` says why it is listed, or why it becomes nothing.
    """

    grants: tuple[GrantSpec, ...] = ()
    user: str = ""
    reason: str = ""
    proposal: str = ""


class Rules:
    """Translates the rules of one configuration, of which `imported` are the people to be made."""

    def __init__(
        self, configuration: Configuration, imported: frozenset[str], *, accept_wider: bool
    ) -> None:
        self._rules = configuration.rules
        self._population = population_of(configuration)
        self._imported = imported
        self._accept_wider = accept_wider
        self._order = Order(configuration.rules, self._population)
        self._made = 0

    def becomes(self, index: int) -> Becomes:
        """What the rule at `index` becomes; raises `Conflict` beyond MOST_GRANTS.

        The rules are asked for one after the other, each once.
        """
        before = self._made
        found = self._becomes(index)
        self._made = before + len(found.grants)  # without those of parts that were let go
        return found

    def _becomes(self, index: int) -> Becomes:
        rule = self._rules[index]
        giving = [kind for kind in kinds(rule) if given(rule, kind) and not _is_own(rule, kind)]
        if not giving:
            return self._of_none(index)
        if rule.account == ANONYMOUS and not self._population.anonymous:
            # A grant to everyone would open what docker_auth keeps shut: so none is even proposed.
            return Becomes(reason="nothing to do: users has no '', so all must sign in")
        reason = _unsayable(rule)
        if reason:
            return self._listed(rule, giving[0], reason)
        return _together([self._part(index, kind) for kind in giving])

    def _of_none(self, index: int) -> Becomes:
        """What a rule becomes that gives nothing: it only keeps others from giving."""
        rule = self._rules[index]
        if not kinds(rule):
            return Becomes(reason="no registry asks for anything that it matches")
        reason = "it keeps rules below it from giving, and grants have no order"
        try:
            if not self._order.cuts(index):
                return Becomes(reason="nothing is given without a grant anyway")
        except TooMany:
            reason = f"it may keep rules below it from giving, but {_TOO_MANY}"
        proposal = proposals.denial(rule, kinds(rule)[0], self._population)
        return Becomes(reason=reason, proposal=proposal)

    def _part(self, index: int, kind: Kind) -> Becomes:
        """What a rule becomes for one kind of resource."""
        rule = self._rules[index]
        wider = self._accept_wider and _is_exact(rule)
        try:
            left = self._order.left(index, kind, wider=wider)
        except TooMany:
            return self._listed(rule, kind, f"rules above it may come first, but {_TOO_MANY}")
        nothing = self._no_one(left)
        if nothing:
            return Becomes(reason=nothing)
        reason = "" if kind is Kind.CATALOG or wider else _narrower(rule)
        if reason:
            return self._listed(rule, kind, reason)
        if given(rule, kind) not in proposals.ROLES:
            proposal = proposals.role(rule, kind, self._population)
            return Becomes(reason="no role built in is just these actions", proposal=proposal)
        return self._for_whom(rule, kind, left)

    def _no_one(self, left: Left) -> str:
        """Why a rule gives nobody anything; '' when it does."""
        if left.free or left.cut:
            known = self._population.open or (left.free | left.cut.keys()) - {OTHERS}
            return "" if known else "no user of this file is called so"
        if left.gone:
            line = next(iter(left.gone.values())).line
            return f"it is never reached: line {line} matches all of it first"
        return "no repository can be called so"

    def _for_whom(self, rule: Rule, kind: Kind, left: Left) -> Becomes:
        """The grants to whom a rule is for."""
        people, open_ = self._population.people, self._population.open
        cuts = [by for who, by in left.cut.items() if open_ or who is not OTHERS]
        if cuts:
            return self._out_of_order(rule, kind, cuts[0])
        reached = left.free | left.idle
        if ANONYMOUS in left.free:
            return self._for_anonymous(rule, kind, left)
        if rule.account is None and reached >= people | {OTHERS}:
            return self._said(rule, kind, ["authenticated"], left.free)
        if open_ and OTHERS in left.free:
            return self._listed(rule, kind, "it is also for people who are not in this file")
        here = sorted(who for who in left.free if who is not None and who in self._imported)
        return self._said(rule, kind, [f"user:{name}" for name in here], left.free)

    def _for_anonymous(self, rule: Rule, kind: Kind, left: Left) -> Becomes:
        """What a rule becomes that is also, or only, for those who show no credentials."""
        if patterns.ACCOUNT in (rule.name or ""):
            return self._listed(rule, kind, "without a name there is nothing to fill in")
        if rule.account == ANONYMOUS:
            return self._wider(rule, kind, "people who sign in get it as well")
        if left.free | left.idle >= self._population.everybody:
            if rule.account is None:
                return self._said(rule, kind, ["everyone"], left.free)
            return self._wider(rule, kind, "people with '/' in their names get it as well")
        first = next(iter((*left.cut.values(), *left.gone.values())), None)
        if first is not None:
            return self._out_of_order(rule, kind, first)
        return self._listed(rule, kind, "it is for who does not sign in, and not for everybody")

    def _wider(self, rule: Rule, kind: Kind, who: str) -> Becomes:
        """A grant to everyone that gives no more than who gets it had without signing in."""
        denied = proposals.grant(rule, kind, self._population, deny=True, to="authenticated")
        return Becomes(
            grants=self._grants(rule, kind, ["everyone"]),
            reason=f"a grant for who does not sign in is one to everyone: {who}",
            proposal=f"keep it, or take it from all who sign in: {denied}",
        )

    def _said(self, rule: Rule, kind: Kind, subjects: list[str], meant: Iterable[Who]) -> Becomes:
        """Grants to `subjects`, and whom of those `meant` they leave out."""
        grants = self._grants(rule, kind, subjects)
        missing = sorted(who for who in meant if who and not self._is_reached(who, rule, subjects))
        if not missing:
            return Becomes(grants=grants)
        named = ", ".join(missing[:_FEW]) + (", …" if len(missing) > _FEW else "")
        return Becomes(
            grants=grants,
            reason=f"not for {named}: not imported, or no name that {USERNAME} stands for",
            proposal=proposals.grant(rule, kind, self._population, to=f"user:{missing[0]}"),
        )

    def _is_reached(self, who: str, rule: Rule, subjects: list[str]) -> bool:
        if patterns.ACCOUNT in (rule.name or "") and not names.is_path_component(who):
            return False
        return who in self._imported or subjects in (["authenticated"], ["everyone"])

    def _grants(self, rule: Rule, kind: Kind, subjects: Sequence[str]) -> tuple[GrantSpec, ...]:
        """A grant to each of `subjects`, counted before any is made."""
        self._made += len(subjects)
        if self._made > MOST_GRANTS:
            raise Conflict(
                f"with line {rule.line} the rules become more than {MOST_GRANTS:,} grants, the "
                "most of one import; nothing was imported",
                advice="take rules for many accounts out of the file, and grant what they say to a "
                "group: authsvc group add, then authsvc grant add --to group:NAME",
            )
        members = {
            "role": proposals.ROLES[given(rule, kind)],
            "on": patterns.place_of(rule.name) if kind is Kind.REPOSITORY else EVERYWHERE,
            "registry": rule.service,
            "cidrs": [] if rule.network is None else [str(rule.network)],
            "reason": rule.comment.replace("\0", "")[:_LONGEST_REASON],
        }
        return tuple(checked(GrantSpec, {"subject": one, **members}) for one in subjects)

    def _out_of_order(self, rule: Rule, kind: Kind, by: Rule) -> Becomes:
        return Becomes(
            reason=f"line {by.line} comes first and gives less to some of what this one matches",
            proposal=f"grant what is left of it, or all of it and deny what line {by.line} keeps: "
            + proposals.grant(rule, kind, self._population),
        )

    def _listed(self, rule: Rule, kind: Kind, reason: str) -> Becomes:
        return Becomes(reason=reason, proposal=proposals.grant(rule, kind, self._population))


def _unsayable(rule: Rule) -> str:
    """Why no grant says what a rule does, whatever its place in the list; '' when one may."""
    if rule.labels:
        return "labels have no equal: put these people into a group"
    for text, takes in ((rule.account, "?"), (rule.name, patterns.ACCOUNT), (rule.type, "")):
        reason = patterns.strange(text, takes=takes) if text else ""
        if reason:
            return reason
    if rule.type not in _TYPES:
        return "only the types 'repository' and 'registry' are known here"
    if rule.service is not None and not proposals.is_service(rule.service):
        return "a grant is for all registries, or for one that is named without blanks"
    unknown = [word for word in rule.actions if word not in _ACTIONS]
    if unknown and rule.actions != ("*",):
        return f"{unknown[0]!r} among others is no action that a registry asks for"
    return ""


def _is_own(rule: Rule, kind: Kind) -> bool:
    """Whether the catalog would be for one who is called as it is: nobody is given it for that."""
    return kind is Kind.CATALOG and patterns.ACCOUNT in (rule.name or "")


def _is_exact(rule: Rule) -> bool:
    """Whether a rule is for one repository, which a path would cover with what lies below it."""
    return rule.name is not None and patterns.is_literal(rule.name) and names.is_path(rule.name)


def _narrower(rule: Rule) -> str:
    """Why no place of a grant is just the name of a rule; '' when one is."""
    if _is_exact(rule):
        return "a path covers what lies below it as well: --accept-wider takes it so"
    try:
        patterns.place_of(rule.name)
    except ValueError as error:
        return str(error)
    return ""


def _together(parts: list[Becomes]) -> Becomes:
    """One answer for all that a rule matches: what cannot be said of one part ends the rule."""
    refused = next((part for part in parts if part.proposal and not part.grants), None)
    if refused is not None:
        return refused
    grants = tuple(grant for part in parts for grant in part.grants)
    told = next((part for part in parts if part.proposal), None)
    if told is None:
        told = Becomes() if grants else parts[0]
    return Becomes(grants=grants, reason=told.reason, proposal=told.proposal)
