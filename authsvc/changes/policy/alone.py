"""Files alone as a policy that can be asked, where there is no database: a check on a branch."""

from dataclasses import replace

from authsvc.access.model import Registry
from authsvc.access.rulebook import Blank, Planned
from authsvc.access.trials import Trial, tried
from authsvc.access.trials import alone as somebody

from .document import KINDS, Document
from .known import Known
from .overlay import over, robots_of
from .steps import Plan, Step
from .stored import item_of


def alone(document: Document) -> Planned:
    """The policy that files make by themselves.

    What they refer to and do not hold is taken as it is: people, groups, and registries, of which
    there is at least one.
    """
    return over(_blank(document), _plan(document))


def _plan(document: Document) -> Plan:
    steps = tuple(
        Step(kind, entry.place, None, item_of(entry.spec), entry.spec)
        for kind in KINDS
        for entry in getattr(document, kind)
    )
    known = Known(frozenset(), {}, {}, {}, {})
    return Plan(0, steps, 0, prune=False, known=known)


def tried_alone(document: Document, *, now: float) -> tuple[Trial, ...]:
    """How the tests of files go, of which nobody but they themselves says anything."""
    made = _plan(document)
    book, robots = over(_blank(document), made), robots_of(made)
    return tuple(
        tried(book, test.spec, robots.get(test.spec.subject, somebody(test.spec)), now=now)
        for test in document.tests
    )


def _blank(document: Document) -> Blank:
    """Nothing but the registries that files name and leave to be made elsewhere."""
    blank = Blank()
    assumed = {name: _registry(name) for name in _services(document)}
    return Blank(replace(blank.base, registries=assumed))


def _services(document: Document) -> set[str]:
    named = {entry.spec.registry for entry in document.grants}
    named |= {entry.spec.registry for entry in document.namespaces}
    named |= {entry.spec.registry for entry in document.robots}
    named |= {test.spec.service for test in document.tests}
    own = {entry.spec.name for entry in document.registries}
    return {name for name in named if name is not None} | own or {"registry"}


def _registry(name: str) -> Registry:
    return Registry(
        name, enabled=True, read_only=False, ttl=None, key_header="x5c", refresh_tokens=False
    )
