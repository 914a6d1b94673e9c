"""Where the rules of any subject are read: what is stored, or what a plan would make of it.

Pure. Whatever asks about a policy that is not in force yet (plans, tests beside a policy) gets the
view of a principal from here, and folds it as a token does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from authsvc.principal import Principal

from .compiler import audience, compile_rules, groups_of, view_of
from .model import PolicyBase, Rule, SubjectRules, View
from .roles import BUILT_IN


class Rulebook(Protocol):
    """A whole policy, read subject by subject. Subjects and groups are canonical texts."""

    @property
    def base(self) -> PolicyBase:
        """What is not anybody's own."""

    def rules(self, subject: str) -> tuple[Rule, ...]:
        """All that is granted to a subject, by the number of the grant."""

    def groups(self, subject: str) -> tuple[str, ...]:
        """The groups that a subject is a direct member of."""


@dataclass(frozen=True, slots=True)
class Blank:
    """The policy in which nothing stands: what files alone are planned over."""

    base: PolicyBase = field(default_factory=lambda: PolicyBase(0, {}, BUILT_IN, {}, {}))

    def rules(self, _subject: str) -> tuple[Rule, ...]:
        return ()

    def groups(self, _subject: str) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Planned:
    """What `before` becomes when some grants go, others come, and memberships change.

    `added` are new rules by subject, their numbers below 0, since they have none yet. `joined` and
    `left` are groups by the subjects that become members of them, or are members no more.
    """

    before: Rulebook
    base: PolicyBase
    gone: frozenset[int] = frozenset()
    added: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    joined: Mapping[str, frozenset[str]] = field(default_factory=dict)
    left: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def rules(self, subject: str) -> tuple[Rule, ...]:
        kept = (rule for rule in self.before.rules(subject) if rule.grant not in self.gone)
        return (*kept, *self.added.get(subject, ()))

    def groups(self, subject: str) -> tuple[str, ...]:
        left = self.left.get(subject, frozenset())
        kept = [group for group in self.before.groups(subject) if group not in left]
        return tuple(dict.fromkeys([*kept, *sorted(self.joined.get(subject, frozenset()))]))


def compiled(book: Rulebook, subject: str) -> SubjectRules:
    """All rules of one subject, indexed."""
    version = book.base.version
    return compile_rules(subject, version, book.rules(subject), book.groups(subject))


def view(book: Rulebook, principal: Principal) -> View:
    """The view of a principal, as decisions need it."""
    parts = [compiled(book, subject) for subject in audience(principal)]
    groups = groups_of(principal, parts[0].groups, book.base)
    parts += [compiled(book, group) for group in groups]
    return view_of(book.base, principal, parts)
