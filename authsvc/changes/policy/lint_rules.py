"""The rules of lint, one function each: what is to be said of a grant, None for nothing. Pure."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time
from typing import Final

from authsvc.access.askers import Views
from authsvc.access.compiler import USERNAME
from authsvc.access.model import AUTHENTICATED, EVERYONE, EVERYWHERE, Registry
from authsvc.access.roles import ADMIN, MANAGING, OWNER, PULL
from authsvc.access.rulebook import Rulebook
from authsvc.changes.grants import EVERYWHERE_ROLES, GrantSpec

from .lint_open import Open

SOON = 14 * 86_400  # seconds before its end from which a grant is named
_DATE = re.compile(r"(?<!\d)\d{4}-\d\d-\d\d(?!\d)", re.ASCII)


class Policy:
    """What rules may ask: the policy as it would be, the groups without anybody, the time."""

    def __init__(self, book: Rulebook, empty: frozenset[str], now: float) -> None:
        self.book = book
        self.empty = empty
        self.now = now
        self.open = Open(Views(book), now)

    def registries(self, name: str | None) -> list[Registry]:
        """Those with tokens that a grant for a registry, or for all (None), is for."""
        found = self.book.base.registries.values()
        return [each for each in found if each.enabled and name in (None, each.name)]


def _wide(spec: GrantSpec, policy: Policy) -> str | None:
    """Rights above reader for everybody."""
    if spec.effect != "allow" or spec.subject not in (EVERYONE, AUTHENTICATED):
        return None
    if spec.subject == AUTHENTICATED and _is_own(spec.on):
        return None
    role = policy.book.base.roles.get(spec.role)
    if role is None or not (role.repository - {PULL} or role.catalog or spec.role in MANAGING):
        return None
    who = "anybody, signed in or not," if spec.subject == EVERYONE else "whoever signs in"
    return f"{who} gets '{spec.role}' on '{spec.on}': name a group, or give reader"


def _is_own(pattern: str) -> bool:
    """Whether everybody has a place of their own by it, and nothing in those of others."""
    return USERNAME in pattern.split("/") and "*" not in pattern.partition(USERNAME)[0]


def _everywhere(spec: GrantSpec, _policy: Policy) -> str | None:
    """A role for repositories in all of them, those of tomorrow included."""
    if spec.effect == "allow" and spec.on == EVERYWHERE and spec.role not in EVERYWHERE_ROLES:
        return f"'**' is every repository, also those to come: name a path for '{spec.role}'"
    return None


def _nobody(spec: GrantSpec, policy: Policy) -> str | None:
    """A deny for a group that nobody is in takes nothing from anybody."""
    if spec.effect == "deny" and spec.subject in policy.empty:
        return f"nobody is in {spec.subject}, so this deny takes nothing from anybody"
    return None


def _escaped(spec: GrantSpec, policy: Policy) -> str | None:
    """A deny of pull means nothing to whoever may pull without signing in."""
    role = policy.book.base.roles.get(spec.role)
    if spec.effect != "deny" or role is None or PULL not in role.repository:
        return None
    before = policy.open.partial
    name = policy.open.escaped(spec.subject, spec.on, policy.registries(spec.registry))
    if name is not None:
        return (
            f"{spec.subject} may not pull '{name}', but anybody may who does not sign in:"
            " take it from 'everyone', or make the namespace internal"
        )
    if policy.open.partial and not before:
        return "there is too much to compare: denies from here on may be escaped as well"
    return None


def _root(spec: GrantSpec, _policy: Policy) -> str | None:
    """A name at the root can be anything that somebody else wants to be called."""
    if USERNAME in spec.on.partition("/")[0]:
        return "{username} at the root gives whoever takes a name what is called so: put it below"
    return None


def _outlives(spec: GrantSpec, _policy: Policy) -> str | None:
    """The right to manage, given for a reason that will be over sooner than the grant."""
    if spec.effect != "allow" or spec.role not in (OWNER, ADMIN) or not spec.reason:
        return None
    dates = [day for text in _DATE.findall(spec.reason) if (day := _end_of(text)) is not None]
    if dates:
        over = spec.expires_at is None or spec.expires_at > max(dates)
        said = f"the reason of this '{spec.role}' names a day, and the grant lasts longer"
        return f"{said}: name an end in expires_at" if over else None
    if spec.expires_at is None and spec.subject.startswith("user:"):
        return f"this '{spec.role}' has a reason and no end: name one in expires_at"
    return None


def _ends(spec: GrantSpec, policy: Policy) -> str | None:
    """A grant that has ended, or will soon."""
    return ends("grant", spec.expires_at, policy)


def ends(noun: str, end: datetime | None, policy: Policy) -> str | None:
    """What is to be said of something that has ended, or will soon."""
    if end is None or end.timestamp() > policy.now + SOON:
        return None
    if end.timestamp() <= policy.now:
        return f"this {noun} has ended: remove it, or name a later end"
    return f"this {noun} ends at {end:%Y-%m-%d %H:%M} UTC, within 14 days"


def _end_of(text: str) -> datetime | None:
    """The end of a day; None for what is no day."""
    try:
        return datetime.combine(datetime.fromisoformat(text), time.max, UTC)
    except ValueError:
        return None


RULES: Final[Mapping[str, Callable[[GrantSpec, Policy], str | None]]] = {
    "wide": _wide,
    "everywhere": _everywhere,
    "nobody": _nobody,
    "escaped": _escaped,
    "root": _root,
    "outlives": _outlives,
    "ends": _ends,
}
