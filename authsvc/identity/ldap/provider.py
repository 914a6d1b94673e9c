"""A source of people in an LDAP directory or Active Directory."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from math import inf

from authsvc import logs
from authsvc.errors import Unavailable
from authsvc.identity.ldap.groups import Groups
from authsvc.identity.ldap.link import Bound, TooMuch
from authsvc.identity.ldap.looks import Look, Looks
from authsvc.identity.ldap.people import People, Person
from authsvc.identity.ldap.servers import Servers
from authsvc.identity.provider import Rejected, Unknown, Verified
from authsvc.principal import Kind, Principal
from authsvc.settings.sources import LdapSource

MAX_PASSWORD = 4_096  # octets; a server may end the connection over a longer message
RENEWED_AT_ONCE = 50  # looks renewed in one run of `refresh`: at 1 to 2 ms of processor each
TIMED = 20  # passwords shown to the directory last, of which the slowest counts in `takes`
LATE = 10.0  # seconds that a look may be old whatever `cache_ttl` is, and still count for grace

_SUCCESS = 0
_WRONG = Rejected("wrong_password")
_UNKNOWN = Rejected("unknown_user")
# What Active Directory adds to "invalid credentials", in hexadecimal.
_AD_REASONS = {
    "data 533,": "disabled",
    "data 775,": "locked",
    "data 532,": "password_expired",
    "data 773,": "must_change_password",
    "data 701,": "account_expired",
}

_log = logs.get("identity")


class Ldap:
    """Checks passwords by binding as the person, and asks who is active and in which groups.

    A login is a search, a bind and, but for `memberof`, one search for the groups. What was seen of
    a person counts for `cache_ttl`; `refresh` belongs in a job, and renews it for those in use, and
    for all who have a grace: who is gone or somebody else when the directory goes away has none.
    `patience` is how many seconds a call may take at most. `settle` is told of everybody who signs
    in, before they do: what is granted to their name is theirs by then; it may block.
    """

    def __init__(
        self,
        settings: LdapSource,
        *,
        settle: Callable[[Principal], None] | None = None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = settings.name
        self.grace = float(settings.outage_grace)
        self.patience = settings.connect_timeout + 2 * settings.timeout
        self._settings = settings
        self._settle = settle
        self._timer = timer
        self._took: deque[float] = deque(maxlen=TIMED)
        self._servers = Servers(settings, timer)
        self._groups = Groups(settings, self._servers)
        self._people = People(settings, self._servers, self._groups.attributes)
        self._looks = Looks(max(settings.cache_ttl, settings.outage_grace), timer)

    def verify(self, username: str, password: str, now: float) -> Verified | Rejected | Unknown:  # noqa: ARG002 - the directory knows what has an end
        began = self._timer()
        deadline = began + self.patience
        person = self._people.named(username, deadline)
        if not isinstance(person, Person):
            return person
        if not person.disabled:
            refusal = self._refusal(person, password, deadline)
            self._took.append(self._timer() - began)
            if refusal is not None:
                return refusal
        outcome = self._looked_at(person, began, deadline)
        if isinstance(outcome, Rejected):
            return outcome
        self._hold(outcome)
        if self._settle is not None:
            self._settle(outcome)
        return Verified(outcome, evidence=person.changed, password=person.changed)

    def is_current(self, verified: Verified) -> bool:
        """Whether a look within `cache_ttl` found the same person, groups and password."""
        return self._agrees(verified, self._settings.cache_ttl)

    def in_grace(self, verified: Verified) -> bool:
        """Whether no server answers and a look within `outage_grace` agrees. Never blocks.

        It was renewed for as long as one answered: a change of before the outage counts.
        """
        if self._servers.up() or not self._looks.is_held(verified.principal.id):
            return False
        return self._agrees(verified, self._settings.outage_grace)

    def current(self, principal: Principal) -> Principal | Rejected | None:
        """What a look within `cache_ttl` found for this id; None: ask `recheck`. Never blocks."""
        look = self._looks.last(principal.id, self._settings.cache_ttl)
        return self._hold(look.outcome) if look else None

    def in_outage(self, principal: Principal) -> Principal | Rejected | None:
        """As `current`, but within `outage_grace`, and only while no server answers."""
        if self._servers.up():
            return None
        look = self._looks.last(principal.id, self._settings.outage_grace)
        if look is None or isinstance(look.outcome, Rejected):
            return look.outcome if look else None
        return look.outcome if self._looks.is_held(principal.id) else None

    def recheck(self, principal: Principal) -> Principal | Rejected:
        """Look for the person by the stable id: with today's name and groups, or why not.

        `unknown_user`: the entry is gone. `disabled`: it is there, but switched off or left out by
        a filter. Blocks.

        Raises:
            Unavailable: no server answers.

        """
        found = self._hold(self._recheck([principal.id])[principal.id])
        if self._settle is not None and isinstance(found, Principal):
            self._settle(found)
        return found

    def has_new_password(self, principal: Principal, password: str) -> bool:
        """Whether the last look saw one that was set later than that; servers may lag behind.

        However long ago that was: what was later once stays so.
        """
        look = self._looks.last(principal.id, inf)
        return look is not None and _is_later(look.changed, password)

    def knows(self, username: str) -> Principal | None:
        """The identity of that name, also of somebody disabled. Raises Unavailable."""
        deadline = self._timer() + self.patience
        person = self._people.named(username, deadline)
        if not isinstance(person, Person):
            return None
        principal = self._principal(person, deadline)
        return principal if isinstance(principal, Principal) else None

    def takes(self) -> float:
        """Seconds in which the directory answers for a password, the most of late."""
        return max(self._took.copy(), default=0.0)

    def state(self) -> str:
        return "ok" if self._servers.up() else "degraded"

    def refresh(self) -> None:
        """See which servers answer, and renew looks that will soon be too old.

        Blocks; never raises. To be called about once a second.
        """
        self._servers.probe()
        self._looks.forget_old()
        if not self._servers.up():
            return
        try:
            self._recheck(self._looks.to_renew(self._settings.cache_ttl / 2, RENEWED_AT_ONCE))
        except Unavailable:
            return
        late = max(self._settings.cache_ttl, LATE)
        if self._servers.up_for() > late:  # after an outage there is much to renew
            self._looks.let_go(late)

    def close(self) -> None:
        """Close the connections to the directory."""
        self._servers.close()

    def _recheck(self, stable_ids: Iterable[str]) -> dict[str, Principal | Rejected]:
        began = self._timer()
        deadline = began + self.patience
        outcomes: dict[str, Principal | Rejected] = {}
        for each, person in self._people.identified(stable_ids, deadline).items():
            if isinstance(person, Person):
                outcomes[each] = self._looked_at(person, began, deadline)
            else:
                outcomes[each] = person if isinstance(person, Rejected) else _UNKNOWN
                self._looks.note(each, Look(outcomes[each], "", began))
        return outcomes

    def _hold(self, outcome: Principal | Rejected) -> Principal | Rejected:
        """The same; who is let in has the grace from now on."""
        if self.grace and isinstance(outcome, Principal):
            self._looks.hold(outcome.id, self._timer() + self.grace)
        return outcome

    def _looked_at(self, person: Person, began: float, deadline: float) -> Principal | Rejected:
        """Who this is now, noted for the questions that must not block."""
        outcome = Rejected("disabled") if person.disabled else self._principal(person, deadline)
        self._looks.note(person.id, Look(outcome, person.changed, began))
        return outcome

    def _principal(self, person: Person, deadline: float) -> Principal | Rejected:
        try:
            groups = self._groups.of(person.entry, deadline)
        except TooMuch as reason:
            _log.error("groups of a person cannot be told", source=self.name, user=person.name,
                       reason=str(reason))  # fmt: skip
            return Rejected("too_many_groups")
        return Principal(Kind.USER, self.name, person.name, person.id, groups)

    def _refusal(self, person: Person, password: str, deadline: float) -> Rejected | None:
        """Why the password is not right, None when it is."""
        if not person.entry.dn or not _is_sendable(password):
            return _WRONG
        bound = self._servers.bind(person.entry.dn, password, deadline)
        if bound.code != _SUCCESS:
            return Rejected(_reason(bound))
        return Rejected("must_change_password") if bound.must_change else None

    def _agrees(self, verified: Verified, within: float) -> bool:
        look = self._looks.last(verified.principal.id, within)
        return (
            look is not None
            and look.outcome == verified.principal
            and look.changed == verified.evidence
        )


def _is_later(one: str, other: str) -> bool:
    """Whether a directory's time is after another of its times; '' was never.

    Active Directory counts ticks, others write generalized time (RFC 4517, 3.3.13).
    """
    return int(one) > int(other) if one.isdigit() and other.isdigit() else one > other


def _is_sendable(password: str) -> bool:
    """Whether a directory may be asked: not empty, no control character, not over long.

    An empty one binds anonymously with success (RFC 4513, 5.1.2), and some servers cut at a NUL.
    """
    if any(character < " " or character == "\x7f" for character in password):
        return False
    try:
        return 0 < len(password.encode()) <= MAX_PASSWORD
    except UnicodeEncodeError:
        return False


def _reason(bound: Bound) -> str:
    for text, reason in _AD_REASONS.items():
        if text in bound.message:
            return reason
    return "wrong_password"
