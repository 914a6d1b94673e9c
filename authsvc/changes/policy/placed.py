"""YAML text as plain values that know their place. Pure.

Only what JSON can say is taken, in the core schema of YAML 1.2 (yaml.org/spec/1.2.2, 10.3): `on`
and `no` are texts, a time stays a text. Tags, anchors, aliases, merge keys, several documents,
keys that come twice and deep nesting are faults, so that reading is linear in the text.
"""

import math
import re
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

from authsvc.changes.faults import Faults

from .encoded import Place, Unreadable, text_of

MAX_BYTES = 16 * 1024 * 1024  # of one file: some 100,000 grants
MAX_VALUES = 2_000_000  # of one file; 100,000 grants with everything that one may say are 1,200,000
MAX_DEPTH = 16  # a policy needs 4
MAX_MEMBERS = 100  # of one object; a grant has 8
MAX_INNER = 10_000  # values of a list within an entry; a group has at most as many members
ENTRIES_DEPTH = 2  # where the lists of entries stand: in the members of the document
LONGEST_QUOTED = 60  # characters of what was given that a fault repeats

_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})", re.ASCII)
_NUMBER = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
    re.ASCII,
)
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
OTHER_NUMBER = math.nan
"""Stands for every number that is no integer of 18 digits: no member takes one."""

Value: TypeAlias = "str | int | float | bool | list[Node] | dict[str, Node] | None"


@dataclass(slots=True)
class Node:
    """A value and where it stands, from 1; a member of an object also where its name stands.

    Plain numbers and not the parser's marks: those would live on, and be looked at by every
    collection of garbage, half the time of reading 100,000 grants.
    """

    value: Value
    line: int
    column: int
    name_line: int = 0
    name_column: int = 0

    @property
    def at(self) -> Place:
        """Line and column of the value."""
        return self.line, self.column

    @property
    def named_at(self) -> Place:
        """Where the name of the member stands, or the value where there is none."""
        return (self.name_line, self.name_column) if self.name_line else self.at


def read(name: str, data: bytes, faults: Faults, *, most_members: int = MAX_MEMBERS) -> Node | None:
    """The document in `data`; None when it is empty or cannot be read, which is a fault.

    `most_members` bounds each object.
    """
    if len(data) > MAX_BYTES:
        faults.add(f"{name}:1:1", f"a file has at most {MAX_BYTES // 1024**2} MiB")
        return None
    text = ""
    try:
        text = text_of(data)
        return _Tree(text, name, faults, most_members).root()
    except Unreadable as error:
        faults.add(f"{name}:{error.at[0]}:{error.at[1]}", str(error))
    except yaml.YAMLError as error:
        at, said = _explained(error, text)
        faults.add(f"{name}:{at[0]}:{at[1]}", said)
    return None


def plain(node: Node) -> Any:
    """The value without places."""
    value = node.value
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value


def found(node: Node, location: tuple[int | str, ...]) -> Node:
    """What stands at `location` below `node`, or the nearest thing around it that is there."""
    for step in location:
        held = node.value
        if isinstance(held, dict) and step in held:
            node = held[str(step)]
        elif isinstance(held, list) and isinstance(step, int) and step < len(held):
            node = held[step]
        else:
            break
    return node


class _Tree:
    """The nodes of one file, out of the parser's events, each of which is taken once."""

    def __init__(self, text: str, name: str, faults: Faults, most_members: int) -> None:
        self._next = _Parser(text).get_event
        self._most_members = most_members
        self._name = name
        self._faults = faults
        self._left = MAX_VALUES
        self._whole = True

    def root(self) -> Node | None:
        """The document; None when there is none, or one that holds what is not taken.

        Raises `Unreadable`, `yaml.YAMLError`.
        """
        self._next()  # of the stream
        if isinstance(self._next(), yaml.StreamEndEvent):
            return None
        node = self._node(self._next(), 0)
        self._next()  # the document's end
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            raise Unreadable(_place_of(after.start_mark), "one document in a file")
        return node if self._whole else None

    def _node(self, event: Any, depth: int) -> Node:
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise Unreadable(_place_of(event.start_mark), _too_much(depth))
        kind, mark = type(event), event.start_mark
        node = Node(None, mark.line + 1, mark.column + 1)
        if kind is yaml.AliasEvent or event.anchor:
            self._refuse(event, "anchors and aliases are not taken: write it out")
        elif event.tag:
            self._refuse(event, "tags are not taken")
        if kind is yaml.ScalarEvent:
            node.value = _scalar(event)
        elif kind is yaml.SequenceStartEvent:
            node.value = self._list(depth + 1)
        elif kind is yaml.MappingStartEvent:
            node.value = self._object(depth + 1)
        return node

    def _list(self, depth: int) -> list[Node]:
        held = []
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            held.append(self._node(event, depth))
            if len(held) > MAX_INNER and depth > ENTRIES_DEPTH:
                said = f"a list within an entry holds at most {MAX_INNER:,} values"
                raise Unreadable(_place_of(event.start_mark), said)
        return held

    def _object(self, depth: int) -> dict[str, Node]:
        held: dict[str, Node] = {}
        while type(event := self._next()) is not yaml.MappingEndEvent:
            name = self._member_name(event, depth)
            node = self._node(self._next(), depth)
            node.name_line, node.name_column = _place_of(event.start_mark)
            if name in held:
                self._fault(event, f"'{name[:LONGEST_QUOTED]}' stands here twice")
            held[name] = node
            if len(held) > self._most_members:
                said = f"an object here has at most {self._most_members:,} members"
                raise Unreadable(_place_of(event.start_mark), said)
        return held

    def _member_name(self, event: Any, depth: int) -> str:
        """The name as it is written, whatever else it could be read as."""
        if type(event) is yaml.ScalarEvent and not (event.anchor or event.tag):
            return str(event.value)
        self._node(event, depth)
        if isinstance(event, yaml.CollectionStartEvent):
            self._refuse(event, "a member's name is a text")
        return ""

    def _refuse(self, event: Any, text: str) -> None:
        """A fault that makes the document one that cannot be judged further."""
        self._whole = False
        self._fault(event, text)

    def _fault(self, event: Any, text: str) -> None:
        line, column = _place_of(event.start_mark)
        self._faults.add(f"{self._name}:{line}:{column}", text)


def _place_of(mark: Any) -> Place:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _scalar(event: Any) -> str | int | float | bool | None:
    text: str = event.value
    if not event.implicit[0]:  # quoted or a block: always text
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "0123456789-+.":
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    return OTHER_NUMBER if _NUMBER.fullmatch(text) else text


def _too_much(depth: int) -> str:
    if depth > MAX_DEPTH:
        return f"nested deeper than {MAX_DEPTH}"
    return f"a file holds at most {MAX_VALUES:,} values: make several of it"


def _explained(error: yaml.YAMLError, text: str) -> tuple[Place, str]:
    """Where and what the parser could not read."""
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or "a character that YAML does not admit")
    if mark and ("tab character" in problem or text[mark.index : mark.index + 1] == "\t"):
        return _place_of(mark), "a tab stands where blanks must: indent with blanks"
    return _place_of(mark), f"this is no YAML: {problem}"
