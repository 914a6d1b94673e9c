"""May they? Asked inside every edit, of the actor's rights as of its transaction.

Contract section 5, rules 5, 7 and 9. Pure: rights and values in, an error or nothing out. What
somebody may not see is NotFound, as if it were not there; what they see but may not change is
Forbidden.
"""

from dataclasses import dataclass
from typing import Final

from authsvc.access.model import Role
from authsvc.access.rights import Rights
from authsvc.access.roles import ADMIN, ALL_ACTIONS, AUDITOR, MANAGING, PULL
from authsvc.errors import Forbidden, Invalid, NotFound

NOTHING_HERE: Final = "there is nothing here"
SEEN_BY_OWNERS: Final = frozenset({"registry", "role"})

_ASK: Final = "ask an administrator"


@dataclass(frozen=True, slots=True)
class Given:
    """A grant as far as a guard asks: `on` its pattern, `registry` None for all.

    `ends` is in seconds since the epoch, None for never.
    """

    role: Role
    on: str
    registry: str | None
    ends: float | None


def administer(rights: Rights, noun: str) -> None:
    """Let nobody but administrators change users, groups, roles, registries and keys."""
    if rights.admin:
        return
    if rights.auditor or (rights.owned and noun in SEEN_BY_OWNERS):
        raise Forbidden(f"only administrators may change a {noun}", advice=_ASK)
    raise NotFound(NOTHING_HERE)


def place(rights: Rights, on: str, registry: str | None) -> None:
    """Let in who manages grants and settings at that place.

    To be asked before anything is looked up there, so that what others have stays unknown.
    """
    if rights.manages(on, registry):
        return
    if rights.none:
        raise NotFound(NOTHING_HERE)
    where = f"registry '{registry}'" if registry is not None else "all registries"
    raise Forbidden(
        f"you do not manage '{on}' in {where}",
        advice=f"{_ASK}, or an owner of a namespace at or above it",
    )


def grant(rights: Rights, given: Given) -> None:
    """Let somebody write, change or remove a grant, an allow and a deny alike (rules 5 and 9).

    An owner needs the place, every action of the role there after denies, and a right to manage
    that ends no earlier than the grant.
    """
    place(rights, given.on, given.registry)
    if rights.admin:
        return
    if given.role.catalog or given.role.name in (ADMIN, AUDITOR):
        raise Forbidden(f"only administrators give or take the role '{given.role.name}'")
    if not rights.holds(given.role.repository, given.on, given.registry):
        raise Forbidden(
            f"you do not hold every action of '{given.role.name}' at '{given.on}': a deny is for "
            "you too",
            advice=_ASK,
        )
    if not rights.outlasts(given.on, given.registry, given.ends):
        raise Forbidden(
            f"your own right at '{given.on}' ends before this grant does",
            advice=f"name an earlier end, or {_ASK}",
        )


def setting(rights: Rights, path: str, registry: str | None, needs: frozenset[str]) -> None:
    """Let an owner change a setting of a namespace who holds the actions that it may open.

    A setting has no end, so neither may the right of who makes it.
    """
    place(rights, path, registry)
    if not rights.outlasts(path, registry, None):
        raise Forbidden(
            f"your own right at '{path}' has an end, and a setting has none", advice=_ASK
        )
    if not rights.holds(needs, path, registry):
        raise Forbidden(
            f"you do not hold {', '.join(sorted(needs))} everywhere at '{path}': a deny is for "
            "you too",
            advice=_ASK,
        )


def opened_by(visibility: str) -> frozenset[str]:
    """What a visibility gives without a grant (rule 6)."""
    return frozenset() if visibility == "private" else frozenset({PULL})


OPENED_BY_REMOVAL: Final = ALL_ACTIONS
"""What removing a namespace may open: the visibility above it counts again, and grants with
`{username}` reach what they had to leave alone (rules 4 and 6)."""


def robot(role: Role) -> None:
    """Refuse a role with more than repository actions to a robot (rule 7)."""
    if role.catalog or role.name in MANAGING:
        text = f"a robot holds repository actions only, and '{role.name}' is more"
        raise Invalid(text, advice="choose another role", faults=(("/role", text),))
