"""Names that stand for all others, so that two policies can be compared. Pure.

Two names that the same places cover are decided alike (contract section 5): what holds for one of
each kind holds for all of that kind.
"""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from authsvc.protocol.names import MAX_NAME

from .compiler import is_glob
from .covering import ancestors
from .model import EVERYWHERE
from .overlap import anchor

MOST_STATES = 20_000  # that are looked at for one place
_PART: Final = re.compile(r"(\*+)|([^*])", re.DOTALL)
_LETTERS: Final = "xyzqwvkjhgfbdmnprstlcaeiou0123456789"

_START, _WORD, _LOW, _DASH = range(4)  # where in a component a name may be
_SEPARATED: Final = {
    (_WORD, "/"): _START,
    (_WORD, "."): _START,
    (_WORD, "_"): _LOW,
    (_LOW, "_"): _START,
    (_WORD, "-"): _DASH,
    (_DASH, "-"): _DASH,
}
"""What a character that is no letter or digit leads to (protocol/names: paths)."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a path or a glob covers: whole names that `text` matches, of a path those below too.

    `on` is how people read it.
    """

    text: str
    path: bool
    on: str

    @property
    def key(self) -> tuple[str, bool]:
        """What two places that cover the same have in common."""
        return self.text, self.path

    @property
    def narrowness(self) -> tuple[int, bool, int, int]:
        """Of two places that cover a name, the greater one says more of it."""
        literal = len(self.text.replace("*", ""))
        return len(anchor(self.text)), is_glob(self.text), literal, -len(self.text)

    @property
    def around(self) -> set[tuple[str, bool]]:
        """Keys of the other places that cover all of this one, as far as one can easily tell."""
        above = ancestors(self.text)[1:]
        paths = {(path, True) for path in (self.text, *above)}
        globs = {(f"{path}/{EVERYWHERE}", False) for path in above}
        return {(EVERYWHERE, False), *paths, *globs} - {self.key}


class Witness(NamedTuple):
    """A repository name, and the places that cover it."""

    name: str
    places: tuple[Place, ...]


@dataclass(slots=True)
class Budget:
    """How many steps may still be taken; hostile globs could take any number of them."""

    left: int

    def take(self, steps: int = 1) -> bool:
        """Whether so many are left; they are taken, or else all that there are."""
        self.left -= steps
        return self.left >= 0


def witnesses(place: Place, others: Sequence[Place], budget: Budget) -> tuple[list[Witness], bool]:
    """For each set of `others` that covers some name of `place` together, one such name.

    The shortest come first. False when they are not all, since the steps of one place or the
    budget ended.
    """
    together = _Together((place, *others))
    found: dict[int, str] = {}
    first = (together.start, _START)
    seen, waiting = {first}, deque([(first, "")])
    while waiting and len(seen) <= MOST_STATES and budget.take():
        (states, kind), name = waiting.popleft()
        if kind == _WORD and states & together.ends[0]:
            found.setdefault(states & together.covered, name)
        for letter, after in together.steps(states) if len(name) < MAX_NAME else ():
            follows = _WORD if letter.isalnum() else _SEPARATED.get((kind, letter))
            if follows is not None and (after, follows) not in seen:
                seen.add((after, follows))
                waiting.append(((after, follows), name + letter))
    return list(_told(together, found)), not waiting


def _told(together: "_Together", found: dict[int, str]) -> Iterator[Witness]:
    """One name for each set of places: a path covers itself and what is below it all the same."""
    sets: dict[tuple[Place, ...], str] = {}
    for states, name in found.items():
        ends = zip(together.places, together.ends, strict=True)
        sets.setdefault(tuple(place for place, end in ends if states & end), name)
    return (Witness(name, places) for places, name in sets.items())


class _Together:
    """Places that are followed all at once: every state of each is a bit, as in `globs.Glob`."""

    def __init__(self, places: Sequence[Place]) -> None:
        self.places = places
        self.ends: list[int] = []
        self.start = self._run = self._any = state = 0
        self._bits: dict[str, int] = {}
        for place in places:
            self.start |= 1 << state
            for wild, literal in _PART.findall(place.text + "/**" * place.path):
                if wild:
                    self._run |= 1 << state
                    self._any |= (1 << state) if len(wild) > 1 else 0
                else:
                    self._bits[literal] = self._bits.get(literal, 0) | 1 << state
                    state += 1
            # A path covers itself as well: the state before the slash that its `/**` adds.
            self.ends.append(1 << state | (1 << state - 1 if place.path else 0))
            state += 1
            if place is places[0]:
                self.of_first = (1 << state) - 1
        self.covered = sum(self.ends)
        fresh = next((letter for letter in _LETTERS if letter not in self._bits), None)
        slashes = self._bits.pop("/", 0)
        self._bits = {**({fresh: 0} if fresh else {}), **self._bits, "/": slashes}
        self._always = frozenset({fresh, "/"} if fresh else self._bits)

    def steps(self, states: int) -> Iterator[tuple[str, int]]:
        """The next characters that keep the first place alive, and the states behind each.

        One that no place names stands for all such, and for those that lead nowhere else here.
        """
        for letter, bits in self._bits.items():
            moved = states & bits
            after = moved << 1 | states & (self._any if letter == "/" else self._run)
            if after & self.of_first and (moved or letter in self._always):
                yield letter, after
