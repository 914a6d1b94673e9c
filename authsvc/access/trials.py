"""Tests beside a policy, run: one is one evaluation, by what decides tokens (contract section 8).

Pure. The policy may be what is stored, or what files would make of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authsvc.protocol.access import Access

from .askers import Asker, meant
from .explain import Considered, Explanation, Question, explain
from .model import Registry
from .rulebook import Rulebook, view
from .sentences import Sentence
from .shapes import shape as explained


@dataclass(frozen=True, slots=True)
class Trial:
    """How a test went, and why; `fault` says why it could not be run, and then it does not hold."""

    sentence: Sentence
    held: bool
    explanation: Explanation | None = None
    fault: str | None = None


def alone(sentence: Sentence) -> Asker:
    """Whom a sentence is about where nothing is known but files: no identity, nobody disabled."""
    return Asker(meant(sentence.subject))


def tried(book: Rulebook, sentence: Sentence, asker: Asker | str, *, now: float) -> Trial:
    """Run a test: `can` holds when all of its actions are granted, `cannot` when none of them is.

    `asker` is whom the sentence's subject means, or why nobody; `now` is wall clock seconds.
    """
    if isinstance(asker, str):
        return Trial(sentence, held=False, fault=asker)
    registry = _registry(book.base.registries, sentence.service)
    if isinstance(registry, str):
        return Trial(sentence, held=False, fault=registry)
    entry = Access("repository", sentence.name, sentence.actions)
    question = Question(registry, entry, now, sentence.address, asker.disabled)
    explanation = explain(view(book, asker.principal), question)
    against = explanation.reasons if sentence.can else explanation.granted
    return Trial(sentence, not against, explanation)


def shape(trial: Trial) -> dict[str, Any]:
    """A trial as JSON: {text, held, fault, explanation}, the last in the shape of `explain`."""
    return {
        "text": trial.sentence.text,
        "held": trial.held,
        "fault": trial.fault,
        "explanation": trial.explanation and explained(trial.explanation),
    }


def told(trial: Trial) -> str:
    """A trial for people: one line, and for one that failed the answer and each grant it is from.

    What stands in names is not cleaned for a terminal.
    """
    if trial.held:
        return f"ok      {trial.sentence.text}"
    lines = [f"FAILED  {trial.sentence.text}"]
    if trial.explanation is not None:
        lines += _answer(trial.explanation)
        smallest = trial.explanation.smallest
        if trial.sentence.can and smallest is not None:
            lines.append(f"role {smallest.role} on {smallest.on} would give what is missing")
    return "\n        ".join(lines if trial.fault is None else [*lines, trial.fault])


def _registry(registries: Mapping[str, Registry], service: str | None) -> Registry | str:
    """The registry of that name, or the only one; else what is wrong."""
    if service is not None:
        return registries.get(service) or f"there is no registry '{service}'"
    if len(registries) == 1:
        return next(iter(registries.values()))
    if not registries:
        return "there is no registry"
    known = ", ".join(sorted(registries)[:20])
    return f"there are several registries: end the test with 'on' and one of {known}"


def _answer(explanation: Explanation) -> list[str]:
    words = [f"{', '.join(explanation.granted)} granted"] if explanation.granted else []
    words += [f"{action} denied ({reason})" for action, reason in explanation.reasons.items()]
    lines = ["; ".join(words), *map(_grant, explanation.grants)]
    if explanation.visibility is not None:
        lines.append(f"namespace {explanation.namespace} is {explanation.visibility}")
    return lines


def _grant(grant: Considered) -> str:
    """A grant that was considered; numbers below 0 are those of grants that are not stored yet."""
    number = "new grant" if grant.grant is None or grant.grant < 0 else f"grant {grant.grant}"
    effect = "allows" if grant.allow else "denies"
    said = f"{number} {effect} {grant.role} on {grant.on} to {grant.subject}"
    return f"{said}: {'counts' if grant.counted else grant.why_not}"
