"""Whom a question is about: the principal that a subject's text means. Pure.

A text alone does not tell everything: whether somebody is there, can sign in, and which groups of
a directory they are in is known where it is stored, or by their source.
"""

from typing import NamedTuple

from authsvc.principal import ANONYMOUS, Kind, Principal
from authsvc.protocol.names import parse_subject

from .compiler import audience, groups_of, view_of
from .model import AUTHENTICATED, EVERYONE, View
from .rulebook import Rulebook, compiled

SOMEBODY = "somebody"  # the name of a person of whom no name is known


class Asker(NamedTuple):
    """Whom a question is about; `disabled` when they cannot sign in."""

    principal: Principal
    disabled: bool = False


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


def view_alone(book: Rulebook, somebody: StandIn) -> View:
    """The view of a stand-in; of somebody who is a person or robot, that of the principal."""
    principal = somebody.principal
    parts = [compiled(book, subject) for subject in audience(principal)]
    direct = (*parts[0].groups, *somebody.groups)
    parts += [compiled(book, group) for group in groups_of(principal, direct, book.base)]
    return view_of(book.base, principal, parts)
