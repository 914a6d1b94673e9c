"""Whom a question is about: the principal that a subject's text means. Pure.

A text alone does not tell everything: whether somebody is there, can sign in, and which groups of
a directory they are in is known where it is stored, or by their source.
"""

from typing import NamedTuple

from authsvc.principal import ANONYMOUS, Kind, Principal
from authsvc.protocol.names import parse_subject

from .compiler import audience, groups_of, view_of
from .model import AUTHENTICATED, EVERYONE, SubjectRules, View, When
from .rulebook import Rulebook, compiled

SOMEBODY = "somebody"  # the name of a person of whom no name is known


class Asker(NamedTuple):
    """Whom a question is about; `disabled` when they cannot sign in.

    `when`: until when and from where a robot can, whatever it is granted; None for always.
    """

    principal: Principal
    disabled: bool = False
    when: When | None = None


def meant(subject: str) -> Principal:
    """The principal of `user:…`, `robot:NAME` or `anonymous`, without an identity.

    Raises `Invalid` for a text that is no subject.
    """
    if subject == Kind.ANONYMOUS:
        return ANONYMOUS
    ref = parse_subject(subject)
    return Principal(Kind(ref.kind), ref.source, ref.name, "")


class StandIn(NamedTuple):
    """Somebody who is what a subject says and nothing else, and the groups that makes them of."""

    principal: Principal
    groups: tuple[str, ...] = ()


def stand_in(subject: str, name: str = SOMEBODY) -> StandIn:
    """Who stands for a subject of a grant: a person or robot for itself, for a group a member.

    `everyone` is whoever did not sign in. A member of a group, and who is `authenticated`, is
    called `name`, since templates with `{username}` are for people with a name only. Raises
    `Invalid` for a text that is no subject.
    """
    if subject == EVERYONE:
        return StandIn(ANONYMOUS)
    if subject == AUTHENTICATED:
        return StandIn(Principal(Kind.USER, "", name, ""))
    ref = parse_subject(subject)
    if ref.kind == "group":
        return StandIn(Principal(Kind.USER, "", name, ""), (subject,))
    return StandIn(meant(subject))


class Views:
    """The views of stand-ins on one policy; what is compiled for one is kept for the others."""

    def __init__(self, book: Rulebook) -> None:
        self.book = book
        self.base = book.base
        self._compiled: dict[str, SubjectRules] = {}

    def subjects(self, somebody: StandIn) -> tuple[str, ...]:
        """All subjects that somebody is."""
        always = audience(somebody.principal)
        direct = (*self._rules(always[0]).groups, *somebody.groups)
        return (*always, *groups_of(somebody.principal, direct, self.base))

    def of(self, somebody: StandIn) -> View:
        """What decisions about somebody need."""
        parts = [self._rules(subject) for subject in self.subjects(somebody)]
        return view_of(self.base, somebody.principal, parts)

    def _rules(self, subject: str) -> SubjectRules:
        if subject not in self._compiled:
            self._compiled[subject] = compiled(self.book, subject)
        return self._compiled[subject]
