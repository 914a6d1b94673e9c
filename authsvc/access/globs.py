"""Globs over whole repository names, and a tree that finds all that match one name.

`*` is any run without `/`, `**` any run with `/`, and a run may be empty; everything else stands
for itself. Nothing here can take exponential time, whatever the pattern and the name: a glob is a
set of states kept in one integer, and a tree visits each of its nodes at most once.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")
V = TypeVar("V")

_NONE: Final[Mapping[str, Any]] = {}  # one for all nodes that have nothing to look up
_PART: Final = re.compile(r"(\*+)|([^*])", re.DOTALL)


class Glob:
    """One glob, ready to be matched against whole texts."""

    __slots__ = ("_any", "_bits", "_last", "_run", "literal", "pattern")

    def __init__(self, pattern: str) -> None:
        # State i means: the first i literal characters are matched. `_bits` says from which states
        # a character leads on, `_run` in which of them any character but `/` may be passed over,
        # `_any` in which of them any character at all.
        self.pattern = pattern
        self._bits: dict[str, int] = {}
        self._run = self._any = state = 0
        for wild, literal in _PART.findall(pattern):
            if wild:
                self._run |= 1 << state
                self._any |= (1 << state) if len(wild) > 1 else 0
            else:
                self._bits[literal] = self._bits.get(literal, 0) | 1 << state
                state += 1
        self._last = 1 << state
        # What no text that it covers can be without; asking for that is much less work.
        self.literal = max(pattern.split("*"), key=len)

    def matches(self, text: str) -> bool:
        """Whether the glob covers the whole of `text`; time linear in its length."""
        states = 1
        for character in text:
            stay = self._any if character == "/" else self._run
            states = (states & self._bits.get(character, 0)) << 1 | states & stay
            if not states:
                return False
        return bool(states & self._last)

    def meets(self, other: "Glob") -> bool:
        """Whether any text is covered by both; exact, and time linear in each of the lengths."""
        states, slashes = 1, self._bits.get("/", 0)
        for wild, literal in _PART.findall(other.pattern):
            if wild:
                # The other's run may be any of our literals that it admits. Adding carries each
                # state through all of them that stand together.
                admitted = self._last - 1 & (-1 if len(wild) > 1 else ~slashes)
                states |= (states & admitted) + admitted ^ admitted
            else:
                stay = self._any if literal == "/" else self._run
                states = (states & self._bits.get(literal, 0)) << 1 | states & stay
        return bool(states & self._last)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Glob) and other.pattern == self.pattern

    def __hash__(self) -> int:
        return hash(self.pattern)

    def __repr__(self) -> str:
        return f"Glob({self.pattern!r})"


class _Edge(Generic[T]):
    """One pattern with `*` in it, for one segment or for all the rest, and what follows it.

    `glob` is None where the pattern is one run only: then its two ends say all.
    """

    __slots__ = ("ends", "glob", "node", "pattern")

    def __init__(
        self, pattern: str, ends: tuple[str, str], glob: Glob | None, node: "_Node[T]"
    ) -> None:
        self.pattern = pattern
        self.ends = ends
        self.glob = glob
        self.node = node

    @classmethod
    def made(cls, pattern: str, node: "_Node[T]") -> "_Edge[T]":
        head, tail = pattern[: pattern.index("*")], pattern[pattern.rindex("*") + 1 :]
        runs = pattern[len(head) : len(pattern) - len(tail)]
        return cls(pattern, (head, tail), Glob(pattern) if runs.strip("*") else None, node)

    @classmethod
    def merged(cls, edges: "Sequence[_Edge[T]]") -> "_Edge[T]":
        """One edge out of several of the same pattern."""
        first = edges[0]
        node = _Node.merged([edge.node for edge in edges])
        return cls(first.pattern, first.ends, first.glob, node)


class _Edges(Generic[T]):
    """Edges of one node by their two literal ends, with the lengths of ends that occur."""

    __slots__ = ("by_ends", "by_pattern", "lengths")

    def __init__(self, by_pattern: Mapping[str, _Edge[T]]) -> None:
        self.by_pattern = by_pattern
        self.by_ends: dict[tuple[str, str], list[_Edge[T]]] = {}
        for edge in by_pattern.values():
            self.by_ends.setdefault(edge.ends, []).append(edge)
        self.lengths = tuple({(len(head), len(tail)) for head, tail in self.by_ends})

    def follow(self, text: str) -> "list[_Node[T]]":
        found, size = [], len(text)
        for head, tail in self.lengths:
            if head + tail <= size:
                for edge in self.by_ends.get((text[:head], text[size - tail :]), ()):
                    glob = edge.glob
                    if glob is None or (glob.literal in text and glob.matches(text)):
                        found.append(edge.node)
        return found


class _Node(Generic[T]):
    """A place between segments: edges for one more segment, and globs over all the rest."""

    __slots__ = ("ends", "literal", "rest", "segment")

    def __init__(
        self,
        ends: tuple[T, ...] = (),
        literal: "Mapping[str, _Node[T]]" = _NONE,
        segment: _Edges[T] | None = None,
        rest: _Edges[T] | None = None,
    ) -> None:
        self.ends = ends
        self.literal = literal
        self.segment = segment
        self.rest = rest

    @classmethod
    def chain(cls, pattern: str, value: T) -> "_Node[T]":
        """The nodes of one pattern: an edge for each segment until the first that holds `**`.

        From there on it is one glob over all that is left of the name.
        """
        node: _Node[T] = cls((value,))
        segments = pattern.split("/")
        if "**" in pattern:
            place = pattern[: pattern.index("**")].count("/")
            rest = "/".join(segments[place:])
            node = cls(rest=_Edges({rest: _Edge.made(rest, node)}))
            del segments[place:]
        for segment in reversed(segments):
            if "*" in segment:
                node = cls(segment=_Edges({segment: _Edge.made(segment, node)}))
            else:
                node = cls(literal={segment: node})
        return node

    @classmethod
    def merged(cls, nodes: "Sequence[_Node[T]]") -> "_Node[T]":
        """One node out of several; what only one of them has is shared with it."""
        return cls(
            tuple([value for node in nodes for value in node.ends]),
            _gathered([node.literal for node in nodes], _Node.merged) or _NONE,
            _together([node.segment for node in nodes if node.segment is not None]),
            _together([node.rest for node in nodes if node.rest is not None]),
        )


def _together(edges: Sequence[_Edges[T]]) -> _Edges[T] | None:
    if len(edges) < 2:
        return edges[0] if edges else None
    return _Edges(_gathered([one.by_pattern for one in edges], _Edge.merged))


def _gathered(
    mappings: Iterable[Mapping[str, V]], join: Callable[[Sequence[V]], V]
) -> Mapping[str, V]:
    """One mapping out of several; values of the same key are joined."""
    found: dict[str, list[V]] = {}
    for mapping in mappings:
        for key, value in mapping.items():
            found.setdefault(key, []).append(value)
    return {key: join(held) if len(held) > 1 else held[0] for key, held in found.items()}


class GlobTree(Generic[T]):
    """Values under globs, by segments; `find` gives those whose glob covers a name.

    Built once and never changed, so that trees can share their parts.
    """

    __slots__ = ("_size", "root")

    def __init__(
        self, items: Iterable[tuple[str, T]] = (), trees: "Sequence[GlobTree[T]]" = ()
    ) -> None:
        """Of `items` and all that is in `trees`, whose parts are shared as far as possible."""
        chains = [_Node.chain(pattern, value) for pattern, value in items]
        self.root: _Node[T] = _Node.merged([tree.root for tree in trees] + chains)
        self._size = sum(map(len, trees)) + len(chains)

    def __len__(self) -> int:
        """How many values it holds."""
        return self._size

    def __iter__(self) -> Iterator[T]:
        """Every value, each as often as it was put in."""
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            yield from node.ends
            waiting += node.literal.values()
            for edges in (node.segment, node.rest):
                if edges is not None:
                    waiting += [edge.node for edge in edges.by_pattern.values()]

    def find(self, name: str) -> list[T]:
        """The values of all globs that cover `name`, each as often as it was put in."""
        found: list[T] = []
        level, rest = [self.root], name
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
