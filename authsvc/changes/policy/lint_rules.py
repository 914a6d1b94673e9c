"""The rules of lint, one function each: what is to be said of a grant, None for nothing. Pure."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time
from typing import Final

from authsvc.access.askers import Views, stand_in
from authsvc.access.compiler import USERNAME
from authsvc.access.model import (
    AUTHENTICATED,
    EVERYONE,
    EVERYWHERE,
    Reason,
    Registry,
    View,
    Visibility,
)
from authsvc.access.policy import decide
from authsvc.access.roles import ADMIN, MANAGING, OWNER, PULL
from authsvc.access.rulebook import Rulebook
from authsvc.changes.grants import EVERYWHERE_ROLES, GrantSpec
from authsvc.protocol.access import Access, Asked
from authsvc.protocol.names import is_repository_name

MOST_OPEN = 100  # open places that a deny is compared with
SOON = 14 * 86_400  # seconds before its end from which a grant is named
_DATE = re.compile(r"(?<!\d)\d{4}-\d\d-\d\d(?!\d)", re.ASCII)


class Policy:
    """What rules may ask: the policy as it would be, the groups without anybody, the time."""

    def __init__(self, book: Rulebook, empty: frozenset[str], now: float) -> None:
        self.book = book
        self.empty = empty
        self.now = now
        self._views = Views(book)
        places = [*self._public(), *(rule.pattern for rule in book.rules(EVERYONE) if rule.allow)]
        self.open_names = tuple(map(_witness, places[:MOST_OPEN]))
        """Names that anybody may pull, one for each place that is open."""

    def _public(self) -> list[str]:
        spaces = self.book.base.visibility.items()
        return [path for path, seen in spaces if Visibility.PUBLIC in seen.values()]

    def pulls(self, subject: str, name: str, registry: Registry) -> Reason | None:
        """Why whoever stands for a subject may not pull; None when they may."""
        if not is_repository_name(name):
            return Reason.UNKNOWN_NAME
        view: View = self._views.of(stand_in(subject))
        asked = Asked((Access("repository", name, (PULL,)),))
        verdict = decide(
            view, registry, asked, address="", address_known=False, now=self.now
        ).verdicts[0]
        return verdict.refused[0].reason if verdict.refused else None


def _wide(spec: GrantSpec, policy: Policy) -> str | None:
    """Rights above reader for everybody."""
    if spec.effect != "allow" or spec.subject not in (EVERYONE, AUTHENTICATED):
        return None
    if spec.subject == AUTHENTICATED and USERNAME in spec.on.split("/"):
        return None  # everybody at their own place
    role = policy.book.base.roles.get(spec.role)
    if role is None or not (role.repository - {PULL} or role.catalog or spec.role in MANAGING):
        return None
    who = "anybody, signed in or not," if spec.subject == EVERYONE else "whoever signs in"
    return f"{who} gets '{spec.role}' on '{spec.on}': name a group, or give reader"


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
    for registry in _registries(spec, policy):
        for name in (_witness(spec.on), *policy.open_names):
            denied = policy.pulls(spec.subject, name, registry) is Reason.DENIED
            if denied and policy.pulls(EVERYONE, name, registry) is None:
                return (
                    f"{spec.subject} may not pull '{name}', but anybody may who does not sign in:"
                    " take it from 'everyone', or make the namespace internal"
                )
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
    if spec.expires_at is None or spec.expires_at.timestamp() > policy.now + SOON:
        return None
    if spec.expires_at.timestamp() <= policy.now:
        return "this grant has ended: remove it, or name a later end"
    return f"this grant ends at {spec.expires_at:%Y-%m-%d %H:%M} UTC, within 14 days"


def _end_of(text: str) -> datetime | None:
    """The end of a day; None for what is no day."""
    try:
        return datetime.combine(datetime.fromisoformat(text), time.max, UTC)
    except ValueError:
        return None


def _witness(pattern: str) -> str:
    """A name that a pattern covers; it may be none of a repository."""
    return pattern.replace(USERNAME, "somebody").replace("**", "x").replace("*", "x")


def _registries(spec: GrantSpec, policy: Policy) -> list[Registry]:
    found = policy.book.base.registries
    if spec.registry is None:
        return list(found.values())
    return [found[spec.registry]] if spec.registry in found else []


RULES: Final[Mapping[str, Callable[[GrantSpec, Policy], str | None]]] = {
    "wide": _wide,
    "everywhere": _everywhere,
    "nobody": _nobody,
    "escaped": _escaped,
    "root": _root,
    "outlives": _outlives,
    "ends": _ends,
}
