"""What a policy allows and hardly means to: findings with their places (contract section 8). Pure.

A finding is no fault: everything here can be applied. Each rule looks at one grant or robot, and
asks the policy as it would be where it must know what comes of it.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from authsvc.access.rulebook import Rulebook
from authsvc.principal import LOCAL
from authsvc.protocol.names import KINDS, parse_subject

from .document import Document
from .lint_rules import RULES, Policy, ends

MOST_HINTS = 100  # names of which it is looked for what may be meant
MOST_NAMES = 1_000  # among which that is
_PLACE = re.compile(r"(.*):(\d+):(\d+)", re.DOTALL | re.ASCII)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at: where it stands, the word of the rule, and what to do."""

    place: str
    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Known:
    """What a document may refer to beside what it holds itself.

    `subjects` are the canonical texts of those that there are, of all that it names; None where
    nobody knows. `sources` None: any may be configured. `empty` are the groups that nobody is in.
    """

    subjects: frozenset[str] | None = None
    sources: frozenset[str] | None = None
    empty: frozenset[str] = frozenset()


def linted(document: Document, book: Rulebook, known: Known, *, now: float) -> list[Finding]:
    """All findings in the order of their places; `now` is wall clock seconds.

    `book` is the policy as it would be: the files over what is stored, or the files alone.
    """
    policy = Policy(book, known.empty, now)
    found = [*_unknown(document, book, known), *_hardly_meant(document, policy)]
    return sorted(found, key=lambda each: _key(each.place))


def _hardly_meant(document: Document, policy: Policy) -> Iterator[Finding]:
    for entry in document.grants:
        for rule, look in RULES.items():
            text = look(entry.spec, policy)
            if text is not None:
                yield Finding(entry.place, rule, text)
    for robot in document.robots:
        text = ends("robot", robot.spec.expires_at, policy)
        if text is not None:
            yield Finding(robot.place, "ends", text)


def _key(place: str) -> tuple[str, int, int]:
    found = _PLACE.fullmatch(place)
    return (found[1], int(found[2]), int(found[3])) if found else (place, 0, 0)


class _Missing(NamedTuple):
    """A name that nothing here has, and `others` of its kind."""

    place: str
    noun: str
    name: str
    others: Iterable[str]


def _unknown(document: Document, book: Rulebook, known: Known) -> Iterator[Finding]:
    """Names that nothing here has; the first of them with what may be meant."""
    for number, each in enumerate(_missing(document, book, known)):
        others = islice(each.others, MOST_NAMES if number < MOST_HINTS else 0)
        near = difflib.get_close_matches(each.name, list(others), 1)
        hint = f": did you mean '{near[0]}'?" if near else ""
        yield Finding(each.place, "unknown", f"there is no {each.noun} '{each.name}'{hint}")


def _missing(document: Document, book: Rulebook, known: Known) -> Iterator[_Missing]:
    roles = book.base.roles
    for entry in document.grants:
        yield from _subjects(entry.place, [entry.spec.subject], known)
    held = [(entry.place, entry.spec.role, entry.spec.registry) for entry in document.grants]
    held += [(entry.place, entry.spec.role, entry.spec.registry) for entry in document.robots]
    for place, role, registry in held:
        if role not in roles:
            yield _Missing(place, "role", role, roles)
        yield from _registry(place, registry, book)
    for group in document.groups:
        yield from _subjects(group.place, group.spec.members, known)
    for space in document.namespaces:
        yield from _registry(space.place, space.spec.registry, book)
    for test in document.tests:
        yield from _registry(test.place, test.spec.service, book)


def _registry(place: str, name: str | None, book: Rulebook) -> Iterator[_Missing]:
    if name is not None and name not in book.base.registries:
        yield _Missing(place, "registry", name, book.base.registries)


def _subjects(place: str, texts: Iterable[str], known: Known) -> Iterator[_Missing]:
    for text in texts:
        ref = parse_subject(text)
        if ref.kind not in KINDS:
            continue
        if ref.source not in ("", LOCAL):
            if known.sources is not None and ref.source not in known.sources:
                yield _Missing(place, "source", ref.source, known.sources)
        elif known.subjects is not None and text not in known.subjects:
            kind = text.removesuffix(ref.name)
            others = (each.removeprefix(kind) for each in known.subjects if each.startswith(kind))
            yield _Missing(place, ref.kind, ref.name, others)
