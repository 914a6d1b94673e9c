"""A decision made narrower: by what the credential that was shown does not carry."""

from collections.abc import Callable, Iterable
from typing import Final

from authsvc.protocol.access import Access

from .globs import Glob
from .model import Decision, Reason, Refusal, Verdict
from .roles import PULL

_CATALOG: Final = ("registry", "catalog")
_EVERY_REPOSITORY: Final = ("repository", "")

Barred = Callable[[Access, str], Reason | None]
"""Says of an asked entry and an action that is granted why it is not after all; None: it is."""


def narrowed(decision: Decision, barred: Barred) -> Decision:
    """The decision without the actions that are barred; never more than it was."""
    verdicts = tuple(_narrowed(verdict, barred) for verdict in decision.verdicts)
    access = tuple(
        Access(verdict.asked.type, verdict.asked.name, verdict.granted, verdict.asked.class_)
        for verdict in verdicts
        if verdict.granted
    )
    return Decision(decision.version, verdicts, access, decision.timeless)


def outside_of(scopes: Iterable[Access]) -> Barred:
    """Bar what none of the scopes names that a personal token was narrowed to.

    A name with `*` in it is a glob over whole repository names, as in grants. The list of all
    repositories, which zot asks for as `repository::pull`, is none of them: the catalog gives it.
    """
    held = [(scope, Glob(scope.name) if "*" in scope.name else None) for scope in scopes]
    catalog = any((scope.type, scope.name) == _CATALOG for scope, _ in held)

    def barred(asked: Access, action: str) -> Reason | None:
        if (asked.type, asked.name) == _EVERY_REPOSITORY:
            return None if catalog else Reason.OUTSIDE_SCOPES
        within = any(
            scope.type == asked.type
            and action in scope.actions
            and (glob.matches(asked.name) if glob else asked.name == scope.name)
            for scope, glob in held
        )
        return None if within else Reason.OUTSIDE_SCOPES

    return barred


def all_but_pull(_: Access, action: str) -> Reason | None:
    """Bar what changes anything, for somebody whose directory cannot be asked now."""
    return None if action == PULL else Reason.SOURCE_DOWN


def _narrowed(verdict: Verdict, barred: Barred) -> Verdict:
    no = {action: barred(verdict.asked, action) for action in verdict.granted}
    refused = tuple(Refusal(action, why) for action, why in no.items() if why is not None)
    if not refused:
        return verdict
    kept = tuple(action for action, why in no.items() if why is None)
    return Verdict(verdict.asked, kept, (*verdict.refused, *refused))
