"""What anybody may pull who does not sign in, as far as a deny lies there. Pure."""

from bisect import bisect_left
from collections.abc import Iterator

from authsvc.access.askers import Views, stand_in
from authsvc.access.compared import BELOW, PAST_BELOW, filled_in
from authsvc.access.compiler import is_glob
from authsvc.access.covering import ancestors
from authsvc.access.model import EVERYONE, Reason, Registry, View, Visibility
from authsvc.access.overlap import anchor, overlap
from authsvc.access.policy import decide
from authsvc.access.roles import PULL
from authsvc.access.witnesses import Budget, Place, witnesses
from authsvc.protocol.access import Access, Asked

MOST = 200_000  # steps of one lint, a second or two
MOST_OF_DENY = 2_000


class Open:
    """The places that are public or given to everyone, compared with denies.

    `partial` once there was more to compare than MOST steps; then nothing more is found.
    """

    def __init__(self, views: Views, now: float) -> None:
        self._views = views
        self._now = now
        self._budget = Budget(MOST)
        spaces = views.base.visibility.items()
        given = (rule.pattern for rule in views.book.rules(EVERYONE) if rule.allow)
        places = {path for path, seen in spaces if Visibility.PUBLIC in seen.values()} | {*given}
        self._globs = sorted(filter(is_glob, places))
        self._paths = sorted(places.difference(self._globs))
        self._anybody = views.of(stand_in(EVERYONE))

    @property
    def partial(self) -> bool:
        """Whether not everything could be compared."""
        return self._budget.left < 0

    def escaped(self, subject: str, on: str, registries: list[Registry]) -> str | None:
        """A name that is denied to a subject by a deny there, and that anybody may pull."""
        somebody = stand_in(subject)
        place = filled_in(on, somebody)
        near = [] if place is None or self.partial else self._near(place.text)
        if place is None or not near:
            return None
        view = self._views.of(somebody)
        for name in self._names(place, near):
            for registry in registries:
                free = self._budget.take() and self._pulls(self._anybody, registry, name) is None
                if free and self._pulls(view, registry, name) is Reason.DENIED:
                    return name
        return None

    def _near(self, text: str) -> list[str]:
        """The open places that have names in common with a place."""
        top, paths = anchor(text), self._paths
        if top:
            low, high = bisect_left(paths, top + BELOW), bisect_left(paths, top + PAST_BELOW)
            above = [path for path in ancestors(top) if _holds(paths, path)]
            paths = [*above, *paths[low:high]]
        some = [*paths, *self._globs]
        if not self._budget.take(1 + len(some)):
            return []
        return [each for each in some if overlap(each, text)]

    def _names(self, place: Place, near: list[str]) -> Iterator[str]:
        """Names that stand for all that a deny and open places have in common."""
        others = tuple(Place(text, path=not is_glob(text), on=text) for text in near)
        own = Budget(min(MOST_OF_DENY, self._budget.left))
        found, _ = witnesses(place, others, own)
        self._budget.take(MOST_OF_DENY - max(own.left, 0))
        return (witness.name for witness in found)

    def _pulls(self, view: View, registry: Registry, name: str) -> Reason | None:
        """Why a principal may not pull; None when it may. Its address is not known."""
        asked = Asked((Access("repository", name, (PULL,)),))
        decision = decide(view, registry, asked, address="", address_known=False, now=self._now)
        refused = decision.verdicts[0].refused
        return refused[0].reason if refused else None


def _holds(paths: list[str], path: str) -> bool:
    place = bisect_left(paths, path)
    return place < len(paths) and paths[place] == path
