"""What the entries of a document refer to: whether it is there, and under which row id."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.access.model import Role
from authsvc.access.roles import BUILT_IN
from authsvc.changes.subjects import ids_of
from authsvc.db import models
from authsvc.errors import Invalid
from authsvc.principal import LOCAL
from authsvc.protocol.names import KINDS, SubjectRef, parse_subject

MOST_NAMES = 1_000  # that a hint is looked for among
OWN_GROUP = ("group", "")  # kind and source of a group of this service


@dataclass(frozen=True, slots=True)
class Known:
    """What may be referred to, by name, with its row id; None for what comes with the document.

    `subjects` are canonical texts. A person or group of another source needs no row: `sources`
    says whose may be named before they were ever seen. `held` says what roles hold. With `hints`
    advice may name other people and groups; `brief` advice says nothing, since nobody reads it.
    """

    sources: frozenset[str]
    registries: Mapping[str, int | None]
    roles: Mapping[str, int | None]
    subjects: Mapping[str, int | None]
    held: Mapping[str, Role]
    hints: bool = True
    brief: bool = False

    def role(self, name: str) -> Role:
        """What a role holds; raises `Invalid` when none has that name."""
        if name not in self.held:
            raise Invalid(f"no role is called '{name}'", advice=self._nearest(name, self.held))
        return self.held[name]

    def check_registry(self, name: str | None) -> None:
        """Raise `Invalid` when it is a name, and no registry has it."""
        if name is not None and name not in self.registries:
            advice = self._nearest(name, self.registries)
            raise Invalid(f"there is no registry '{name}'", advice=advice)

    def check_subject(self, text: str) -> None:
        """Raise `Invalid` unless a grant may name this subject, a group have it as a member."""
        if text in self.subjects:
            return
        ref = parse_subject(text)
        if ref.kind not in KINDS:
            return
        if ref.source in ("", LOCAL):
            raise Invalid(f"there is no {ref.kind} '{ref.name}'", advice=self._advice(ref))
        if ref.source not in self.sources:
            advice = self._nearest(ref.source, self.sources)
            raise Invalid(f"no source is called '{ref.source}'", advice=advice)

    def _advice(self, ref: SubjectRef) -> str:
        near: list[str] = []
        if self.hints and not self.brief:
            prefix = str(ref).removesuffix(ref.name)
            known = (text for text in self.subjects if text.startswith(prefix))
            names = [text.removeprefix(prefix) for text in islice(known, MOST_NAMES)]
            near = difflib.get_close_matches(ref.name, names, 1)
        return f"did you mean '{near[0]}'?" if near else f"see `authsvc {ref.kind} list`"

    def _nearest(self, word: str, words: Iterable[str]) -> str:
        if self.brief:
            return ""
        known_words = sorted(words)
        near = difflib.get_close_matches(word, known_words, 1)
        if near:
            return f"did you mean '{near[0]}'?"
        return f"there are: {', '.join(known_words[:20]) or 'none'}"


def known(
    session: Session,
    sources: frozenset[str],
    after: Mapping[str, Mapping[str, int | None]],
    held: Mapping[str, Role],
    refs: Iterable[SubjectRef],
) -> Known:
    """What may be referred to once a document is applied.

    `after` are registries, custom roles, groups and robots as they will be, by name, with row ids;
    `held` is what custom roles will hold; `refs` are the subjects that are named.
    """
    builtin = session.scalars(select(models.Role).where(models.Role.builtin))
    own = {
        **{f"group:{name}": row for name, row in after["groups"].items()},
        **{f"robot:{name}": row for name, row in after["robots"].items()},
    }
    stored = [ref for ref in refs if ref.kind != "robot" and (ref.kind, ref.source) != OWN_GROUP]
    found = ids_of(session, stored)
    if any(ref.source == LOCAL and str(ref) not in found for ref in stored):
        found |= _people(session)  # one of them may be meant
    return Known(
        sources=sources,
        registries=after["registries"],
        roles={**{role.name: role.id for role in builtin}, **after["roles"]},
        subjects={**found, **own},
        held={**held, **BUILT_IN},
    )


def _people(session: Session) -> dict[str, int]:
    """People of the database, as many as a hint is looked for among."""
    table = models.Subject
    rows = session.execute(
        select(table.name, table.id)
        .where(table.kind == "user", table.source == LOCAL)
        .order_by(table.name)
        .limit(MOST_NAMES)
    )
    return {str(SubjectRef("user", LOCAL, name)): row for name, row in rows}
