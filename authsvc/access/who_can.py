"""Who may do one thing to one repository: every candidate judged as for a token.

Pure. The candidates are those whom an allow that covers the name could give it; the rules are
the covering ones alone, allow and deny, since no other rule can decide about the name.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from authsvc.principal import ANONYMOUS, Kind, Principal

from .compiler import audience, view_of
from .explain import Question, giving
from .model import AUTHENTICATED, EVERYONE, PolicyBase, SubjectRules

STRANGER = Principal(Kind.USER, "", "", "")  # somebody who signed in and is nothing else


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may be able: a subject, and the groups it is in that a covering rule names."""

    subject: str
    principal: Principal
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Crowd:
    """Covering rules by subject, and everybody whom they could give something."""

    rules: Mapping[str, SubjectRules]
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Able:
    """A subject that may, and the grants that give it; none where the visibility alone does."""

    subject: str
    grants: tuple[int, ...]


def who_can(base: PolicyBase, crowd: Crowd, question: Question) -> list[Able]:
    """All that may do what is asked: `everyone` and `authenticated` first, then by subject text.

    Who may no more than anybody who signed in is not named beside `authenticated`. The true
    address of a candidate is not known: networks count as for such a request (rule 11).
    """
    judge = _Judge(base, crowd, question)
    everyone = judge(Candidate(EVERYONE, ANONYMOUS))
    authenticated = judge(Candidate(AUTHENTICATED, STRANGER))
    found = [] if everyone is None else [Able(EVERYONE, everyone)]
    if authenticated is not None and (everyone is None or set(authenticated) - set(everyone)):
        found.append(Able(AUTHENTICATED, authenticated))
    for candidate in sorted(crowd.candidates, key=lambda each: each.subject):
        grants = judge(candidate)
        common = everyone if candidate.principal.kind is Kind.ROBOT else authenticated
        if grants is not None and (common is None or set(grants) - set(common)):
            found.append(Able(candidate.subject, grants))
    return found


class _Judge:
    """Judges candidates; those of the same rules, who have no place of their own, once."""

    def __init__(self, base: PolicyBase, crowd: Crowd, question: Question) -> None:
        self._base = base
        self._rules = crowd.rules
        self._question = question
        self._known: dict[tuple[Kind, tuple[str, ...]], tuple[int, ...] | None] = {}

    def __call__(self, candidate: Candidate) -> tuple[int, ...] | None:
        parts = self._parts(candidate)
        # A template filled in covers no name that the person's own does not stand in.
        own = candidate.principal.name in self._question.entry.name
        if own and any(part.templates for part in parts):
            return self._given(candidate.principal, parts)
        key = (candidate.principal.kind, tuple(part.subject for part in parts))
        if key not in self._known:
            self._known[key] = self._given(candidate.principal, parts)
        return self._known[key]

    def _parts(self, candidate: Candidate) -> list[SubjectRules]:
        own = (candidate.subject, *candidate.groups)
        subjects = dict.fromkeys((*own, *audience(candidate.principal)))
        return [self._rules[subject] for subject in subjects if subject in self._rules]

    def _given(self, principal: Principal, parts: list[SubjectRules]) -> tuple[int, ...] | None:
        return giving(view_of(self._base, principal, parts), self._question)
