"""Why a principal gets what it asks: every grant considered, and the least that would change it.

Pure. What is granted is what `decide` says; the grants beside it are the very rules that it
folds, judged by the same conditions (contract section 4, explain).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from authsvc.protocol.access import Access, Asked
from authsvc.protocol.names import is_path, is_repository_name

from .conditions import Moment
from .covering import matching, nearest
from .model import (
    EVERYWHERE,
    PolicyBase,
    Reason,
    Refusal,
    Registry,
    Role,
    Rule,
    View,
    Visibility,
    When,
)
from .policy import ANY, decide, everywhere, unmet
from .roles import BUILT_IN, PULL, role_of

ANONYMOUS = "anonymous"  # the subject of a question about nobody (contract section 3)
CURABLE = frozenset(
    {
        Reason.NO_GRANT,
        Reason.EXPIRED,
        Reason.OUTSIDE_NETWORKS,
        Reason.ADDRESS_UNKNOWN,
        Reason.NAMESPACE_OF_OTHERS,
    }
)
"""Reasons that one more grant would do away with."""
CATALOG_READER = "catalog-reader"
GIVEN = tuple(BUILT_IN[name] for name in ("reader", "writer", "maintainer"))
"""Built-in roles for repositories; the others with actions there give more than these."""


class WhyNot(StrEnum):
    """Why a grant that was considered took no effect."""

    OTHER_REGISTRY = "other_registry"
    """It is for another registry."""
    ROLE_WITHOUT_ACTION = "role_without_action"
    """Its role holds none of the asked actions."""
    EXPIRED = Reason.EXPIRED.value
    OUTSIDE_NETWORKS = Reason.OUTSIDE_NETWORKS.value
    ADDRESS_UNKNOWN = Reason.ADDRESS_UNKNOWN.value
    NAMESPACE_OF_OTHERS = Reason.NAMESPACE_OF_OTHERS.value
    DENIED = Reason.DENIED.value
    """An allow that a deny beats."""
    READ_ONLY = Reason.READ_ONLY.value
    NOT_FOR_ROBOTS = Reason.NOT_FOR_ROBOTS.value
    SUBJECT_DISABLED = "subject_disabled"
    """Whom it is about gets no token at all."""
    REGISTRY_DISABLED = "registry_disabled"
    """No tokens are made for this registry."""


@dataclass(frozen=True, slots=True)
class Considered:
    """A grant that covers what was asked; its members are None where they are not to be told.

    `counted`: it gave or took one of the asked actions; else `why_not` says what it failed for.
    """

    grant: int | None
    subject: str | None
    role: str | None
    on: str | None
    registry: str | None
    allow: bool
    counted: bool
    why_not: str | None


@dataclass(frozen=True, slots=True)
class Smallest:
    """The least grant, to the subject asked about, that gives what a grant can give."""

    role: str
    on: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer about one entry; `reasons` has one word for each action that is refused.

    `namespace` is the nearest registered one, whose visibility counts; both None for none.
    """

    subject: str
    service: str
    scope: str
    granted: tuple[str, ...]
    reasons: dict[str, str]
    grants: tuple[Considered, ...] = ()
    namespace: str | None = None
    visibility: Visibility | None = None
    smallest: Smallest | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One entry asked at one registry at one moment, of the principal of a view.

    `address` None means that the caller's true address is not known. `disabled`: the subject
    cannot sign in; `when`: a robot can under these conditions, whatever it is granted.
    """

    registry: Registry
    entry: Access
    now: float
    address: str | None = None
    disabled: bool = False
    when: When | None = None

    @property
    def barred(self) -> WhyNot | None:
        """Why no token leaves at all, whatever is granted."""
        if self.disabled:
            return WhyNot.SUBJECT_DISABLED
        outside = self.moment.outside(self.when, allow=True)
        if outside is not None:
            return WhyNot(outside.value)
        return None if self.registry.enabled else WhyNot.REGISTRY_DISABLED

    @property
    def moment(self) -> Moment:
        return Moment(self.now, self.address or "", known=self.address is not None)


def explain(view: View, question: Question) -> Explanation:
    """What the principal of a view gets of one entry, and why not the rest."""
    granted, refused = _decided(view, question)
    barred = question.barred
    reasons = {no.action: str(no.reason) for no in refused}
    if barred is not None:
        reasons = dict.fromkeys((*granted, *reasons), str(barred))
    space, seen = _seen(view, question)
    return Explanation(
        subject=view.principal.subject or ANONYMOUS,
        service=question.registry.name,
        scope=question.entry.scope,
        granted=() if barred else granted,
        reasons=dict(sorted(reasons.items())),
        grants=_considered(view, question, granted, {no.action: no.reason for no in refused}),
        namespace=space,
        visibility=seen,
        smallest=None if barred else _smallest(view, question, refused),
    )


def giving(view: View, question: Question) -> tuple[int, ...] | None:
    """The grants that give something of what is asked, () where the visibility alone does.

    None where nothing is given.
    """
    granted, refused = _decided(view, question)
    if not granted or question.barred:
        return None
    judge = _judge(view, question, frozenset(granted), {no.action: no.reason for no in refused})
    covering = _covering(view, question.registry, question.entry)
    return tuple(sorted(rule.grant for rule in covering if rule.allow and judge(rule) is None))


def _decided(view: View, question: Question) -> tuple[tuple[str, ...], tuple[Refusal, ...]]:
    """What a token would hold."""
    decision = decide(
        view,
        question.registry,
        Asked((question.entry,)),
        address=question.address or "",
        address_known=question.address is not None,
        now=question.now,
    )
    return decision.verdicts[0].granted, decision.verdicts[0].refused


def _is_catalog(entry: Access) -> bool:
    """Whether the catalog right is asked for, at zot in the words `repository::pull`."""
    return (entry.type, entry.name) in {("registry", "catalog"), ("repository", "")}


def _is_repository(entry: Access) -> bool:
    return entry.type == "repository" and is_repository_name(entry.name)


def _seen(view: View, question: Question) -> tuple[str | None, Visibility | None]:
    if not _is_repository(question.entry):
        return None, None
    space, seen = nearest(view, question.registry, question.entry.name)
    return space, None if space is None else seen


def _covering(view: View, registry: Registry, entry: Access) -> list[Rule]:
    """The rules that an entry is decided by at a registry, as `decide` finds them."""
    if _is_catalog(entry):
        return everywhere(view, registry)
    return matching(view, registry, entry.name) if _is_repository(entry) else []


def _considered(
    view: View, question: Question, granted: tuple[str, ...], refused: dict[str, Reason]
) -> tuple[Considered, ...]:
    """Every grant that covers the entry, here or at another registry, by its number."""
    judge = _judge(view, question, frozenset(granted), refused)
    here = question.registry
    judged = [(rule, judge(rule)) for rule in _covering(view, here, question.entry)]
    for other in view.base.registries.values():
        if other.name != here.name:
            covering = _covering(view, other, question.entry)
            theirs = [rule for rule in covering if rule.registry == other.name]
            judged += [(rule, WhyNot.OTHER_REGISTRY) for rule in theirs]
    return tuple(_item(*each) for each in sorted(judged, key=lambda each: each[0].grant))


def _item(rule: Rule, why: WhyNot | None) -> Considered:
    return Considered(
        grant=rule.grant,
        subject=rule.subject,
        role=rule.role,
        on=rule.pattern,
        registry=rule.registry,
        allow=rule.allow,
        counted=why is None,
        why_not=why,
    )


def _judge(
    view: View, question: Question, granted: frozenset[str], refused: dict[str, Reason]
) -> Callable[[Rule], WhyNot | None]:
    """Says of a rule for this registry why it took no effect, None when it did."""
    asked = granted | refused.keys()
    denied = {action for action, reason in refused.items() if reason is Reason.DENIED}
    moment, barred = question.moment, question.barred
    namespace = _seen(view, question)[0]

    def judge(rule: Rule) -> WhyNot | None:
        actions = asked & _actions(question.entry, role_of(rule, view.base))
        if not actions:
            return WhyNot.ROLE_WITHOUT_ACTION
        reason = unmet(rule, moment, namespace)
        if reason is not None:
            return WhyNot(reason.value)
        if barred is not None:
            return barred
        effect = granted if rule.allow else denied
        return None if actions & effect else WhyNot(refused[min(actions)].value)

    return judge


def _actions(entry: Access, role: Role) -> frozenset[str]:
    """What a role holds of the actions of an entry's resource."""
    if not _is_catalog(entry):
        return role.repository
    right = ANY if entry.type == "registry" else PULL
    return frozenset({right}) if role.catalog else frozenset()


def _smallest(view: View, question: Question, refused: tuple[Refusal, ...]) -> Smallest | None:
    """The role with the fewest actions that holds all that a grant could still give."""
    missing = {no.action for no in refused if no.reason in CURABLE}
    if _is_catalog(question.entry):
        return Smallest(CATALOG_READER, EVERYWHERE) if missing else None
    if question.registry.read_only:
        missing &= {PULL}
    if not missing:
        return None
    return Smallest(_least_role(view.base, missing), _place(question.entry.name))


def _least_role(base: PolicyBase, missing: set[str]) -> str:
    """Built-in roles come before custom ones of the same size."""
    custom = [role for name, role in sorted(base.roles.items()) if name not in BUILT_IN]
    roles = [role for role in (*GIVEN, *custom) if missing <= role.repository]
    return min(roles, key=lambda role: len(role.repository) + role.catalog).name


def _place(name: str) -> str:
    """The name itself; of one with a host that no path can write, a glob over the host."""
    return name if is_path(name) else "*/" + name.partition("/")[2]
