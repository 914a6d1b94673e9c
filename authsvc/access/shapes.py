"""Explanations as they are shown: the one shape of contract section 4, whole or cut.

What somebody may not see of an explanation is left out here, before it becomes a shape.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .explain import Considered, Explanation
from .model import Visibility

CUT = "a grant above"  # stands for a grant that the reader may not see


def shape(explanation: Explanation) -> dict[str, Any]:
    """The shape, and beside its members `scope`, `reasons` by action, and `namespace`."""
    smallest = explanation.smallest
    return {
        "subject": explanation.subject,
        "service": explanation.service,
        "scope": explanation.scope,
        "granted": list(explanation.granted),
        "denied": list(explanation.reasons),
        "reasons": dict(explanation.reasons),
        "grants": [item(grant) for grant in explanation.grants],
        "namespace": explanation.namespace,
        "visibility": explanation.visibility and explanation.visibility.value,
        "smallest": smallest and {"role": smallest.role, "on": smallest.on},
    }


def item(grant: Considered) -> dict[str, Any]:
    """A grant as the shape lists it."""
    return {
        "id": grant.grant,
        "subject": grant.subject,
        "role": grant.role,
        "on": grant.on,
        "effect": "allow" if grant.allow else "deny",
        "counted": grant.counted,
        "why_not": grant.why_not and str(grant.why_not),
    }


def cut(
    explanation: Explanation, sees: Callable[[Considered], bool], *, sees_namespace: bool = True
) -> Explanation:
    """The same for somebody who may not see all of it: of a grant not seen the effect alone.

    Without `sees_namespace` the namespace is named only where it lets the subject pull, so that
    a private one and none at all read the same.
    """
    grants = tuple(grant if sees(grant) else _cut(grant) for grant in explanation.grants)
    if sees_namespace or _lets_pull(explanation):
        return replace(explanation, grants=grants)
    return replace(explanation, grants=grants, namespace=None, visibility=None)


def _cut(grant: Considered) -> Considered:
    return replace(grant, grant=None, subject=None, role=None, on=CUT, registry=None)


def _lets_pull(explanation: Explanation) -> bool:
    if explanation.visibility is Visibility.INTERNAL:
        return explanation.subject.startswith("user:")
    return explanation.visibility is Visibility.PUBLIC
