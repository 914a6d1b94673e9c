"""Globs over whole repository names, and a tree that finds all that match one name.

`*` is any run without `/`, `**` any run with `/`, and a run may be empty; everything else stands
for itself. Nothing here can take exponential time, whatever the pattern and the name: a glob is a
set of states kept in one integer, and a tree visits each of its nodes at most once.
"""

import re
from bisect import insort
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")

_NOTHING: Final[Mapping[str, Any]] = {}


class Glob:
    """One glob, ready to be matched against whole texts."""

    __slots__ = ("_any", "_bits", "_last", "_run", "pattern")

    def __init__(self, pattern: str) -> None:
        # State i means: the first i literal characters are matched. `_bits` says from which states
        # a character leads on, `_run` in which of them any character but `/` may be passed over,
        # `_any` in which of them any character at all.
        self.pattern = pattern
        self._bits: dict[str, int] = {}
        self._run = self._any = state = 0
        for wild, literal in re.findall(r"(\*+)|([^*])", pattern, re.DOTALL):
            if wild:
                self._run |= 1 << state
                self._any |= (1 << state) if len(wild) > 1 else 0
            else:
                self._bits[literal] = self._bits.get(literal, 0) | 1 << state
                state += 1
        self._last = 1 << state

    def matches(self, text: str) -> bool:
        """Whether the glob covers the whole of `text`; time linear in its length."""
        states = 1
        for character in text:
            stay = self._any if character == "/" else self._run
            states = (states & self._bits.get(character, 0)) << 1 | states & stay
            if not states:
                return False
        return bool(states & self._last)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Glob) and other.pattern == self.pattern

    def __hash__(self) -> int:
        return hash(self.pattern)

    def __repr__(self) -> str:
        return f"Glob({self.pattern!r})"


class _Edge(Generic[T]):
    """What follows a literal head: the rest as a glob, or None when it is one run to the end."""

    __slots__ = ("glob", "node", "pattern")

    def __init__(self, pattern: str, head: str, run: str) -> None:
        self.pattern = pattern
        self.glob = None if pattern == head + run else Glob(pattern)
        self.node: _Node[T] = _Node()


class _Edges(Generic[T]):
    """Wildcard edges of one node, by literal head, with the lengths of heads that occur."""

    __slots__ = ("by_head", "lengths", "run")

    def __init__(self, run: str) -> None:
        self.run = run
        self.by_head: dict[str, dict[str, _Edge[T]]] = {}
        self.lengths: list[int] = []

    def grow(self, pattern: str) -> "_Node[T]":
        head = pattern[: pattern.index("*")]
        if len(head) not in self.lengths:
            insort(self.lengths, len(head))
        edges = self.by_head.setdefault(head, {})
        if pattern not in edges:
            edges[pattern] = _Edge(pattern, head, self.run)
        return edges[pattern].node

    def follow(self, text: str) -> "Iterator[_Node[T]]":
        for length in self.lengths:
            if length > len(text):
                return
            for edge in self.by_head.get(text[:length], _NOTHING).values():
                if edge.glob is None or edge.glob.matches(text):
                    yield edge.node


class _Node(Generic[T]):
    """A place between segments: edges for one more segment, and globs over all the rest."""

    __slots__ = ("ends", "literal", "rest", "segment")

    def __init__(self) -> None:
        self.ends: list[T] = []
        self.literal: dict[str, _Node[T]] = {}
        self.segment: _Edges[T] | None = None
        self.rest: _Edges[T] | None = None

    def grow(self, segment: str) -> "_Node[T]":
        if "*" not in segment:
            return self.literal.setdefault(segment, _Node())
        self.segment = self.segment or _Edges("*")
        return self.segment.grow(segment)

    def close(self, rest: str) -> "_Node[T]":
        self.rest = self.rest or _Edges("**")
        return self.rest.grow(rest)


class GlobTree(Generic[T]):
    """Values under globs, by segments; `find` gives those whose glob covers a name.

    Built once and never changed. A pattern goes down one edge for each segment until the first
    that holds `**`; from there on it is one glob over all that is left of the name.
    """

    __slots__ = ("_root",)

    def __init__(self, items: Iterable[tuple[str, T]]) -> None:
        self._root: _Node[T] = _Node()
        for pattern, value in items:
            self._put(pattern, value)

    def _put(self, pattern: str, value: T) -> None:
        node, segments = self._root, pattern.split("/")
        for place, segment in enumerate(segments):
            if "**" in segment:
                node = node.close("/".join(segments[place:]))
                break
            node = node.grow(segment)
        node.ends.append(value)

    def find(self, name: str) -> list[T]:
        """The values of all globs that cover `name`, each as often as it was put in."""
        found: list[T] = []
        level, rest = [self._root], name
        while level:
            segment, slash, below = rest.partition("/")
            following: list[_Node[T]] = []
            for node in level:
                if node.rest is not None:
                    for end in node.rest.follow(rest):
                        found += end.ends
                child = node.literal.get(segment)
                if child is not None:
                    following.append(child)
                if node.segment is not None:
                    following += node.segment.follow(segment)
            if not slash:
                for node in following:
                    found += node.ends
                break
            level, rest = following, below
        return found
